//! Planted bugs, to show that the proofs would see them.
//!
//! Built only under `cfg(killproof_mutant)`, and then chosen by the environment
//! variable `KILLPROOF_MUTANT`. Everywhere else [`Mutant::is_on`] is the
//! constant `false`.

/// A bug that the kill sweep must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// Sleeps are not cut into slices, so nobody asks whether the owner lives.
    NoSlices,
    /// A dead owner's word is overwritten instead of swapped for the value seen.
    StoreForCas,
    /// A dead owner's slot in a ring is never taken over.
    NoSlotRescue,
}

impl Mutant {
    #[cfg(not(killproof_mutant))]
    #[inline(always)]
    pub(crate) fn is_on(self) -> bool {
        false
    }

    #[cfg(killproof_mutant)]
    pub(crate) fn is_on(self) -> bool {
        use std::sync::OnceLock;
        static CHOSEN: OnceLock<String> = OnceLock::new();
        let chosen = CHOSEN.get_or_init(|| std::env::var("KILLPROOF_MUTANT").unwrap_or_default());
        *chosen == format!("{self:?}")
    }
}
