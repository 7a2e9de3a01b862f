//! The words that a pool's processes share: what each worker is at, and the knocks of
//! those who have something to say to the owner.
#![allow(unsafe_code)]

use core::time::Duration;
use std::time::Instant;

use crate::error::Error;
use crate::raw;
use crate::raw::EventCount;
use crate::shareable;
use crate::shared::handle::Shared;
use crate::shared::shareable::Shareable;

/// Workers at most.
pub(super) const MOST: usize = 1024;

// SAFETY: `repr(transparent)` over one atomic word; nothing to place.
unsafe impl Shareable for raw::Clock {}
// SAFETY: as above.
unsafe impl Shareable for EventCount {}

shareable! {
    /// A cache line of its own: each worker writes to its clock twice a task.
    #[derive(Debug)]
    #[repr(align(64))]
    struct Line { clock: raw::Clock }
}

shareable! {
    #[derive(Debug)]
    struct Words { knocks: EventCount, lines: [Line; MOST] }
}

/// Everybody's words, and the moment from which their times count.
#[derive(Clone, Debug)]
pub(super) struct Board {
    words: Shared<Words>,
    zero: Instant,
}

impl Board {
    pub(super) fn new() -> Result<Board, Error> {
        let lines = core::array::from_fn(|_| Line { clock: raw::Clock::new() });
        let words = Shared::new(Words { knocks: EventCount::new(), lines })?;
        Ok(Board { words, zero: Instant::now() })
    }

    /// Something lies in a ring for the owner.
    pub(super) fn knocks(&self) -> &EventCount {
        &self.words.knocks
    }

    fn clock(&self, slot: usize) -> &raw::Clock {
        &self.words.lines[slot].clock
    }

    fn now(&self) -> u64 {
        u64::try_from(self.zero.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// A worker is about to be forked.
    pub(super) fn start(&self, slot: usize) {
        self.clock(slot).start();
    }

    /// Whether the worker there is, or died, before its first task.
    pub(super) fn is_starting(&self, slot: usize) -> bool {
        self.clock(slot).is_starting()
    }

    /// The worker may have tasks.
    pub(super) fn ready(&self, slot: usize) {
        self.clock(slot).ready();
    }

    /// The worker begins a task; when.
    pub(super) fn begin(&self, slot: usize) -> u64 {
        let now = self.now();
        self.clock(slot).begin(now);
        now
    }

    /// The worker has finished what it began then; false: it was too late.
    pub(super) fn finish(&self, slot: usize, begun: u64) -> bool {
        self.clock(slot).finish(begun)
    }

    /// How long the worker may still be at its task; `None`: it is at none.
    pub(super) fn left(&self, slot: usize, limit: Duration) -> Option<Duration> {
        self.at(slot, limit).map(|(_, left)| left)
    }

    /// Whether the worker was too long at its task, as it is told by this.
    pub(super) fn is_late(&self, slot: usize, limit: Duration) -> bool {
        let at = self.at(slot, limit).filter(|(_, left)| left.is_zero());
        at.is_some_and(|(begun, _)| self.clock(slot).expire(begun))
    }

    fn at(&self, slot: usize, limit: Duration) -> Option<(u64, Duration)> {
        let begun = self.clock(slot).begun()?;
        let spent = Duration::from_nanos(self.now().saturating_sub(begun));
        Some((begun, limit.saturating_sub(spent)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_late_or_finished() {
        let board = Board::new().unwrap();
        board.start(1);
        assert!(board.is_starting(1) && !board.is_starting(0));
        assert!(!board.is_late(1, Duration::ZERO));
        board.ready(1);
        let begun = board.begin(1);
        assert!(board.left(1, Duration::MAX).unwrap() > Duration::ZERO);
        assert!(!board.is_late(1, Duration::MAX));
        assert!(board.finish(1, begun));
        assert_eq!(board.left(1, Duration::ZERO), None);
        let begun = board.begin(1);
        assert!(board.is_late(1, Duration::ZERO));
        assert!(!board.is_late(1, Duration::ZERO), "once");
        assert!(!board.finish(1, begun));
    }
}
