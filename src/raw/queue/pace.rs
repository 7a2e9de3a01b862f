//! How long a wait looks before it sleeps, and how long it sleeps.

use super::Position;
use crate::deadline::{Deadline, Slices};
use crate::primitive::{Patience, SPINS, YIELDS, pause, yield_now};

/// How one wait goes on.
pub(in crate::raw) struct Pace<'a> {
    pub(in crate::raw) deadline: Deadline,
    pub(in crate::raw) slices: Slices,
    patience: &'a Patience,
    spun: u32,
    spins: u32,
    yields: u32,
}

impl<'a> Pace<'a> {
    pub(in crate::raw) fn new(deadline: Deadline, patience: &'a Patience) -> Pace<'a> {
        let (spins, yields) = if deadline.is_now() { (0, 0) } else { (patience.spins(), YIELDS) };
        Pace { deadline, slices: Slices::new(), patience, spun: 0, spins, yields }
    }

    /// Spins until a glance says that a look is worth it; false when the spin is over.
    /// `begin` is called where there is a spin at all.
    #[inline]
    pub(in crate::raw) fn spin_until<G>(&mut self, begin: impl FnOnce() -> G) -> bool
    where
        G: FnMut() -> bool,
    {
        if self.spun == self.spins {
            return false;
        }
        let mut glance = begin();
        while self.spun < self.spins {
            self.spun += 1;
            pause();
            if glance() {
                return true;
            }
        }
        false
    }

    /// Whether to look again before a sleep.
    #[inline]
    pub(in crate::raw) fn spin<G>(&mut self, begin: impl FnOnce() -> G) -> bool
    where
        G: FnMut() -> bool,
    {
        if self.spin_until(begin) {
            return true;
        }
        // Others may take their time, so a yield is no part of the spin that is learnt.
        if self.yields == 0 || self.deadline.has_passed() {
            return false;
        }
        self.yields -= 1;
        yield_now();
        true
    }

    /// The wait is over, one way or the other.
    pub(in crate::raw) fn learn(&self) {
        match self.spun {
            0 => {}
            spun if spun < self.spins => self.patience.was_worth(spun),
            _ => self.patience.was_in_vain(),
        }
    }
}

/// How long one slot has been in the way.
///
/// Filling or emptying one takes a few instructions, so whoever is in the way
/// for longer than a few looks is not running; while the position moves on,
/// somebody is. The slices are its own: who comes to a dead owner at the end of
/// a long one shall not sleep through another.
pub(super) struct Turn {
    position: Position,
    spins: u32,
    pub(super) slices: Slices,
}

impl Turn {
    pub(super) fn new(position: Position) -> Turn {
        Turn { position, spins: SPINS, slices: Slices::new() }
    }

    pub(super) fn spin(&mut self, position: Position) -> bool {
        if position != self.position {
            *self = Turn::new(position);
        }
        let again = self.spins > 0;
        if again {
            self.spins -= 1;
            pause();
        }
        again
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use core::time::Duration;

    use super::*;

    #[test]
    fn who_may_not_wait_looks_once() {
        for deadline in [Deadline::Now, Deadline::after(Duration::ZERO)] {
            let patience = Patience::new();
            assert!(!Pace::new(deadline, &patience).spin(|| || false));
        }
        assert!(Pace::new(Deadline::after(Duration::MAX), &Patience::new()).spin(|| || false));
    }
}
