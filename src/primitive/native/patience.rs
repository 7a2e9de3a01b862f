//! How long a spin is worth while, learnt from the waits before.
//!
//! Between two CPUs an answer comes within a microsecond, and a sleep costs
//! twenty; on one CPU, or with more processes than CPUs, every spin is in vain.
//! The same program meets both, so each object learns for itself: a spin that
//! found what it waited for makes room for twice its length, one that did not
//! takes a quarter off. What is left at least finds an awake peer on another
//! CPU again, and costs about a microsecond where there is none.
//!
//! It does not find a peer that is about to wake: two that wait for each other
//! could go on for ever, each asleep whenever the other comes. So now and then, and
//! ever more seldom, one spin in vain is followed by one that is longer than a
//! wake takes. Two parties at a barrier that fell into step asleep took 20 us a
//! round for seconds, and 0.17 us after one such spin.

use core::sync::atomic::{AtomicU32, Ordering};

const FIRST: u32 = 200;
const LEAST: u32 = 32;
const MOST: u32 = 2000;

/// The lower half of the word is the length of a spin, the upper one how many in a
/// row were in vain.
const VAIN_SHIFT: u32 = 16;

/// After so many spins in vain, twice as many, and so on, comes a long one ..
const FIRST_TRY: u32 = 16;
/// .. and at last every so many.
const LAST_TRY: u32 = 1024;

/// Learnt by one process, about one kind of wait. A hint: lost updates between
/// threads do no harm.
#[derive(Debug)]
pub(crate) struct Patience(AtomicU32);

impl Patience {
    pub(crate) fn new() -> Patience {
        Patience(AtomicU32::new(FIRST))
    }

    /// How often to look before sleeping.
    pub(crate) fn spins(&self) -> u32 {
        let (spins, vain) = self.learnt();
        if vain >= FIRST_TRY && vain.is_power_of_two() { MOST } else { spins }
    }

    /// What was waited for came after `used` spins.
    pub(crate) fn was_worth(&self, used: u32) {
        let wanted = used.saturating_mul(2).clamp(LEAST, MOST);
        let (spins, _) = self.learnt();
        // Up at once, since the next wait is like this one; down slowly.
        let next = if wanted > spins { wanted } else { spins - (spins - wanted) / 8 };
        self.0.store(next, Ordering::Relaxed);
    }

    /// It did not come: the waiter sleeps.
    pub(crate) fn was_in_vain(&self) {
        let (spins, vain) = self.learnt();
        let next = (spins - spins / 4).max(LEAST);
        let vain = if vain + 1 == 2 * LAST_TRY { LAST_TRY } else { vain + 1 };
        self.0.store(vain << VAIN_SHIFT | next, Ordering::Relaxed);
    }

    fn learnt(&self) -> (u32, u32) {
        let word = self.0.load(Ordering::Relaxed);
        (word & ((1 << VAIN_SHIFT) - 1), word >> VAIN_SHIFT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert, proptest};

    proptest! {
        #[test]
        fn it_stays_within_its_bounds(waits in any::<Vec<Option<u32>>>()) {
            let patience = Patience::new();
            for wait in waits {
                match wait {
                    Some(used) => patience.was_worth(used),
                    None => patience.was_in_vain(),
                }
                prop_assert!((LEAST..=MOST).contains(&patience.spins()));
            }
        }
    }

    #[test]
    fn it_gives_up_on_a_peer_that_never_answers_and_trusts_one_that_does() {
        let patience = Patience::new();
        (0..20).for_each(|_| patience.was_in_vain());
        assert_eq!(patience.spins(), LEAST);
        let long = (20..5000).filter(|_| {
            patience.was_in_vain();
            patience.spins() == MOST
        });
        assert_eq!(long.count(), 9, "the 32nd, 64th, .. 1024th, 2048th, 3072nd, 4096th");
        patience.was_worth(30);
        assert_eq!(patience.spins(), 60);
    }
}
