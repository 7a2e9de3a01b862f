//! Planted bugs, to show that the proofs would see them.
//!
//! Built under `cfg(killproof_mutant)`, and then chosen by the environment
//! variable `KILLPROOF_MUTANT`; and in the tests of the model, where a proof
//! plants one itself. Everywhere else [`Mutant::is_on`] is the constant `false`.

/// A bug that the kill sweep or a proof must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// Sleeps are not cut into slices, so nobody asks whether the owner lives.
    NoSlices,
    /// A dead owner's word is overwritten instead of swapped for the value seen.
    StoreForCas,
    /// A dead owner's slot in a ring is never taken over.
    NoSlotRescue,
    /// Whoever takes it over goes on without looking how far the dead one came; a pipe's
    /// receiver gives up without looking what the dead sender committed.
    NoSecondLook,
    /// The dead one's lease of the message in it stays.
    NoVoiding,
    /// Who was woken at a queue and gives up wakes nobody in its place.
    KeepsItsWake,
    /// Who receives by rank does not look whether something came meanwhile.
    NoTicketCheck,
    /// The bell is rung before the announcement of who polls is taken back.
    RingsTooEarly,
    /// Who silenced the bell and then found something does not ring again.
    KeepsTheBell,
    /// Who polls a pipe looks once more without the heavy fence before it.
    ArmsWithoutFence,
    /// Who found a pipe's other process dead has forgotten it at the next call.
    ForgetsTheDead,
    /// A process that a pipe's end came to goes on where its copy of the cursor stood.
    KeepsTheCursor,
    /// Who is about to sleep makes the fence for itself only.
    NoHeavyFence,
    /// A process takes it that it is registered for the others' fences, and is not.
    NeverRegisters,
    /// The same where it is refused.
    TakesRefusalForGranted,
}

#[cfg(all(test, loom))]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Mutant>> = const { std::cell::Cell::new(None) };
}

impl Mutant {
    #[cfg(not(any(killproof_mutant, all(test, loom))))]
    #[inline(always)]
    pub(crate) fn is_on(self) -> bool {
        false
    }

    /// Plants the bug while `proof` runs.
    #[cfg(all(test, loom))]
    pub(crate) fn plant(self, proof: impl FnOnce()) {
        PLANTED.set(Some(self));
        proof();
        PLANTED.set(None);
    }

    #[cfg(all(test, loom, not(killproof_mutant)))]
    pub(crate) fn is_on(self) -> bool {
        PLANTED.get() == Some(self)
    }

    #[cfg(killproof_mutant)]
    pub(crate) fn is_on(self) -> bool {
        use std::sync::OnceLock;
        static CHOSEN: OnceLock<String> = OnceLock::new();
        let chosen = CHOSEN.get_or_init(|| std::env::var("KILLPROOF_MUTANT").unwrap_or_default());
        *chosen == format!("{self:?}")
    }
}
