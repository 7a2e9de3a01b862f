//! What each worker is at, in a word of its own: whether it has begun, and since when
//! it is at a task.
//!
//! # States
//!
//! | word | meaning |
//! |---|---|
//! | [`READY`] | between two tasks |
//! | [`STARTING`] | forked, and its initializer has not returned |
//! | [`LATE`] | at a task for too long: it will be killed, and says no more of it |
//! | more | at a task since then, in nanoseconds |
//!
//! # Transitions
//!
//! The keeper, while there is no worker: any -> `STARTING`. The worker: `STARTING` ->
//! `READY`; `READY` -> a time; that very time -> `READY`, by a CAS, and only then does
//! it send its result. The keeper: that very time -> `LATE`, by a CAS. So a task is
//! late or has a result, and no worker is killed for a task that it has finished.
//!
//! # Ordering
//!
//! Relaxed: the word says all there is to know.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::time::Instant;

use crate::error::Error;
use crate::shared::handle::Shared;

/// Workers at most.
pub(super) const MOST: usize = 1024;

const READY: u64 = 0;
const STARTING: u64 = 1;
const LATE: u64 = 2;
const FIRST: u64 = 3;

/// Everybody's words, and the moment from which their times count.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    words: Shared<[AtomicU64; MOST]>,
    zero: Instant,
}

impl Clock {
    pub(super) fn new() -> Result<Clock, Error> {
        let words = Shared::new([const { AtomicU64::new(READY) }; MOST])?;
        Ok(Clock { words, zero: Instant::now() })
    }

    fn now(&self) -> u64 {
        FIRST + u64::try_from(self.zero.elapsed().as_nanos()).unwrap_or(u64::MAX - FIRST)
    }

    /// A worker is about to be forked.
    pub(super) fn start(&self, slot: usize) {
        self.words[slot].store(STARTING, Ordering::Relaxed);
    }

    /// Whether the worker there is, or died, before its first task.
    pub(super) fn is_starting(&self, slot: usize) -> bool {
        self.words[slot].load(Ordering::Relaxed) == STARTING
    }

    /// The worker may have tasks.
    pub(super) fn ready(&self, slot: usize) {
        self.words[slot].store(READY, Ordering::Relaxed);
    }

    /// The worker begins a task; since when.
    pub(super) fn begin(&self, slot: usize) -> u64 {
        let now = self.now();
        self.words[slot].store(now, Ordering::Relaxed);
        now
    }

    /// The worker has finished what it began then; false: it was too late.
    pub(super) fn finish(&self, slot: usize, begun: u64) -> bool {
        self.swap(slot, begun, READY)
    }

    /// How long the worker may still be at its task; `None`: it is at none.
    pub(super) fn left(&self, slot: usize, limit: Duration) -> Option<Duration> {
        self.at(slot, limit).map(|(_, left)| left)
    }

    /// Whether the worker was too long at its task, as it is told by this.
    pub(super) fn is_late(&self, slot: usize, limit: Duration) -> bool {
        let at = self.at(slot, limit).filter(|(_, left)| left.is_zero());
        at.is_some_and(|(begun, _)| self.swap(slot, begun, LATE))
    }

    fn at(&self, slot: usize, limit: Duration) -> Option<(u64, Duration)> {
        let begun = self.words[slot].load(Ordering::Relaxed);
        let spent = Duration::from_nanos(self.now().saturating_sub(begun));
        (begun >= FIRST).then(|| (begun, limit.saturating_sub(spent)))
    }

    fn swap(&self, slot: usize, seen: u64, next: u64) -> bool {
        let word = &self.words[slot];
        word.compare_exchange(seen, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_late_or_finished() {
        let clock = Clock::new().unwrap();
        clock.start(1);
        assert!(clock.is_starting(1) && !clock.is_starting(0));
        assert!(!clock.is_late(1, Duration::ZERO));
        clock.ready(1);
        let begun = clock.begin(1);
        assert!(clock.left(1, Duration::MAX).unwrap() > Duration::ZERO);
        assert!(!clock.is_late(1, Duration::MAX));
        assert!(clock.finish(1, begun));
        assert_eq!(clock.left(1, Duration::ZERO), None);
        let begun = clock.begin(1);
        assert!(clock.is_late(1, Duration::ZERO));
        assert!(!clock.is_late(1, Duration::ZERO), "once");
        assert!(!clock.finish(1, begun));
    }
}
