//! There and back again, and the least that it takes: the message on cache lines
//! that go from one process to the other.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use killproof::{Shared, shareable};

use super::compare::is_quick;
use super::workers::{Worker, pin, unpin};

/// How often to look before letting others run.
const LOOKS: u32 = 64;

/// One more look in vain.
#[inline]
pub fn wait(looks: &mut u32) {
    *looks += 1;
    if looks.is_multiple_of(LOOKS) { std::thread::yield_now() } else { std::hint::spin_loop() }
}

/// What `measure` finds where everybody, also the children, has one CPU.
pub fn on_one_cpu(measure: impl FnOnce() -> f64) -> f64 {
    let allowed = pin(0);
    let measured = measure();
    unpin(&allowed);
    measured
}

/// Where the two ends of a round trip run.
#[derive(Clone, Copy)]
pub enum Places {
    /// Wherever the kernel puts them, which may be the same CPU.
    Any,
    /// On a CPU each, where there are two: so both are awake, and stay so.
    Apart,
}

/// What `ask` finds while a child runs `echo`.
pub fn between(places: Places, echo: impl FnOnce(), ask: impl FnOnce() -> f64) -> f64 {
    let child = Worker::start(|| {
        if let Places::Apart = places {
            pin(1);
        }
        echo();
    });
    let allowed = matches!(places, Places::Apart).then(|| pin(0));
    let nanoseconds = ask();
    child.join();
    allowed.iter().for_each(unpin);
    nanoseconds
}

/// Nanoseconds of a round trip, after a warm-up.
pub fn trips(mut trip: impl FnMut(u64)) -> f64 {
    let mut number = 0_u64;
    let mut for_a_while = |how_long: Duration| {
        let (start, before) = (Instant::now(), number);
        loop {
            number += 1;
            trip(number);
            let elapsed = start.elapsed();
            if elapsed >= how_long {
                return elapsed.as_nanos() as f64 / (number - before) as f64;
            }
        }
    };
    let (warm_up, window) = if is_quick() { (1, 2) } else { (5, 50) };
    for_a_while(Duration::from_millis(warm_up));
    for_a_while(Duration::from_millis(window))
}

/// One end of one direction, which waits until there is room, or a number.
pub trait Direction {
    fn send(&mut self, number: u64);
    fn recv(&mut self) -> u64;
}

/// Nanoseconds of a round trip between two processes, on a CPU each. Each of them has its
/// `ends` of there and back.
pub fn echoed<D: Direction>(ends: impl Fn() -> (D, D)) -> f64 {
    let echo = || {
        let (mut there, mut back) = ends();
        loop {
            match there.recv() {
                0 => return,
                number => back.send(number),
            }
        }
    };
    let ask = || {
        let (mut there, mut back) = ends();
        let nanoseconds = trips(|number| {
            there.send(number);
            assert_eq!(back.recv(), number);
        });
        there.send(0);
        nanoseconds
    };
    between(Places::Apart, echo, ask)
}

/// Words of the longest message.
const WORDS: usize = 128;

shareable! {
    /// A number, and behind it a message; aligned so that 56 bytes share its line.
    #[repr(align(128))]
    struct Line { number: AtomicU64, message: [AtomicU64; WORDS] }
}

shareable! {
    /// One each way, on lines of their own.
    pub struct Lines { there: Line, back: Line }
}

impl Line {
    fn new() -> Line {
        let message = [const { AtomicU64::new(0) }; WORDS];
        Line { number: AtomicU64::new(u64::MAX), message }
    }

    /// A message of `words` words, all of them the number.
    #[inline]
    fn put(&self, number: u64, words: usize) {
        self.message[..words].iter().for_each(|word| word.store(number, Ordering::Relaxed));
        self.number.store(number, Ordering::Release);
    }

    #[inline]
    fn take_another(&self, known: u64, words: usize) -> u64 {
        let mut looks = 0;
        loop {
            let number = self.number.load(Ordering::Acquire);
            if number != known {
                let is_number = |word: &AtomicU64| word.load(Ordering::Relaxed) == number;
                assert!(self.message[..words].iter().all(is_number), "a torn message");
                return number;
            }
            wait(&mut looks);
        }
    }
}

impl Lines {
    /// Nanoseconds of a round trip of `bytes` between two processes, on a CPU each.
    pub fn trip(bytes: usize) -> f64 {
        let words = bytes / size_of::<u64>();
        let lines = Lines::new();
        let ask = || {
            let nanoseconds = trips(|number| lines.ask(number, words));
            lines.ask(0, words);
            nanoseconds
        };
        between(Places::Apart, || lines.echo(words), ask)
    }

    fn new() -> Shared<Lines> {
        Shared::new(Lines { there: Line::new(), back: Line::new() }).unwrap()
    }

    fn ask(&self, number: u64, words: usize) {
        let known = self.back.number.load(Ordering::Relaxed);
        self.there.put(number, words);
        assert_eq!(self.back.take_another(known, words), number);
    }

    fn echo(&self, words: usize) {
        let mut number = u64::MAX;
        while number != 0 {
            number = self.there.take_another(number, words);
            self.back.put(number, words);
        }
    }
}
