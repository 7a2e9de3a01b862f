//! Ours against a peer, in alternation.
//!
//! On a shared machine a figure means little an hour later. What lasts is the
//! ratio of two figures taken one right after the other, so each round measures
//! ours and then the peer, and the result is the median of the rounds' ratios.
#![allow(unsafe_code)]

use std::time::{Duration, Instant};

/// Whether `KILLPROOF_BENCH_QUICK=1` asks for a run that only shows that the
/// bench works.
pub fn is_quick() -> bool {
    std::env::var_os("KILLPROOF_BENCH_QUICK").is_some_and(|value| value == "1")
}

/// Whether the command line, if it has words, has one that `name` contains.
fn is_wanted(name: &str) -> bool {
    let mut words = std::env::args().skip(1).filter(|word| !word.starts_with('-')).peekable();
    words.peek().is_none() || words.any(|word| name.contains(&word))
}

pub fn header(bench: &str) {
    println!("# {bench}: medians of paired rounds; ratio = ours / peer");
    println!("# a ratio of times (ns, us, ms): lower is better; of rates (/s): higher is better");
    if is_quick() {
        println!("# KILLPROOF_BENCH_QUICK: too short to mean anything");
    }
}

/// Rounds of a figure that is had within a few milliseconds.
pub const MANY: usize = 101;
/// Rounds of a figure that takes a tenth of a second.
pub const FEW: usize = 15;

/// What a measured number is, for printing.
#[derive(Clone, Copy)]
pub enum Unit {
    Nanoseconds,
    PerSecond,
}

/// Measures `rounds` times `ours` and then `peer`, and prints one line. Returns
/// whether it did: the command line may not want this figure.
pub fn compare(
    rounds: usize,
    unit: Unit,
    name: &str,
    peer_name: &str,
    mut ours: impl FnMut() -> f64,
    mut peer: impl FnMut() -> f64,
) -> bool {
    if !is_wanted(name) {
        return false;
    }
    let rounds = if is_quick() { 3 } else { rounds };
    let pairs: Vec<(f64, f64)> = (0..rounds).map(|_| (ours(), peer())).collect();
    let mut ratios: Vec<f64> = pairs.iter().map(|(ours, peer)| ours / peer).collect();
    let ratio = median(&mut ratios);
    let ours = median(&mut pairs.iter().map(|pair| pair.0).collect::<Vec<_>>());
    let peer = median(&mut pairs.iter().map(|pair| pair.1).collect::<Vec<_>>());
    println!(
        "ratio {name} {ratio:.2} (ours {}, {peer_name} {}) half of all rounds {:.2}..{:.2}",
        unit.show(ours),
        unit.show(peer),
        ratios[rounds / 4],
        ratios[rounds * 3 / 4],
    );
    true
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Unit::Nanoseconds if value < 1e3 => format!("{value:.2} ns"),
            Unit::Nanoseconds if value < 1e6 => format!("{:.2} us", value / 1e3),
            Unit::Nanoseconds => format!("{:.2} ms", value / 1e6),
            Unit::PerSecond if value < 1e6 => format!("{:.1} k/s", value / 1e3),
            Unit::PerSecond => format!("{:.2} M/s", value / 1e6),
        }
    }
}

/// Sorts; the middle value.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Long enough to see past the clock, and less than the scheduler gives a process
/// in one piece.
const WINDOW: Duration = Duration::from_millis(2);

/// How long one call takes in nanoseconds.
pub fn nanoseconds_per_call(call: impl FnMut()) -> f64 {
    let start = Instant::now();
    per_call(1, || start.elapsed(), call)
}

/// How long one call that never waits takes in nanoseconds, while this thread has
/// the CPU: what others do on a busy machine does not count. Looks at the clock
/// once in `batch` calls.
pub fn cpu_nanoseconds_per_call(batch: u32, call: impl FnMut()) -> f64 {
    let start = cpu_time();
    per_call(batch, || cpu_time() - start, call)
}

/// What one call takes of the CPU in nanoseconds, in this process and in those
/// that it waited for.
pub fn family_nanoseconds_per_call(call: impl FnMut()) -> f64 {
    let used = || used_by(libc::RUSAGE_SELF) + used_by(libc::RUSAGE_CHILDREN);
    let start = used();
    per_call(1, || used() - start, call)
}

fn used_by(whom: libc::c_int) -> Duration {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: a place for the usage.
    assert_eq!(unsafe { libc::getrusage(whom, usage.as_mut_ptr()) }, 0);
    // SAFETY: written just above.
    let usage = unsafe { usage.assume_init() };
    let duration = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
    };
    duration(usage.ru_utime) + duration(usage.ru_stime)
}

fn per_call(batch: u32, elapsed: impl Fn() -> Duration, mut call: impl FnMut()) -> f64 {
    let mut calls = 0;
    loop {
        for _ in 0..batch {
            call();
        }
        calls += batch;
        let elapsed = elapsed();
        if elapsed >= WINDOW {
            return elapsed.as_nanos() as f64 / f64::from(calls);
        }
    }
}

/// What this thread has had of the CPU.
fn cpu_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a place for the time.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(result, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
