//! What the actors of one run share, and how they are started.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use killproof::{Shared, shareable};

use crate::common::workers::Worker;

/// More actors than any run has.
const MOST: usize = 4;
/// How often an onlooker looks, who should not take the CPU from the actors.
const LOOK: Duration = Duration::from_micros(50);

shareable! {
    /// A counter that only its actor writes, on cache lines of its own.
    #[repr(align(128))]
    struct Line { count: AtomicU64 }
}

shareable! {
    pub struct Stage {
        arrived: AtomicU64,
        is_over: AtomicBool,
        has_failed: AtomicBool,
        answer: AtomicU64,
        lines: [Line; MOST],
    }
}

impl Stage {
    pub fn new() -> Shared<Stage> {
        let stage = Stage {
            arrived: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            has_failed: AtomicBool::new(false),
            answer: AtomicU64::new(0),
            lines: std::array::from_fn(|_| Line { count: AtomicU64::new(0) }),
        };
        Shared::new(stage).expect("memory for a stage")
    }

    /// A forked actor; when its `body` panics, the stage knows.
    pub fn start(&self, body: impl FnOnce()) -> Worker {
        Worker::start(|| self.act(body))
    }

    pub fn act(&self, body: impl FnOnce()) {
        if catch_unwind(AssertUnwindSafe(body)).is_err() {
            self.has_failed.store(true, Ordering::Release);
        }
    }

    /// Whether an actor has seen what must not be.
    pub fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Acquire)
    }

    /// This actor has its ends.
    pub fn arrive(&self) {
        self.arrived.fetch_add(1, Ordering::AcqRel);
    }

    pub fn has(&self, actors: u64) -> bool {
        self.arrived.load(Ordering::Acquire) >= actors
    }

    /// Until so many have arrived.
    pub fn wait_for(&self, actors: u64) {
        while !self.has(actors) && !self.has_failed() {
            thread::yield_now();
        }
    }

    /// This actor has got so far.
    #[inline]
    pub fn count(&self, actor: usize, count: u64) {
        self.lines[actor].count.store(count, Ordering::Relaxed);
    }

    pub fn counted(&self, actor: usize) -> u64 {
        self.lines[actor].count.load(Ordering::Relaxed)
    }

    #[inline]
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    pub fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    pub fn answer(&self, answer: u64) {
        self.answer.store(answer, Ordering::Release);
    }

    /// What an actor found, if it has found it; not zero.
    pub fn answered(&self) -> Option<u64> {
        Some(self.answer.load(Ordering::Acquire)).filter(|answer| *answer != 0)
    }
}

/// Looks until `is_so`, for as long as `limit`; whether it was.
pub fn until(limit: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !is_so() {
        if start.elapsed() >= limit {
            return false;
        }
        thread::sleep(LOOK);
    }
    true
}
