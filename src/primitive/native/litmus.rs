//! Whether the fences fence, on the CPUs of this machine: where membarrier(2) is granted,
//! and where it is refused.
//!
//! One thread counts up its word and looks at the other's; the other thread does
//! the same, and each has its fence in between. Neither ever waits. That the second
//! one saw the first's count at k means that the count k + 1 came later, and then
//! the look that followed it must see what the second had counted. A count that
//! lies in a store buffer while the look behind it is made shows as one that did
//! not. Stores to lines that are in no cache keep the buffer full.

use core::hint::black_box;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::env;
use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use super::fence::{Registration, heavy_fence};
use super::{current, light_fence};

#[path = "../../../tests/common/sandbox.rs"]
mod sandbox;
#[path = "../../../tests/common/visit.rs"]
mod visit;

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

/// The words that the two count up, and what the first one saw at each of its counts.
struct Pair {
    first: Line,
    second: Line,
    looks: Vec<AtomicU64>,
    far: Vec<AtomicU64>,
    /// The two of them, in front of a go and behind it.
    meet: Barrier,
    is_over: AtomicBool,
    is_last: AtomicBool,
}

impl Pair {
    fn new() -> Pair {
        let words = |count| (0..count).map(|_| AtomicU64::new(0)).collect();
        Pair {
            first: Line(AtomicU64::new(0)),
            second: Line(AtomicU64::new(0)),
            looks: words(COUNTS + 1),
            far: words(WORDS),
            meet: Barrier::new(2),
            is_over: AtomicBool::new(false),
            is_last: AtomicBool::new(false),
        }
    }

    /// The first thread's: it counts and looks, one go after the other.
    fn count(&self, light: impl Fn()) {
        let mut at = 1_u64;
        loop {
            self.meet.wait();
            if self.is_last.load(Ordering::Relaxed) {
                return;
            }
            for (count, look) in self.looks.iter().enumerate().skip(1) {
                for _ in 0..STORES {
                    // Knuth's generator: no prefetcher foresees it.
                    at = at.wrapping_mul(6364136223846793005).wrapping_add(1);
                    self.far[(at >> 40) as usize % WORDS].store(at, Ordering::Relaxed);
                }
                self.first.0.store(count as u64, Ordering::Release);
                light();
                look.store(self.second.0.load(Ordering::Acquire), Ordering::Relaxed);
            }
            self.is_over.store(true, Ordering::Release);
            self.meet.wait();
        }
    }

    /// The second thread's. Returns how many looks missed what they had to see.
    fn watch(&self, heavy: impl Fn()) -> usize {
        let (mut missed, mut tries) = (0, 0);
        let since = Instant::now();
        while tries < ENOUGH && since.elapsed() < AT_MOST {
            self.first.0.store(0, Ordering::Relaxed);
            self.second.0.store(0, Ordering::Relaxed);
            self.is_over.store(false, Ordering::Relaxed);
            self.meet.wait();
            let mut seen = Vec::new();
            while !self.is_over.load(Ordering::Acquire) {
                self.second.0.store(seen.len() as u64 + 1, Ordering::Release);
                heavy();
                seen.push(self.first.0.load(Ordering::Acquire) as usize);
            }
            self.meet.wait();
            for (index, pair) in seen.windows(2).enumerate() {
                let count = index as u64 + 2;
                let next = self.looks.get(pair[1] + 1);
                tries += usize::from(pair[0] != pair[1]);
                missed += usize::from(next.is_some_and(|it| it.load(Ordering::Relaxed) < count));
            }
        }
        self.is_last.store(true, Ordering::Relaxed);
        self.meet.wait();
        println!("litmus: {missed} missed, of {tries} that count");
        missed
    }
}

/// Two threads, each of which calls `begin` first. Returns how many looks missed what
/// they had to see.
fn missed(begin: impl Fn() + Sync, light: impl Fn() + Sync, heavy: impl Fn() + Sync) -> usize {
    let (pair, begun) = (&Pair::new(), &Barrier::new(2));
    let missed = thread::scope(|scope| {
        scope.spawn(|| {
            begin();
            begun.wait();
            pair.count(&light);
        });
        let second = scope.spawn(|| {
            begin();
            begun.wait();
            pair.watch(&heavy)
        });
        second.join().expect("the second thread")
    });
    black_box(&pair.far);
    missed
}

/// The looker's is enough, where no CPU has forgotten of the registration: see the hole
/// in [`fence`](super::fence). So it is tried in a process none of whose threads ends.
#[test]
fn where_it_is_granted_one_fences_for_both() {
    const ALONE: &str = "KILLPROOF_LITMUS_ALONE";
    if env::var_os(ALONE).is_none() {
        let name = thread::current().name().expect("a test's thread has its name").to_owned();
        let alone = Command::new(env::current_exe().expect("this program"))
            .args(["--exact", "--nocapture", "--test-threads=1", &name])
            .env(ALONE, "1")
            .status();
        assert!(alone.expect("this program once more").success());
        return;
    }
    let me = current().unwrap();
    if !heavy_fence() {
        println!("litmus: membarrier is refused here");
        return;
    }
    light_fence(me);
    let begin = || visit::every_cpu().expect("a process on each CPU");
    let missed = missed(begin, || light_fence(me), || assert!(heavy_fence()));
    assert_eq!(missed, 0);
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
    let missed = missed(begin, || registration.light_fence(me), || assert!(!heavy_fence()));
    assert_eq!(missed, 0);
}
