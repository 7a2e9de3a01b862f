//! Workers that repeat an operation and count, as processes or as threads.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use killproof::{Shared, shareable};

use super::compare::{is_quick, median};

/// More than any bench starts.
const MOST: usize = 64;

shareable! {
    /// A counter that only its worker writes, on cache lines of its own.
    #[repr(align(128))]
    struct Line { count: AtomicU64 }
}

shareable! {
    pub struct Board {
        stop: AtomicBool,
        lines: [Line; MOST],
        sent: Tally,
        received: Tally,
    }
}

shareable! {
    /// How many values there were, and their sum.
    pub struct Tally { count: AtomicU64, sum: AtomicU64 }
}

impl Tally {
    fn new() -> Tally {
        Tally { count: AtomicU64::new(0), sum: AtomicU64::new(0) }
    }

    pub fn add(&self, count: u64, sum: u64) {
        self.count.fetch_add(count, Ordering::Relaxed);
        self.sum.fetch_add(sum, Ordering::Relaxed);
    }

    fn get(&self) -> (u64, u64) {
        (self.count.load(Ordering::Relaxed), self.sum.load(Ordering::Relaxed))
    }
}

/// How fast workers were together, and how equally.
pub struct Pace {
    /// Operations of all workers in a second.
    pub per_second: f64,
    /// The slowest worker's count over the fastest's.
    pub fairness: f64,
}

impl Pace {
    /// Between two operations, of whomever.
    pub fn nanoseconds(&self) -> f64 {
        1e9 / self.per_second
    }
}

impl Board {
    pub fn new() -> Shared<Board> {
        let lines = std::array::from_fn(|_| Line { count: AtomicU64::new(0) });
        let stop = AtomicBool::new(false);
        Shared::new(Board { stop, lines, sent: Tally::new(), received: Tally::new() }).unwrap()
    }

    pub fn sent(&self) -> &Tally {
        &self.sent
    }

    pub fn received(&self) -> &Tally {
        &self.received
    }

    /// Whether every value that was sent was received, and nothing else.
    pub fn is_even(&self) -> bool {
        self.sent.get() == self.received.get()
    }

    fn counts(&self, workers: usize) -> Vec<u64> {
        self.lines[..workers].iter().map(|line| line.count.load(Ordering::Relaxed)).collect()
    }

    /// Counts one operation of `worker`.
    #[inline]
    pub fn count(&self, worker: usize) {
        let count = &self.lines[worker].count;
        count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    #[inline]
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn repeat(&self, worker: usize, operation: impl Fn()) {
        while !self.is_stopped() {
            operation();
            self.count(worker);
        }
    }

    /// Watches `workers` workers for a while and stops them.
    pub fn watch(&self, workers: usize) -> Pace {
        let (warm_up, window) = if is_quick() { (5, 10) } else { (20, 100) };
        thread::sleep(Duration::from_millis(warm_up));
        let (before, start) = (self.counts(workers), Instant::now());
        thread::sleep(Duration::from_millis(window));
        let (after, elapsed) = (self.counts(workers), start.elapsed());
        self.stop.store(true, Ordering::Relaxed);
        let done: Vec<u64> =
            after.iter().zip(before).map(|(after, before)| after - before).collect();
        let slowest = *done.iter().min().unwrap() as f64;
        let fastest = *done.iter().max().unwrap() as f64;
        let per_second = done.iter().sum::<u64>() as f64 / elapsed.as_secs_f64();
        Pace { per_second, fairness: slowest / fastest }
    }
}

/// `workers` forked processes repeat `operation`.
pub fn processes(workers: usize, operation: impl Fn() + Sync) -> Pace {
    let board = Board::new();
    let repeat = |worker| board.repeat(worker, &operation);
    let members = vec![&repeat as &(dyn Fn(usize) + Sync); workers];
    Crew { members: &members, watched: workers }.as_processes(&board, || ())
}

/// `workers` threads of this process repeat `operation`.
pub fn threads(workers: usize, operation: impl Fn() + Sync) -> Pace {
    let board = Board::new();
    let repeat = |worker| board.repeat(worker, &operation);
    let members = vec![&repeat as &(dyn Fn(usize) + Sync); workers];
    Crew { members: &members, watched: workers }.as_threads(&board)
}

/// What the workers of one run do; the first `watched` of them are counted.
pub struct Crew<'a> {
    pub members: &'a [&'a (dyn Fn(usize) + Sync)],
    pub watched: usize,
}

impl Crew<'_> {
    /// Everybody in a process of their own; `started` runs in this one once they
    /// are there.
    pub fn as_processes(&self, board: &Board, started: impl FnOnce()) -> Pace {
        let start =
            |(worker, member): (usize, &&(dyn Fn(usize) + Sync))| Worker::start(|| member(worker));
        let children: Vec<Worker> = self.members.iter().enumerate().map(start).collect();
        started();
        let pace = board.watch(self.watched);
        children.into_iter().for_each(Worker::join);
        pace
    }

    /// Everybody in a thread of their own.
    pub fn as_threads(&self, board: &Board) -> Pace {
        thread::scope(|scope| {
            for (worker, member) in self.members.iter().enumerate() {
                scope.spawn(move || member(worker));
            }
            board.watch(self.watched)
        })
    }
}

/// A bare forked child. It is killed when dropped.
pub struct Worker(libc::pid_t);

impl Worker {
    /// Forks a child that runs `body` and ends.
    pub fn start(body: impl FnOnce()) -> Worker {
        // SAFETY: benches fork from their only thread.
        match unsafe { libc::fork() } {
            -1 => panic!("fork: {}", std::io::Error::last_os_error()),
            0 => {
                // A panic must not unwind into the parent's frames.
                let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
                // SAFETY: ends this process.
                unsafe { libc::_exit(i32::from(result.is_err())) }
            }
            pid => Worker(pid),
        }
    }

    /// Waits for the end, which must be a good one.
    pub fn join(self) {
        assert_eq!(self.wait(), 0, "a worker failed");
        std::mem::forget(self);
    }

    fn wait(&self) -> libc::c_int {
        let mut status = 0;
        // SAFETY: a child of ours and a place for its status.
        assert_eq!(unsafe { libc::waitpid(self.0, &raw mut status, 0) }, self.0);
        status
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // SAFETY: a child of ours that nobody has waited for.
        unsafe { libc::kill(self.0, libc::SIGKILL) };
        self.wait();
    }
}

/// Keeps this process on one of the CPUs that it may use, where that is permitted;
/// gives back which those are.
pub fn pin(index: usize) -> libc::cpu_set_t {
    // SAFETY: all zeroes is the empty set.
    let mut allowed: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: a place for a set of that size.
    unsafe { libc::sched_getaffinity(0, size_of_val(&allowed), &raw mut allowed) };
    // SAFETY: the numbers are below the size of the set.
    let is_allowed = |cpu: &usize| unsafe { libc::CPU_ISSET(*cpu, &allowed) };
    let cpus: Vec<usize> = (0..libc::CPU_SETSIZE as usize).filter(is_allowed).collect();
    if let Some(cpu) = cpus.get(index) {
        // SAFETY: all zeroes is the empty set.
        let mut one: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        // SAFETY: as above.
        unsafe { libc::CPU_SET(*cpu, &mut one) };
        unpin(&one);
    }
    allowed
}

/// Lets this process use these CPUs.
pub fn unpin(cpus: &libc::cpu_set_t) {
    // SAFETY: a set of that size.
    unsafe { libc::sched_setaffinity(0, size_of_val(cpus), cpus) };
}

/// Calls between two looks at the clock where two processes wait for each other:
/// short, so that some pieces of a busy machine's time are theirs alone.
const PIECE: u32 = 100;

/// Where two processes run.
#[derive(Clone, Copy, PartialEq)]
pub enum Cpus {
    /// Each on one of its own.
    Two,
    /// Wherever there is time for them.
    Any,
}

/// This process and a child repeat `call` in `pieces`; nanoseconds of one call in
/// the middle one of them.
pub fn two_processes(pieces: usize, cpus: Cpus, call: impl Fn()) -> f64 {
    let pieces = if is_quick() { pieces.div_ceil(10) } else { pieces };
    let times = PIECE as usize * pieces + 1;
    let on = |cpu| (cpus == Cpus::Two).then(|| pin(cpu));
    let child = Worker::start(|| {
        on(1);
        (0..times).for_each(|_| call());
    });
    let before = on(0);
    // The child is there when this returns.
    call();
    let mut figures: Vec<f64> = (0..pieces)
        .map(|_| {
            let start = Instant::now();
            (0..PIECE).for_each(|_| call());
            start.elapsed().as_nanos() as f64 / f64::from(PIECE)
        })
        .collect();
    child.join();
    before.as_ref().map(unpin);
    median(&mut figures)
}
