//! What came back, in another order than that of arrival: it competes with what is in
//! the slots, by the key and the ticket with which it was sent.
//!
//! # Words
//!
//! | word | meaning |
//! |---|---|
//! | a cell's `key`, `ticket` | its message's, as a slot's; written before its `at` |
//! | `returned` | 0: no message that was given back waits; else one may |
//!
//! Each number in `returned` is one more than a ticket that was drawn for it alone, so
//! none is there twice.
//!
//! # Transitions
//!
//! Give back: own stamp -> `RETURNED`, draw a ticket, raise `returned` above it.
//! Receive: read `returned` with `tail`, before the look at the slots, and look at the
//! cells unless it is 0; if both are still the same after the look, what it found is
//! the first. If it is in a cell, take that by a CAS from the word that was seen. If no
//! cell has any, `returned` goes from what was read to 0.
//!
//! What was given back after its cell was looked at is not seen. If whoever gives it
//! back has raised `returned`, the look begins again; if not, it is still at it, and its
//! message comes later than what is received. Where the number was raised further by
//! another meanwhile, that one drew its ticket later, and who reads its number sees the
//! cells of both. And who cleared it had looked at the cells after reading the very
//! number that was there: whatever is given back after that has a larger one.
//!
//! The owner word counts attempts and does not name the message. Another message may
//! have come into the cell and back out of somebody's hands as often; then `at` is
//! another, and what was taken is given back as it was. So the attempt is counted by a
//! second store; who dies before it has handed the message to nobody. (From the last attempt that is
//! counted on, the word does not tell either whether the same message was away
//! meanwhile. Then it is received by the place that it had before.)
//!
//! What the dead had on lease comes back when somebody asks: it is given back in their
//! place. Asking, one also makes up for who died between its two steps.
//!
//! # Ordering
//!
//! `RETURNED`, the ticket and `returned` are read-modify-writes with release, in this
//! order; a look before a sleep reads `returned` with one. The acquire of the owner word
//! pairs with the release of `RETURNED`, so `at` and the rank are those of that message or
//! of a later one; and if the CAS succeeds and `at` is the same, they are its own.

use super::lease::{COUNTED_ATTEMPTS, For, RETURNED, attempts_of, is_returned};
use super::rank::{Rank, look_at};
use super::ring::Last;
use super::{Memory, Position, Queue};
use crate::primitive::{Ordering, Stamp};
use crate::raw::owner::Asked;

/// A message that was given back, as a look saw it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Returned {
    cell: usize,
    owner: u64,
    position: Position,
    pub(super) rank: (u64, u64),
}

impl Returned {
    pub(super) fn cell(&self) -> usize {
        self.cell
    }
}

impl<M: Memory> Queue<M> {
    fn rank_in(&self, cell: usize) -> &Rank {
        self.memory.rank(self.slots() as usize + cell)
    }

    /// The message of a claimed slot goes to the caller's cell: its rank with it.
    pub(super) fn keep_rank(&self, position: Position, cell: usize) {
        self.rank_in(cell).write(self.memory.rank(self.slot_index(position)).read());
    }

    /// Something was given back: tells those who look.
    pub(super) fn raise_returned(&self) {
        let ticket = self.memory.control().tail.0.fetch_add(1, Ordering::AcqRel);
        self.calm().returned.fetch_max(ticket.wrapping_add(1), Ordering::AcqRel);
    }

    /// What `returned` says, and the first of what was given back.
    pub(super) fn look_at_returned(&self, last: Last) -> (u64, Option<Returned>) {
        let word = &self.calm().returned;
        let seen = look_at(word, last);
        if seen == 0 {
            return (0, None);
        }
        let first = self.first_returned();
        let is_over = first.is_none()
            && word.compare_exchange(seen, 0, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        (if is_over { 0 } else { seen }, first)
    }

    fn first_returned(&self) -> Option<Returned> {
        let returned = |cell| {
            let words = self.memory.cell(cell);
            let owner = words.owner().load(Ordering::Acquire);
            let waits = is_returned(owner) && !self.is_spent(owner);
            waits.then(|| {
                let position = words.position();
                Returned { cell, owner, position, rank: self.rank_in(cell).read() }
            })
        };
        (0..self.cells).filter_map(returned).min_by_key(|returned| returned.rank)
    }

    /// Takes what a look saw, for one more attempt, if it is still there.
    pub(super) fn take_seen(&self, seen: Returned, me: Stamp) -> bool {
        let cell = self.memory.cell(seen.cell);
        let attempts = attempts_of(seen.owner);
        let mine = me.word() | attempts;
        let owner = cell.owner();
        if owner.compare_exchange(seen.owner, mine, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            return false;
        }
        let is_same = cell.position() == seen.position;
        if is_same {
            // Counted once it is known which message it is. Nobody else changes a living
            // process's word; release, as whoever takes it from this one, dead, acquires.
            owner.store(me.word() | (attempts + 1).min(COUNTED_ATTEMPTS), Ordering::Release);
        } else {
            owner.swap(seen.owner, Ordering::AcqRel);
            self.raise_returned();
            self.notify_ready(1);
        }
        is_same
    }

    /// Takes the first of what was given back, where nothing else can be had.
    pub(super) fn take_first_returned(&self, me: Stamp) -> Option<usize> {
        loop {
            let first = self.first_returned()?;
            if self.take_seen(first, me) {
                return Some(first.cell);
            }
        }
    }

    /// What the dead had on lease counts as given back from now on.
    #[cold]
    pub(super) fn recall(&self, me: Stamp) {
        let mut asked = Asked::new();
        let is_silent = self.calm().returned.load(Ordering::Relaxed) == 0;
        let comes_back = |index: &usize| {
            let owner = self.memory.cell(*index).owner();
            let seen = owner.load(Ordering::Relaxed);
            if is_returned(seen) {
                // Who gave it back may have died before it told anybody.
                return is_silent && !self.is_spent(seen);
            }
            let attempts = attempts_of(seen);
            let mine = me.word() | attempts;
            let taken = asked.is_forsaken(seen) && self.take_orphan(*index, seen, mine, For::Work);
            if taken {
                owner.swap(RETURNED | attempts, Ordering::AcqRel);
            }
            taken
        };
        let count = (0..self.cells).filter(comes_back).count();
        if count > 0 {
            self.raise_returned();
            self.notify_ready(count as u32);
        }
    }
}
