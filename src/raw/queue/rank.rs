//! Queues in another order than that of arrival: the same slots, and whoever
//! receives looks for the one whose message comes first.
//!
//! # Words
//!
//! | word | meaning |
//! |---|---|
//! | a slot's `owner`, `seq` | as in `ring`; a slot is used by whoever finds it free, lap after lap |
//! | a slot's `key`, `ticket` | its message comes before those with a larger key, or the same and a later ticket; valid while it is there |
//! | `tail` | the next ticket |
//! | `head` | how many messages were received; counted late, so a hint but for its order |
//!
//! What came back from a lease competes with what is in the slots; see `recall`.
//!
//! A position names a slot and a lap, as in `ring`: the message of a position, its
//! lease, its block and its rescue are what they are there.
//!
//! # Transitions
//!
//! Send: claim any free slot, **take a ticket**, write, commit. Receive: read
//! `tail`; look at every slot; claim that of the smallest message; `tail` still
//! the same? Then it is the smallest: whatever came after the first look had its
//! ticket before it, and so was seen in its slot, there or on its way. One on its
//! way is waited for, as at the head of a ring: it may be the smallest. If `tail`
//! has changed, the slot is given back and the look begins again. No slot is held
//! while anybody waits. Where others send faster than somebody looks, that goes on
//! until the deadline; who has no time tries as often as others spin, and then has
//! found nothing in time. To take the smallest of those seen would not do: a smaller
//! one may have been there all along, though never at one place.
//!
//! So a receive looks at as many slots as there are, and at the leases while one waits
//! that came back; a send looks at as many slots as are taken where it begins.
//!
//! # Ordering
//!
//! The ticket is drawn with a read-modify-write between claim and commit, and
//! `head` counted with one between commit and the look for sleepers. Somebody
//! about to sleep reads them with one: either the other sees the sleeper, or the
//! sleeper sees the slot as it is. A key is published by the commit; one that is
//! read while its slot changes hands belongs to a changed `tail` or `seq`.
//!
//! # Lies
//!
//! Any `seq` is of some lap, but for those beyond the last one that a position can
//! name: they would be looked at for ever, and are refused.

use super::poll::Next;
use super::recall::Returned;
use super::ring::{Head, Last, Look, Stuck};
use super::{Memory, Position, Queue};
use crate::primitive::{AtomicU64, Mutant, Ordering, Stamp};
use crate::raw::owner::FREE;

/// Which message is received next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The one that was sent first.
    Arrival,
    /// The one that was sent last.
    Latest,
    /// The one with the smallest key; of those, the one that was sent first.
    Smallest,
}

/// The words by which a slot's message is compared. All zero is no message's.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Rank {
    key: AtomicU64,
    ticket: AtomicU64,
}

impl Rank {
    #[cfg(any(loom, test))]
    pub(crate) fn new() -> Rank {
        Rank { key: AtomicU64::new(0), ticket: AtomicU64::new(0) }
    }

    pub(super) fn read(&self) -> (u64, u64) {
        (self.key.load(Ordering::Relaxed), self.ticket.load(Ordering::Relaxed))
    }

    pub(super) fn write(&self, (key, ticket): (u64, u64)) {
        self.key.store(key, Ordering::Relaxed);
        self.ticket.store(ticket, Ordering::Relaxed);
    }
}

/// What a look at all slots found.
enum Found {
    Nothing,
    /// Somebody is about to send there, or died over it.
    OnItsWay {
        position: Position,
        seen: u64,
    },
    Smallest(Position),
    Returned(Returned),
}

impl<M: Memory> Queue<M> {
    /// Whether this is no ring.
    #[inline]
    pub(super) fn is_ranked(&self) -> bool {
        self.order != Order::Arrival
    }

    /// The caller owns the slot of `position`, and will send: its place among the
    /// messages.
    pub(super) fn take_ticket(&self, position: Position) {
        let ticket = self.memory.control().tail.0.fetch_add(1, Ordering::AcqRel);
        let rank = self.memory.rank(self.slot_index(position));
        rank.ticket.store(ticket, Ordering::Relaxed);
        if self.order == Order::Latest {
            rank.key.store(!ticket, Ordering::Relaxed);
        }
    }

    /// The key of the message that the caller will commit.
    #[inline]
    pub(crate) fn set_key(&self, position: Position, key: u64) {
        if self.order == Order::Smallest {
            self.memory.rank(self.slot_index(position)).key.store(key, Ordering::Relaxed);
        }
    }

    /// Tries to claim any free slot for writing.
    pub(super) fn look_free_anywhere(&self, me: Stamp, last: Last) -> Look {
        let control = self.memory.control();
        loop {
            let before = look_at(&control.head.0, last);
            let start = (control.tail.0.load(Ordering::Relaxed) % self.capacity) as usize;
            let mut in_the_way = None;
            for index in (start..self.capacity()).chain(0..start) {
                let Some(position) = self.without_message(index) else { continue };
                match self.claim_slot(position, self.free_for(position), me) {
                    Some(Look::Claimed(position)) => return Look::Claimed(position),
                    other => in_the_way = in_the_way.or(other),
                }
            }
            // Who sends there may give it back, or be dead.
            if let Some(busy) = in_the_way {
                return busy;
            }
            if control.head.0.load(Ordering::Acquire) == before {
                return Look::Blocked;
            }
        }
    }

    /// Tries to claim the slot of the message that comes first.
    pub(super) fn look_smallest(&self, me: Stamp, last: Last) -> Look {
        let tickets = &self.memory.control().tail.0;
        let before = look_at(tickets, last);
        let (returned, first) = self.look_at_returned(last);
        let is_unchanged = || {
            tickets.load(Ordering::Acquire) == before
                && self.calm().returned.load(Ordering::Acquire) == returned
                || Mutant::NoTicketCheck.is_on()
        };
        let look = match self.smallest(first) {
            Found::OnItsWay { position, seen } => return Look::Busy { position, seen },
            Found::Nothing => Look::Blocked,
            Found::Returned(first) if is_unchanged() && self.take_seen(first, me) => {
                return Look::Returned(first.cell());
            }
            Found::Returned(_) => return Look::Overtaken,
            Found::Smallest(position) => {
                match self.claim_slot(position, self.ready_at(position), me) {
                    Some(look) => look,
                    None => return self.overtaken(position),
                }
            }
        };
        if is_unchanged() {
            return look;
        }
        // What came meanwhile may come before it.
        if let Look::Claimed(position) = look {
            self.release(position);
        }
        Look::Overtaken
    }

    /// Somebody else took what was found at `position`; unless nobody could, since it
    /// is in a lap that no position names.
    #[cold]
    fn overtaken(&self, position: Position) -> Look {
        let seq = self.slot(position).seq.load(Ordering::Relaxed);
        let named = self.ready_at(self.position_in(self.slot_index(position), seq));
        if named == seq | 1 { Look::Overtaken } else { Look::Corrupt }
    }

    /// Where the message that comes first is or will be, by a last look before a
    /// sleep.
    pub(super) fn next_smallest(&self) -> Next {
        look_at(&self.memory.control().tail.0, Last::Yes);
        let position = match self.smallest(self.look_at_returned(Last::Yes).1) {
            Found::Nothing => return Next::Nothing,
            Found::Returned(_) => return Next::There,
            Found::OnItsWay { position, .. } | Found::Smallest(position) => position,
        };
        self.slot(position).owner.fetch_or(0, Ordering::AcqRel);
        Next::In(position)
    }

    /// A slot without a message, by a last look before a sleep: a free one if
    /// there is one.
    pub(super) fn next_free_anywhere(&self) -> Result<Position, Stuck> {
        look_at(&self.memory.control().head.0, Last::Yes);
        let mut in_the_way = None;
        for index in 0..self.capacity() {
            let Some(position) = self.without_message(index) else { continue };
            if self.slot(position).owner.fetch_or(0, Ordering::AcqRel) == FREE {
                return Ok(position);
            }
            in_the_way = in_the_way.or(Some(position));
        }
        in_the_way.ok_or(Stuck::Blocked)
    }

    /// As [`at_head`](Queue::at_head), by a look at all slots.
    pub(super) fn at_smallest(&self) -> Head {
        // Whoever takes a ticket after this sees what the caller saw before.
        self.memory.control().tail.0.fetch_or(0, Ordering::AcqRel);
        match self.smallest(self.look_at_returned(Last::Yes).1) {
            Found::Nothing => Head::Empty,
            Found::Returned(_) => Head::Moved,
            Found::OnItsWay { position, seen } => Head::Owned { position, seen },
            Found::Smallest(position) => match self.slot(position).owner.load(Ordering::Acquire) {
                FREE => Head::Moved,
                seen => Head::Owned { position, seen },
            },
        }
    }

    /// The first of all messages, with `returned` for the first of those that came back.
    fn smallest(&self, returned: Option<Returned>) -> Found {
        let mut rank = returned.map_or((u64::MAX, u64::MAX), |returned| returned.rank);
        let mut found = returned.map_or(Found::Nothing, Found::Returned);
        for index in 0..self.capacity() {
            let slot = self.memory.slot(index);
            // The owner first: who freed the slot has committed before.
            let seen = slot.owner.load(Ordering::Acquire);
            let seq = slot.seq.load(Ordering::Acquire);
            let position = self.position_in(index, seq);
            if seq & 1 == 0 {
                if seen != FREE {
                    return Found::OnItsWay { position, seen };
                }
                continue;
            }
            let its_rank = self.memory.rank(index).read();
            if its_rank <= rank {
                (found, rank) = (Found::Smallest(position), its_rank);
            }
        }
        found
    }

    /// If no slot holds a message, a number that changes with the next: each
    /// message moves its slot's `seq`, and none ever moves back.
    pub(super) fn mark_if_no_slot_holds(&self) -> Option<u64> {
        self.memory.control().head.0.fetch_or(0, Ordering::AcqRel);
        let seqs = (0..self.capacity()).map(|index| &self.memory.slot(index).seq);
        seqs.map(|seq| seq.load(Ordering::Acquire))
            .try_fold(0, |sum: u64, seq| (seq & 1 == 0).then(|| sum.wrapping_add(seq)))
    }

    /// How many messages are in slots; exact while nobody is inside a call.
    pub(super) fn ranked_len(&self) -> usize {
        let holds = |index: &usize| self.memory.slot(*index).holds_message();
        (0..self.capacity()).filter(holds).count()
    }

    /// The position that a slot's next message will have, if it holds none now.
    fn without_message(&self, index: usize) -> Option<Position> {
        let seq = self.memory.slot(index).seq.load(Ordering::Acquire);
        (seq & 1 == 0).then(|| self.position_in(index, seq))
    }

    /// The position of a slot in the lap that `seq` tells.
    fn position_in(&self, index: usize, seq: u64) -> Position {
        (seq >> 1) << self.slots_log2 | index as u64
    }
}

/// A look that is ordered against others' steps where it is the last before a sleep.
pub(super) fn look_at(word: &AtomicU64, last: Last) -> u64 {
    match last {
        Last::No => word.load(Ordering::Acquire),
        Last::Yes => word.fetch_or(0, Ordering::AcqRel),
    }
}
