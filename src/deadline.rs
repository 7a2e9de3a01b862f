//! All time arithmetic, once: deadlines on the monotonic clock, and slices.

use std::time::Duration;
#[cfg(not(loom))]
use std::{
    sync::OnceLock,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::primitive::Instant;

/// The moment at which a wait gives up.
///
/// "For ever" and "do not wait" are deadlines too, so each primitive has one
/// waiting loop.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deadline {
    Now,
    At(Instant),
    Never,
}

impl Deadline {
    /// A moment past the clock's end counts as never.
    pub(crate) fn after(timeout: Duration) -> Deadline {
        Instant::now().checked_add(timeout).map_or(Deadline::Never, Deadline::At)
    }

    /// Whether the caller may not wait at all, not even spin.
    pub(crate) fn is_now(self) -> bool {
        matches!(self, Deadline::Now)
    }

    pub(crate) fn has_passed(self) -> bool {
        match self {
            Deadline::Now => true,
            Deadline::At(moment) => Instant::now() >= moment,
            Deadline::Never => false,
        }
    }

    /// What is left, zero once passed; `None` for never.
    pub(crate) fn remaining(self) -> Option<Duration> {
        match self {
            Deadline::Now => Some(Duration::ZERO),
            Deadline::At(moment) => Some(moment.saturating_duration_since(Instant::now())),
            Deadline::Never => None,
        }
    }
}

/// The growing pieces that a sleep is cut into: 10, 20, 40, 80, 100 ms.
///
/// At the end of each the sleeper looks whether the process it waits for still
/// lives. Short first, since a wait that just began is the likeliest to end
/// soon; at most 100 ms, which one sleeper pays with about 0.03 % of a core.
///
/// Not shorter at first: a timer that expires before the kernel's next tick (4
/// ms at 250 Hz, 10 at 100) has to be programmed into the hardware and out
/// again, at every sleep, however soon it ends. Two processes that answer each
/// other on one CPU took 2.6 times as long as over pipe(2) with a first slice of
/// 1 ms, 1.7 times with 4, and 1.5 times with 16 or 100.
#[derive(Debug)]
pub(crate) struct Slices {
    next: Duration,
}

impl Slices {
    const FIRST: Duration = Duration::from_millis(10);
    const LONGEST: Duration = Duration::from_millis(100);

    pub(crate) fn new() -> Slices {
        Slices { next: Slices::FIRST }
    }

    /// The length of the next slice, cut off at the deadline.
    pub(crate) fn next(&mut self, deadline: Deadline) -> Duration {
        let slice = self.next;
        self.next = (slice * 2).min(Slices::LONGEST);
        deadline.remaining().map_or(slice, |left| left.min(slice))
    }
}

/// Says at most once a millisecond that it is time: for polling callers, who
/// never sleep and so never come to the end of a slice.
#[cfg(not(loom))]
#[derive(Debug)]
pub(crate) struct Metronome {
    /// Milliseconds since the first use of any.
    last: AtomicU64,
}

#[cfg(not(loom))]
impl Metronome {
    pub(crate) fn new() -> Metronome {
        Metronome { last: AtomicU64::new(0) }
    }

    pub(crate) fn is_time(&self) -> bool {
        static START: OnceLock<Instant> = OnceLock::new();
        // From 1, so that the first call is always in time.
        let now = START.get_or_init(Instant::now).elapsed().as_millis() as u64 + 1;
        self.last.swap(now, Ordering::Relaxed) != now
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn slices_double_up_to_a_tenth_of_a_second() {
        let mut slices = Slices::new();
        let millis: Vec<u128> = (0..6).map(|_| slices.next(Deadline::Never).as_millis()).collect();
        assert_eq!(millis, [10, 20, 40, 80, 100, 100]);
    }

    #[test]
    fn the_longest_duration_means_never() {
        let deadline = Deadline::after(Duration::MAX);
        assert!(!deadline.has_passed());
        assert_eq!(deadline.remaining(), None);
    }

    #[test]
    fn zero_has_passed_at_once_and_cuts_the_slice() {
        let deadline = Deadline::after(Duration::ZERO);
        assert!(deadline.has_passed());
        assert_eq!(Slices::new().next(deadline), Duration::ZERO);
    }
}
