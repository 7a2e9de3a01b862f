//! A short spin before a sleep.
//!
//! Whoever is in the way is often through in a few instructions. Each look takes the
//! word's cache line away from them, though, so looks are few and far between: with
//! one after every pause, two processes at one mutex were half as fast.

use crate::deadline::Deadline;
use crate::primitive::{SPINS, pause};

/// Pauses before the second look; twice as many before the third, and so on.
const FIRST: u32 = 32;

#[derive(Debug)]
pub(super) struct Spin {
    left: u32,
    next: u32,
}

impl Spin {
    /// None at all for who may not wait.
    pub(super) fn until(deadline: Deadline) -> Spin {
        Spin { left: if deadline.is_now() { 0 } else { SPINS }, next: FIRST }
    }

    /// Pauses; false when it is time to sleep.
    #[inline]
    pub(super) fn again(&mut self) -> bool {
        if self.left == 0 {
            return false;
        }
        let pauses = self.next.min(self.left);
        (0..pauses).for_each(|_| pause());
        self.left -= pauses;
        self.next *= 2;
        true
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use core::time::Duration;

    use super::*;

    #[test]
    fn it_ends_and_does_not_begin_for_who_may_not_wait() {
        let mut spin = Spin::until(Deadline::Never);
        let looks = core::iter::repeat_with(|| spin.again()).take_while(|again| *again).count();
        assert_eq!(looks, 3, "after 32, 64, and what is left of {SPINS} pauses");
        assert!(!spin.again());
        for deadline in [Deadline::Now, Deadline::after(Duration::ZERO)] {
            assert!(!Spin::until(deadline).again());
        }
    }
}
