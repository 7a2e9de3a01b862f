//! Whether the fences fence where membarrier(2) is refused, on the CPUs of this machine.
//!
//! One thread counts up its word and looks at the other's; the other thread does
//! the same, and each has its fence in between. Neither ever waits. That the second
//! one saw the first's count at k means that the count k + 1 came later, and then
//! the look that followed it must see what the second had counted. A count that
//! lies in a store buffer while the look behind it is made shows as one that did
//! not. Stores to lines that are in no cache keep the buffer full.

use core::hint::black_box;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::current;
use super::fence::{Registration, heavy_fence};

#[path = "../../../tests/common/sandbox.rs"]
mod sandbox;

/// How many looks of the second thread count: those that saw the first one move.
const ENOUGH: usize = 20_000;

/// Where there is one CPU, or a busy one, they take too long to come together.
const AT_MOST: Duration = Duration::from_secs(6);

/// Counts of the first thread in one go.
const COUNTS: usize = 50_000;

/// Stores in front of each of them, and where they go: 8 MiB.
const STORES: usize = 8;
const WORDS: usize = 1 << 20;

/// A word on a line of its own.
#[repr(align(128))]
struct Line(AtomicU64);

/// Both threads call `begin` first. Returns how many looks missed what they had to
/// see, and of how many.
fn missed(begin: fn(), light: impl Fn() + Sync, heavy: impl Fn() + Sync) -> (usize, usize) {
    let looks: Vec<AtomicU64> = (0..=COUNTS).map(|_| AtomicU64::new(0)).collect();
    let far: Vec<AtomicU64> = (0..WORDS).map(|_| AtomicU64::new(0)).collect();
    let (mut missed, mut tries) = (0, 0);
    let since = Instant::now();
    while tries < ENOUGH && since.elapsed() < AT_MOST {
        let (first, second) = (&Line(AtomicU64::new(0)), &Line(AtomicU64::new(0)));
        let is_over = &AtomicBool::new(false);
        let seen = thread::scope(|scope| {
            scope.spawn(|| {
                begin();
                let mut at = 1_u64;
                for (count, look) in looks.iter().enumerate().skip(1) {
                    for _ in 0..STORES {
                        // Knuth's generator: no prefetcher foresees it.
                        at = at.wrapping_mul(6364136223846793005).wrapping_add(1);
                        far[(at >> 40) as usize % WORDS].store(at, Ordering::Relaxed);
                    }
                    first.0.store(count as u64, Ordering::Release);
                    light();
                    look.store(second.0.load(Ordering::Acquire), Ordering::Relaxed);
                }
                is_over.store(true, Ordering::Release);
            });
            let second_one = scope.spawn(|| {
                begin();
                let mut seen = Vec::new();
                while !is_over.load(Ordering::Acquire) {
                    second.0.store(seen.len() as u64 + 1, Ordering::Release);
                    heavy();
                    seen.push(first.0.load(Ordering::Acquire) as usize);
                }
                seen
            });
            second_one.join().expect("the second thread")
        });
        black_box(&far);
        for (index, pair) in seen.windows(2).enumerate() {
            let count = index as u64 + 2;
            let last = pair[1];
            tries += usize::from(pair[0] != last);
            missed += usize::from(last < COUNTS && looks[last + 1].load(Ordering::Relaxed) < count);
        }
    }
    println!("litmus: {missed} missed, of {tries} that count");
    (missed, tries)
}

/// Each is a real one then, and says so.
#[test]
fn where_they_are_refused_each_fences_for_itself() {
    if let Err(error) = thread::spawn(sandbox::without_membarrier).join().unwrap() {
        println!("litmus: no seccomp here: {error}");
        return;
    }
    let me = current().unwrap();
    let registration = Registration::new();
    let begin = || sandbox::without_membarrier().expect("as before");
    let (missed, _) = missed(begin, || registration.light_fence(me), || assert!(!heavy_fence()));
    assert_eq!(missed, 0);
}
