//! What a worker is at: whether it has begun, and since when it is at a task.
//!
//! # States
//!
//! | word | meaning |
//! |---|---|
//! | [`READY`] | between two tasks |
//! | [`STARTING`] | made, and not yet ready for tasks |
//! | [`LATE`] | at a task for too long: it will be killed, and says no more of it |
//! | more | at a task, begun at this moment, counted from [`FIRST`] |
//!
//! # Transitions
//!
//! The keeper, while there is no worker: any -> `STARTING`. The worker: `STARTING` ->
//! `READY`; `READY` -> a moment; that very moment -> `READY`, by a CAS, and only then does
//! it say what became of the task. The keeper: that very moment -> `LATE`, by a CAS. So a
//! task is late or has a result, and no worker is killed for a task that it has finished.
//!
//! # When a process dies
//!
//! The worker leaves what it was at, which the keeper reads once it knows of the death:
//! `STARTING` says that the worker never came to its first task. Then the word is the
//! next one's. Nobody else waits for it.
//!
//! # Ordering
//!
//! Relaxed: the word says all there is to know, and whoever is told of a death sees what
//! the dead process did.

use crate::primitive::{AtomicU64, Ordering};

const READY: u64 = 0;
const STARTING: u64 = 1;
const LATE: u64 = 2;
const FIRST: u64 = 3;

#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Clock(AtomicU64);

impl Clock {
    pub(crate) fn new() -> Clock {
        Clock(AtomicU64::new(READY))
    }

    /// A worker is about to be made.
    pub(crate) fn start(&self) {
        self.0.store(STARTING, Ordering::Relaxed);
    }

    /// Whether the worker is, or died, before its first task.
    pub(crate) fn is_starting(&self) -> bool {
        self.0.load(Ordering::Relaxed) == STARTING
    }

    /// The worker may have tasks.
    pub(crate) fn ready(&self) {
        self.0.store(READY, Ordering::Relaxed);
    }

    /// The worker begins a task at this moment.
    pub(crate) fn begin(&self, now: u64) {
        self.0.store(word_of(now), Ordering::Relaxed);
    }

    /// The worker has finished what it began then; false: it was too late.
    pub(crate) fn finish(&self, begun: u64) -> bool {
        self.swap(begun, READY)
    }

    /// When the worker began the task that it is at; `None`: it is at none.
    pub(crate) fn begun(&self) -> Option<u64> {
        self.0.load(Ordering::Relaxed).checked_sub(FIRST)
    }

    /// The task that was begun then is late from now on; false: it was finished, or is
    /// late already.
    pub(crate) fn expire(&self, begun: u64) -> bool {
        self.swap(begun, LATE)
    }

    fn swap(&self, begun: u64, next: u64) -> bool {
        let (seen, order) = (word_of(begun), Ordering::Relaxed);
        self.0.compare_exchange(seen, next, order, order).is_ok()
    }
}

fn word_of(moment: u64) -> u64 {
    FIRST.saturating_add(moment)
}
