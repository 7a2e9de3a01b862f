//! How a descriptor comes to tell what a wait would find.
//!
//! Each side has a bell (see [`Polled`](crate::raw::Polled)): receivers' is rung
//! with `ready`, senders' with `room` and `spare`. Whoever polls and got nothing
//! arms, with the same last look as before a sleep. It claims nothing: what is
//! there is left to be received.
//!
//! A slot that somebody works on is looked at a few times, as a wait does, and
//! then counts as nothing: its owner does not run, and a descriptor that said
//! otherwise would keep its poller busy until it does. Whoever commits a message
//! rings; for all else, such as what lies behind a slot whose owner is dead, the
//! poller comes back at the end of its slice.

use super::lease::For;
use super::ring::{Head, Last, Stuck};
use super::{Memory, Position, Queue, Side};
use crate::primitive::{Ordering, SPINS, Stamp, pause};
use crate::raw::owner::{Asked, FREE};
use crate::raw::polled;

/// What a try would come to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    /// This slot, once nobody else has it.
    In(Position),
    /// Something at once, and be it an error.
    There,
    Nothing,
}

impl From<Result<Position, Stuck>> for Next {
    fn from(found: Result<Position, Stuck>) -> Next {
        match found {
            Ok(position) => Next::In(position),
            Err(Stuck::Blocked) => Next::Nothing,
            Err(Stuck::Corrupt) => Next::There,
        }
    }
}

impl<M: Memory> Queue<M> {
    /// Has the bell of `side` ring at the next change, or at once if there is
    /// something already; returns whether there is. With `ask` the dead are
    /// looked for as well.
    pub(crate) fn arm(&self, side: Side, me: Stamp, ask: bool) -> bool {
        let calm = self.calm();
        let bell = self.memory.bell(side);
        match side {
            Side::Receive => polled::arm(&[&calm.ready], bell, || self.would_receive(me, ask)),
            Side::Send => polled::arm(&[&calm.room, &calm.spare], bell, || self.would_send(ask)),
        }
    }

    /// Whether a receive would return at once: with a message, or with the news
    /// that there will be none.
    fn would_receive(&self, me: Stamp, ask: bool) -> bool {
        let departures = self.departures(Side::Send);
        if !self.is_ranked() && self.calm().returned.fetch_or(0, Ordering::AcqRel) != 0
            || self.is_to_be_had(|| self.next_to_receive(), ask)
            || ask && self.waiting_leases(For::Work) > 0
        {
            return true;
        }
        let over = self.is_closed_last() || self.is_deserted(Side::Send, ask);
        let is_over = over && !self.others_lease(me, For::Work) && !self.is_held_at_head(ask);
        is_over || departures != self.departures(Side::Send)
    }

    /// Whether a send would return at once. With `ask`, a block that only its
    /// sender can tell from one in use counts as room.
    fn would_send(&self, ask: bool) -> bool {
        let departures = self.departures(Side::Receive);
        let room = self.is_to_be_had(|| self.next_to_fill(), ask);
        if room && (ask || self.has_block_last()) {
            return true;
        }
        let over = self.is_closed_last() || self.is_deserted(Side::Receive, ask);
        over || departures != self.departures(Side::Receive)
    }

    /// Where the next message is, or will be.
    fn next_to_receive(&self) -> Next {
        if self.is_ranked() { self.next_smallest() } else { self.next_ready(Last::Yes).into() }
    }

    /// Where the next message may go, now or when its owner lets it.
    fn next_to_fill(&self) -> Next {
        let next =
            if self.is_ranked() { self.next_free_anywhere() } else { self.next_free(Last::Yes) };
        next.into()
    }

    /// Whether what comes next is there for the taking.
    fn is_to_be_had(&self, next: impl Fn() -> Next, ask: bool) -> bool {
        let mut spins = SPINS;
        loop {
            let position = match next() {
                Next::In(position) => position,
                Next::There => return true,
                Next::Nothing => return false,
            };
            let seen = self.slot(position).owner.load(Ordering::Relaxed);
            if seen == FREE {
                return true;
            }
            if spins == 0 {
                return ask && Asked::new().is_forsaken(seen);
            }
            spins -= 1;
            pause();
        }
    }

    /// Whether a sender that came before the end may yet finish.
    fn is_held_at_head(&self, ask: bool) -> bool {
        match self.at_head() {
            Head::Owned { seen, .. } => !(ask && Asked::new().is_forsaken(seen)),
            Head::Empty | Head::Moved => false,
        }
    }

    /// Wakes receivers: there may be a message, or no more of them.
    #[inline]
    pub(super) fn notify_ready(&self, count: u32) {
        self.calm().ready.notify(count, self.memory.bell(Side::Receive));
    }

    /// Wakes senders: there may be room, or nobody to receive.
    #[inline]
    pub(super) fn notify_room(&self, count: u32) {
        self.calm().room.notify(count, self.memory.bell(Side::Send));
    }

    /// Wakes senders: a block may be free, or nobody there to receive.
    pub(super) fn notify_spare(&self, count: u32) {
        self.calm().spare.notify(count, self.memory.bell(Side::Send));
    }
}
