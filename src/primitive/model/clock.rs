//! The modelled clock: it stands still until a proof lets time pass.

use core::sync::atomic::Ordering;
use core::time::Duration;

use super::trace::note;
use super::world::World;

/// A moment, in seconds since the execution began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(u64);

impl Instant {
    /// Never stale; orders nothing.
    pub(crate) fn now() -> Instant {
        let seen = World::current().clock.fetch_or(0, Ordering::Relaxed);
        note("clock says", None, [None; 2], Some(seen));
        Instant(seen)
    }

    pub(crate) fn checked_add(self, time: Duration) -> Option<Instant> {
        self.0.checked_add(time.as_secs()).map(Instant)
    }

    pub(crate) fn saturating_duration_since(self, earlier: Instant) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0))
    }
}

/// Lets whole seconds pass for everybody. Nobody is woken by it.
pub(crate) fn pass_time(time: Duration) {
    let before = World::current().clock.fetch_add(time.as_secs(), Ordering::Relaxed);
    note("time passes", None, [Some(time.as_secs()), None], Some(before + time.as_secs()));
}
