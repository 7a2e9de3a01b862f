//! What every stamped word has in common: taking it from the dead.

use crate::primitive::{AtomicU64, Mutant, Ordering, Stamp, is_alive};

/// Swaps `seen`, a word whose owner is dead, for `mine`; false when somebody
/// was faster.
///
/// Exactly the value seen is swapped, and a dead stamp never comes back, so of
/// any number of rescuers one succeeds and no living owner is ever robbed.
/// Acquire: what the dead owner wrote before its last release is needed; what
/// it wrote after is visible because the kernel reported its end.
pub(crate) fn take_from_dead(word: &AtomicU64, seen: u64, mine: u64) -> bool {
    if Mutant::StoreForCas.is_on() {
        word.store(mine, Ordering::Relaxed);
        return true;
    }
    word.compare_exchange(seen, mine, Ordering::AcqRel, Ordering::Relaxed).is_ok()
}

/// Whether `word` names an owner, and that owner is dead.
pub(crate) fn is_orphaned(word: u64) -> bool {
    Stamp::of(word).is_some_and(|owner| !is_alive(owner))
}
