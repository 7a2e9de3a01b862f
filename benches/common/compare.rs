//! Ours against a peer, in alternation.
//!
//! On a shared machine a figure means little an hour later. What lasts is the
//! ratio of two figures taken one right after the other, so each round measures
//! ours and then the peer, and the result is the median of the rounds' ratios.

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

/// How long one call takes in nanoseconds, looking at the clock once in `batch`
/// calls.
///
/// For 2 ms: less than the scheduler gives a process in one piece, so most
/// rounds are nobody else's, however busy the machine is.
pub fn nanoseconds_per_call(batch: u32, mut call: impl FnMut()) -> f64 {
    let window = Duration::from_millis(2);
    let start = Instant::now();
    let mut calls = 0;
    loop {
        for _ in 0..batch {
            call();
        }
        calls += batch;
        let elapsed = start.elapsed();
        if elapsed >= window {
            return elapsed.as_nanos() as f64 / f64::from(calls);
        }
    }
}
