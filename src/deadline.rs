//! All time arithmetic, once: deadlines on the monotonic clock, and slices.

use std::time::Duration;
#[cfg(not(loom))]
use std::{
    sync::OnceLock,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::primitive::Instant;
#[cfg(not(loom))]
use crate::primitive::Mutant;

/// The moment at which a wait gives up.
///
/// "For ever" and "do not wait" are deadlines too, so each primitive has one
/// waiting loop.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deadline {
    /// Of a `try_` call.
    Now,
    /// Of a timeout of zero: one look as well, after which the time is up.
    Zero,
    At(Instant),
    Never,
}

impl Deadline {
    /// A moment past the clock's end counts as never.
    pub(crate) fn after(timeout: Duration) -> Deadline {
        if timeout.is_zero() {
            return Deadline::Zero;
        }
        Instant::now().checked_add(timeout).map_or(Deadline::Never, Deadline::At)
    }

    /// Whether the caller may not wait at all, not even spin.
    pub(crate) fn is_now(self) -> bool {
        matches!(self, Deadline::Now | Deadline::Zero)
    }

    /// Whether the caller gave no time at all, so that none can be up.
    pub(crate) fn is_try(self) -> bool {
        matches!(self, Deadline::Now)
    }

    pub(crate) fn has_passed(self) -> bool {
        match self {
            Deadline::Now | Deadline::Zero => true,
            Deadline::At(moment) => Instant::now() >= moment,
            Deadline::Never => false,
        }
    }

    /// What is left, zero once passed; `None` for never.
    pub(crate) fn remaining(self) -> Option<Duration> {
        match self {
            Deadline::Now | Deadline::Zero => Some(Duration::ZERO),
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
///
/// A slice goes on through wakes and signals: whoever is woken often, or
/// interrupted by a timer, would else never come to ask.
#[derive(Debug)]
pub(crate) struct Slices {
    length: Duration,
    /// When the slice that has begun will end.
    #[cfg(not(loom))]
    end: Option<Instant>,
}

impl Slices {
    const FIRST: Duration = Duration::from_millis(10);
    const LONGEST: Duration = Duration::from_millis(100);

    pub(crate) fn new() -> Slices {
        Slices {
            length: Slices::FIRST,
            #[cfg(not(loom))]
            end: None,
        }
    }

    /// How long to sleep: what is left of the slice, cut off at the deadline.
    pub(crate) fn next(&mut self, deadline: Deadline) -> Duration {
        let slice = self.left();
        deadline.remaining().map_or(slice, |left| left.min(slice))
    }

    /// Whether the slice ended with the sleep that just did; `passed`: the whole
    /// sleep did. Then the next slice is longer.
    pub(crate) fn is_over(&mut self, passed: bool) -> bool {
        let is_over = passed || self.left().is_zero();
        if is_over {
            self.length = (self.length * 2).min(Slices::LONGEST);
            #[cfg(not(loom))]
            {
                self.end = None;
            }
        }
        is_over
    }

    #[cfg(not(loom))]
    fn left(&mut self) -> Duration {
        if Mutant::NoSlices.is_on() {
            return Duration::MAX;
        }
        let now = Instant::now();
        let length = self.length;
        self.end.get_or_insert_with(|| now + length).saturating_duration_since(now)
    }

    /// In the model a sleep lasts until somebody ends it, or all of it passes.
    #[cfg(loom)]
    fn left(&mut self) -> Duration {
        self.length
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
        let millis: Vec<u128> = (0..6)
            .map(|_| {
                let length = slices.length;
                assert!(slices.is_over(true));
                length.as_millis()
            })
            .collect();
        assert_eq!(millis, [10, 20, 40, 80, 100, 100]);
    }

    #[test]
    fn a_wake_does_not_begin_the_slice_anew() {
        let mut slices = Slices::new();
        let first = slices.next(Deadline::Never);
        while !slices.is_over(false) {
            assert!(slices.next(Deadline::Never) <= first);
        }
        assert!(slices.next(Deadline::Never) > Slices::FIRST);
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
        assert!(deadline.has_passed() && deadline.is_now() && !deadline.is_try());
        assert_eq!(deadline.remaining(), Some(Duration::ZERO));
        assert_eq!(Slices::new().next(deadline), Duration::ZERO);
    }
}
