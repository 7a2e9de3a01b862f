//! Leases: messages that somebody works on and has not finished.
//!
//! # States of a cell
//!
//! | `owner` | `at` | meaning |
//! |---|---|---|
//! | `FREE` | 0 | unused |
//! | stamp, attempts | 0 | being filled, or just finished |
//! | stamp, attempts | p + 1 | the message of position p is leased, for the n-th time |
//! | `RETURNED`, attempts | p + 1 | given back: for whoever comes |
//!
//! The flags of the owner word count the attempts, so that taking over and
//! counting are one atomic step. Where they are limited, a message that was tried
//! that often and is in nobody's hands is a dead letter; see `letter`.
//!
//! # Transitions
//!
//! Lease: claim the slot, claim a cell, copy the message over, set `at` = p + 1,
//! commit the slot as received. Until that last store the ring still has the
//! message, so **a cell whose `at` names a message that is still in the ring is
//! void**. Done: `at` = 0, then free. Give back: own stamp -> `RETURNED`. Redeliver:
//! `RETURNED` or a dead stamp -> own stamp, one more attempt.
//!
//! What came back comes before the ring in the order of arrival, and competes with it
//! in another; see `recall`.
//!
//! A leaser killed before the slot's commit leaves a void cell and a dead owner
//! in the slot. Whoever takes that slot over, and be it a sender that came for an
//! earlier lap and gives it back, *first* voids the cell for good (`at` = 0);
//! otherwise the message would be received from the ring and come alive in the
//! cell as well. A rescuer of the cell therefore reads `at` again after it found
//! the ring's slot gone.
//!
//! # Ordering
//!
//! What the cell holds is published by the release that hands it on (`RETURNED`)
//! or by its owner's death. Voiding is ordered before the slot's commit, whose
//! release pairs with the acquire in `is_ready`.

use super::{Memory, Position, Queue};
use crate::primitive::{AtomicU64, FLAGS, Ordering, Stamp};
use crate::raw::owner::{Asked, FREE, take_from_dead};

/// An owner word that names nobody: above the attempts, below a birth.
pub(super) const RETURNED: u64 = FLAGS + 1;
/// Past this many, attempts are no longer counted.
pub(super) const COUNTED_ATTEMPTS: u64 = FLAGS;

const EMPTY: u64 = 0;

/// What a message in a cell is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    /// Another attempt.
    Work,
    /// A look at why there are no more attempts.
    Burial,
}

/// The words of a lease cell. All zero is an unused one.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Cell {
    owner: AtomicU64,
    at: AtomicU64,
    /// As a slot's.
    pub(crate) meta: AtomicU64,
}

impl Cell {
    #[cfg(any(loom, test))]
    pub(crate) fn new() -> Cell {
        Cell { owner: AtomicU64::new(FREE), at: AtomicU64::new(EMPTY), meta: AtomicU64::new(0) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.at.load(Ordering::Acquire) == EMPTY
    }

    /// The position of the message, which stays its name over redelivery.
    pub(crate) fn position(&self) -> Position {
        self.at.load(Ordering::Acquire).wrapping_sub(1)
    }

    pub(super) fn owner(&self) -> &AtomicU64 {
        &self.owner
    }

    /// How often the message was handed out.
    pub(crate) fn attempts(&self) -> u32 {
        attempts_of(self.owner.load(Ordering::Relaxed)) as u32
    }

    fn is_held_by(&self, me: Stamp) -> bool {
        Stamp::of(self.owner.load(Ordering::Relaxed)) == Some(me)
    }
}

/// A cell that is now the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claimed {
    /// Nothing is in it.
    Unused(usize),
    /// A message that came back is in it.
    Returned(usize),
}

impl<M: Memory> Queue<M> {
    /// Finds a cell for a first attempt. There may be none but of the dead, and of
    /// messages that came back in another order; then one of those comes first.
    pub(crate) fn claim_cell(&self, me: Stamp) -> Option<Claimed> {
        let unused = || self.take_cell(me).map(Claimed::Unused);
        let returned = || {
            if self.is_ranked() {
                self.recall(me);
                return self.take_first_returned(me);
            }
            self.redeliver(me, true)
        };
        // Looking for what comes back also frees what the dead had not used.
        unused().or_else(|| returned().map(Claimed::Returned)).or_else(unused)
    }

    /// Claims an unused cell for a first attempt.
    pub(crate) fn take_cell(&self, me: Stamp) -> Option<usize> {
        let hint = &self.memory.control().cell_hint.0;
        let unused = |index: &usize| {
            let owner = &self.memory.cell(*index).owner;
            let mine = me.word() | 1;
            owner.load(Ordering::Relaxed) == FREE
                && owner.compare_exchange(FREE, mine, Ordering::Acquire, Ordering::Relaxed).is_ok()
        };
        let start = (hint.load(Ordering::Relaxed) as usize).checked_rem(self.cells)?;
        let index = (start..self.cells).chain(0..start).find(unused)?;
        hint.store(index as u64 + 1, Ordering::Relaxed);
        Some(index)
    }

    /// The message of a claimed slot is copied into the cell: moves it there.
    pub(crate) fn commit_leased(&self, position: Position, cell: usize) {
        if self.is_ranked() {
            self.keep_rank(position, cell);
        }
        self.memory.cell(cell).at.store(at(position), Ordering::Release);
        self.commit_received(position);
    }

    /// The work is finished, if `me` leases the cell: forgets the message.
    pub(crate) fn finish(&self, cell: usize, me: Stamp) {
        let index = cell;
        let cell = self.memory.cell(index);
        if !cell.is_held_by(me) {
            return;
        }
        cell.at.store(EMPTY, Ordering::Release);
        cell.owner.swap(FREE, Ordering::AcqRel);
        self.memory.control().cell_hint.0.store(index as u64, Ordering::Relaxed);
        // Receivers of a queue that is over wait for the last lease.
        if self.is_ending() {
            self.notify_ready(u32::MAX);
        }
        self.tell_if_done();
    }

    /// The work is not finished, if `me` leases the cell: anybody may have it.
    pub(crate) fn give_back(&self, cell: usize, me: Stamp) {
        let cell = self.memory.cell(cell);
        let seen = cell.owner.load(Ordering::Relaxed);
        if Stamp::of(seen) != Some(me) {
            return;
        }
        let returned = RETURNED | attempts_of(seen);
        cell.owner.swap(returned, Ordering::AcqRel);
        if self.is_spent(returned) {
            self.calm().done.notify(u32::MAX);
            return;
        }
        if self.is_ranked() {
            self.raise_returned();
        } else {
            self.calm().returned.fetch_or(1, Ordering::AcqRel);
        }
        self.notify_ready(1);
    }

    /// A message that was given back and comes before the ring, if any: a look at one
    /// word when none was.
    #[inline]
    pub(super) fn take_returned(&self, me: Stamp) -> Option<usize> {
        if self.has_returned() && !self.is_ranked() { self.redeliver(me, false) } else { None }
    }

    /// Whether some message may have been given back; a hint.
    #[inline]
    pub(super) fn has_returned(&self) -> bool {
        self.calm().returned.load(Ordering::Relaxed) != 0
    }

    /// The last look before a sleep: as [`take_returned`](Queue::take_returned),
    /// ordered against who gives back.
    pub(super) fn take_returned_last(&self, me: Stamp) -> Option<usize> {
        if self.is_ranked() || self.calm().returned.fetch_or(0, Ordering::AcqRel) == 0 {
            return None;
        }
        self.redeliver(me, false)
    }

    /// Asks what the dead had on lease, and takes of it what comes before the ring.
    pub(super) fn take_back(&self, me: Stamp) -> Option<usize> {
        if self.is_ranked() {
            self.recall(me);
            return None;
        }
        self.redeliver(me, true)
    }

    /// Takes a message that was given back or, if `ask`, whose leaser is dead.
    #[cold]
    fn redeliver(&self, me: Stamp, ask: bool) -> Option<usize> {
        // Cleared before the look: whoever gives back during it sets it after.
        self.calm().returned.swap(0, Ordering::AcqRel);
        let mut asked = Asked::new();
        let found = (0..self.cells).find(|index| {
            self.take_over(*index, me, For::Work, |owner| ask && asked.is_forsaken(owner))
        })?;
        let waits = |index| {
            let seen = self.memory.cell(index).owner.load(Ordering::Relaxed);
            is_returned(seen) && !self.is_spent(seen)
        };
        if (found + 1..self.cells).any(waits) {
            self.calm().returned.fetch_or(1, Ordering::AcqRel);
            // Somebody who came for this one may have seen the word cleared.
            self.notify_ready(1);
        }
        Some(found)
    }

    /// Makes the cell the caller's, if there is a message in it to redeliver.
    pub(super) fn take_over(
        &self,
        index: usize,
        me: Stamp,
        wanted: For,
        is_forsaken: impl FnOnce(u64) -> bool,
    ) -> bool {
        let cell = self.memory.cell(index);
        let seen = cell.owner.load(Ordering::Relaxed);
        let is_wanted = self.is_spent(seen) == (wanted == For::Burial);
        let attempt = (attempts_of(seen) + 1).min(COUNTED_ATTEMPTS);
        let mine = me.word() | attempt;
        if is_returned(seen) {
            return is_wanted
                && cell
                    .owner
                    .compare_exchange(seen, mine, Ordering::AcqRel, Ordering::Relaxed)
                    .is_ok();
        }
        is_forsaken(seen) && self.take_orphan(index, seen, mine, wanted)
    }

    /// The same for a cell whose owner word `seen` is no living process's: it becomes
    /// `mine`.
    pub(super) fn take_orphan(&self, index: usize, seen: u64, mine: u64, wanted: For) -> bool {
        let cell = self.memory.cell(index);
        let is_wanted = self.is_spent(seen) == (wanted == For::Burial);
        // What the dead had not used is freed, whatever was looked for: a void cell
        // never comes alive.
        let taken = (is_wanted || !self.is_live(cell)) && take_from_dead(&cell.owner, seen, mine);
        if !taken {
            return false;
        }
        if self.is_live(cell) {
            return true;
        }
        cell.at.store(EMPTY, Ordering::Relaxed);
        cell.owner.store(FREE, Ordering::Release);
        false
    }

    /// Whether the cell's message is its own, and not still the ring's.
    pub(super) fn is_live(&self, cell: &Cell) -> bool {
        let at = cell.at.load(Ordering::Acquire);
        at != EMPTY && !self.is_ready(at - 1) && cell.at.load(Ordering::Acquire) == at
    }

    /// The slot of `position`, with its message, was taken from a dead owner who
    /// may have been about to lease it: makes that lease void for good.
    pub(super) fn void_leases(&self, position: Position) {
        for index in 0..self.cells {
            let word = &self.memory.cell(index).at;
            let leased = at(position);
            let _ = word.compare_exchange(leased, EMPTY, Ordering::AcqRel, Ordering::Relaxed);
        }
    }

    /// Whether a message with this owner word has had all its attempts, the one
    /// under way included.
    pub(super) fn is_spent(&self, owner: u64) -> bool {
        attempts_of(owner) >= self.most_attempts
    }

    /// How many messages in cells wait for somebody: given back, or orphaned.
    pub(super) fn waiting_leases(&self, wanted: For) -> usize {
        let mut asked = Asked::new();
        let waits = |index: &usize| {
            let cell = self.memory.cell(*index);
            let seen = cell.owner.load(Ordering::Acquire);
            if self.is_spent(seen) != (wanted == For::Burial) {
                return false;
            }
            is_returned(seen) || !cell.is_empty() && asked.is_forsaken(seen) && self.is_live(cell)
        };
        (0..self.cells).filter(waits).count()
    }

    /// Whether a message may yet come from a cell: another process has it, or it
    /// was given back and nobody has taken it. For more work, one at its last
    /// attempt comes no more.
    pub(super) fn others_lease(&self, me: Stamp, wanted: For) -> bool {
        (0..self.cells).any(|index| {
            let cell = self.memory.cell(index);
            // With a read-modify-write: a look before a sleep.
            let seen = cell.owner.fetch_or(0, Ordering::AcqRel);
            let is_mine = Stamp::of(seen) == Some(me);
            let may_come = wanted == For::Burial || !self.is_spent(seen);
            !cell.is_empty() && seen != FREE && !is_mine && may_come
        })
    }
}

/// The word of a cell with the message of `position`. No message has the last position
/// there is but a liar's, whose lease is void.
fn at(position: Position) -> u64 {
    position.wrapping_add(1)
}

pub(super) fn attempts_of(word: u64) -> u64 {
    word & FLAGS
}

pub(super) fn is_returned(word: u64) -> bool {
    word & !FLAGS == RETURNED
}
