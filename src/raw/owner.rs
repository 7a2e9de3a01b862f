//! What stamped words have in common: claiming, freeing, taking from the dead.
//!
//! # States of a claimed word
//!
//! | word | meaning |
//! |---|---|
//! | `FREE` | nobody's |
//! | stamp | claimed by that process |
//! | stamp, `WAITERS` | claimed, and somebody may sleep until it is freed |
//!
//! No honest process leaves anything else there. Where a liar writes into the memory,
//! what names nobody is the dead's ([`Asked::is_forsaken`]): waited for, it would be
//! for ever.

use core::time::Duration;

use crate::primitive::{AtomicU64, Mutant, Ordering, Stamp, futex_wait, futex_wake, is_alive};

pub(crate) const FREE: u64 = 0;
pub(crate) const WAITERS: u64 = 1;

/// Claims a free word; otherwise says what was seen.
///
/// Acquire pairs with the release of [`free`].
#[inline]
pub(crate) fn claim(word: &AtomicU64, me: Stamp) -> Result<(), u64> {
    word.compare_exchange(FREE, me.word(), Ordering::Acquire, Ordering::Relaxed).map(drop)
}

/// Frees a word that the caller owns and wakes who sleeps on it.
///
/// A read-modify-write, so that it is ordered against the last look of somebody
/// about to sleep; see [`EventCount`](super::EventCount).
#[inline]
pub(crate) fn free(word: &AtomicU64) {
    if word.swap(FREE, Ordering::AcqRel) & WAITERS != 0 {
        wake_all(word);
    }
}

#[cold]
fn wake_all(word: &AtomicU64) {
    futex_wake(word, u32::MAX);
}

/// Sleeps until a word is no longer `seen`, at most one slice. Returns whether
/// the slice passed.
pub(crate) fn wait_while(word: &AtomicU64, seen: u64, slice: Duration) -> bool {
    let marked = seen | WAITERS;
    let told = seen == marked
        || word.compare_exchange(seen, marked, Ordering::Relaxed, Ordering::Relaxed).is_ok();
    told && futex_wait(word, marked as u32, slice)
}

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
    Asked::new().is_orphaned(word)
}

/// Answers within one scan of many words, which often name the same few owners:
/// nobody is asked about twice in a row.
#[derive(Debug)]
pub(crate) struct Asked {
    alive: Option<Stamp>,
}

impl Asked {
    pub(crate) fn new() -> Asked {
        Asked { alive: None }
    }

    /// Whether `word` names an owner, and that owner is dead.
    pub(crate) fn is_orphaned(&mut self, word: u64) -> bool {
        let Some(owner) = Stamp::of(word) else { return false };
        if self.alive == Some(owner) {
            return false;
        }
        let alive = is_alive(owner);
        if alive {
            self.alive = Some(owner);
        }
        !alive
    }

    /// Whether `word` is claimed and nobody is left to free it: its owner is dead, or
    /// none is named. For words in which nothing but a stamp means anything.
    pub(crate) fn is_forsaken(&mut self, word: u64) -> bool {
        word != FREE && (Stamp::of(word).is_none() || self.is_orphaned(word))
    }
}
