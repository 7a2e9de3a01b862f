//! The one waiting loop of each side, and when a queue is over.
//!
//! A wait looks, spins a little, announces itself, looks once more with
//! read-modify-writes, and sleeps for a slice. When the slice ends it asks: does
//! the owner of the slot in the way live, does whoever has a lease, is anybody
//! left at the other side?
//!
//! A queue is over for receivers when it is closed, or nobody is left to send,
//! *and* nothing is left to receive, also not in the hands of another living
//! process, which might yet give it back. It is over for senders as soon as it
//! is closed or nobody is left to receive.

use super::ring::{Last, Look};
use super::{Memory, Position, Queue, Side};
use crate::deadline::{Deadline, Slices};
use crate::primitive::{Ordering, Patience, SPINS, Stamp, pause};
use crate::raw::owner::{FREE, wait_while};

/// Why nothing was sent or received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Full or empty until the deadline.
    TimedOut,
    Closed,
    /// Nobody is left at the other side.
    Disconnected,
}

/// Where a message is received from. The caller owns it until it commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Ring(Position),
    /// A lease that came back; the number of its cell.
    Cell(usize),
}

/// How one wait goes on.
struct Pace<'a> {
    deadline: Deadline,
    slices: Slices,
    patience: &'a Patience,
    spun: u32,
    spins: u32,
}

impl<'a> Pace<'a> {
    fn new(deadline: Deadline, patience: &'a Patience) -> Pace<'a> {
        let spins = if deadline.is_now() { 0 } else { patience.spins() };
        Pace { deadline, slices: Slices::new(), patience, spun: 0, spins }
    }

    /// Whether to look again at once.
    fn spin(&mut self) -> bool {
        let again = self.spun < self.spins;
        if again {
            self.spun += 1;
            pause();
        }
        again
    }

    /// The wait is over, one way or the other.
    fn learn(&self) {
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
struct Turn {
    position: Position,
    spins: u32,
    slices: Slices,
}

impl Turn {
    fn new(position: Position) -> Turn {
        Turn { position, spins: SPINS, slices: Slices::new() }
    }

    fn spin(&mut self, position: Position) -> bool {
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

impl<M: Memory> Queue<M> {
    /// Claims the slot for the next message to be sent.
    #[inline]
    pub(crate) fn claim_free(&self, me: Stamp, deadline: Deadline) -> Result<Position, Stop> {
        if let Look::Claimed(position) = self.look_free(me, Last::No) {
            return self.unless_closed(position);
        }
        self.claim_free_contended(me, deadline)
    }

    #[cold]
    fn claim_free_contended(&self, me: Stamp, deadline: Deadline) -> Result<Position, Stop> {
        let mut pace = Pace::new(deadline, &self.patience[Side::Send as usize]);
        let claimed = self.wait_for_room(me, &mut pace);
        pace.learn();
        claimed
    }

    fn wait_for_room(&self, me: Stamp, pace: &mut Pace<'_>) -> Result<Position, Stop> {
        let deadline = pace.deadline;
        let mut ask = deadline.is_now();
        loop {
            if let Some(position) = self.get_free(me, pace, Last::No) {
                return self.unless_closed(position);
            }
            if self.is_closed() {
                return Err(Stop::Closed);
            }
            if pace.spin() {
                continue;
            }
            if self.is_deserted(Side::Receive, ask) {
                return Err(Stop::Disconnected);
            }
            if deadline.has_passed() {
                return Err(Stop::TimedOut);
            }
            let ticket = self.calm().room.prepare();
            let departures = self.departures(Side::Receive);
            if let Some(position) = self.get_free(me, pace, Last::Yes) {
                return self.unless_closed(position);
            }
            let gone = self.is_closed_last() || self.is_deserted(Side::Receive, false);
            if gone || departures != self.departures(Side::Receive) {
                continue;
            }
            let passed = self.calm().room.sleep(ticket, pace.slices.next(deadline));
            ask = pace.slices.is_over(passed);
        }
    }

    /// A sender that owns a slot refuses if the queue is closed. A receiver that
    /// saw it closed and the slot free is ordered before this look, by the
    /// slot's owner word, so nothing is sent that nobody will receive.
    fn unless_closed(&self, position: Position) -> Result<Position, Stop> {
        if self.is_closed() {
            self.release(position);
            return Err(Stop::Closed);
        }
        Ok(position)
    }

    /// Claims the next message: one that came back, or the one at the head.
    #[inline]
    pub(crate) fn claim_ready(
        &self,
        me: Stamp,
        deadline: Deadline,
        ask: bool,
    ) -> Result<Source, Stop> {
        if !ask {
            if let Some(cell) = self.take_returned(me) {
                return Ok(Source::Cell(cell));
            }
            if let Look::Claimed(position) = self.look_ready(me, Last::No) {
                return Ok(Source::Ring(position));
            }
        }
        self.claim_ready_contended(me, deadline, ask)
    }

    #[cold]
    fn claim_ready_contended(
        &self,
        me: Stamp,
        deadline: Deadline,
        ask: bool,
    ) -> Result<Source, Stop> {
        let mut pace = Pace::new(deadline, &self.patience[Side::Receive as usize]);
        let claimed = self.wait_for_message(me, &mut pace, ask);
        pace.learn();
        claimed
    }

    fn wait_for_message(
        &self,
        me: Stamp,
        pace: &mut Pace<'_>,
        mut ask: bool,
    ) -> Result<Source, Stop> {
        let deadline = pace.deadline;
        loop {
            if ask && let Some(cell) = self.redeliver(me, true) {
                return Ok(Source::Cell(cell));
            }
            if let Some(source) = self.get_ready(me, pace, Last::No) {
                return Ok(source);
            }
            if pace.spin() {
                continue;
            }
            if let Some(stop) = self.is_over(ask) {
                // The flag was seen; what was sent before it is seen now.
                if let Some(source) = self.get_ready(me, pace, Last::Yes) {
                    return Ok(source);
                }
                // Who passed the check before the queue was closed may finish.
                if let Some((position, seen)) = self.writer_at_head() {
                    if self.rescue_slot(position, seen, me) {
                        self.release(position);
                        continue;
                    }
                    if !deadline.has_passed() {
                        let owner = &self.slot(position).owner;
                        let passed = wait_while(owner, seen, pace.slices.next(deadline));
                        pace.slices.is_over(passed);
                        continue;
                    }
                } else if !self.others_lease(me) {
                    return Err(stop);
                }
            }
            if deadline.has_passed() {
                return Err(Stop::TimedOut);
            }
            let ticket = self.calm().ready.prepare();
            let departures = self.departures(Side::Send);
            if let Some(source) = self.get_ready(me, pace, Last::Yes) {
                return Ok(source);
            }
            let over = self.is_closed_last() || self.is_deserted(Side::Send, false);
            let may_be_over = over && !self.others_lease(me);
            if may_be_over || departures != self.departures(Side::Send) {
                continue;
            }
            let passed = self.calm().ready.sleep(ticket, pace.slices.next(deadline));
            ask = pace.slices.is_over(passed);
        }
    }

    /// Claims a block for a large message.
    pub(crate) fn claim_block(&self, me: Stamp, deadline: Deadline) -> Result<usize, Stop> {
        let mut slices = Slices::new();
        let mut ask = false;
        loop {
            if let Some(block) = self.take_block(me) {
                return Ok(block);
            }
            let late = deadline.has_passed();
            ask |= late;
            if ask && let Some(block) = self.rescue_block(me) {
                return Ok(block);
            }
            if self.is_closed() {
                return Err(Stop::Closed);
            }
            if self.is_deserted(Side::Receive, ask) {
                return Err(Stop::Disconnected);
            }
            if late {
                return Err(Stop::TimedOut);
            }
            let ticket = self.calm().spare.prepare();
            if let Some(block) = self.take_block_last(me) {
                return Ok(block);
            }
            if !self.is_closed_last() {
                let passed = self.calm().spare.sleep(ticket, slices.next(deadline));
                ask = slices.is_over(passed);
            }
        }
    }

    fn get_ready(&self, me: Stamp, pace: &mut Pace<'_>, last: Last) -> Option<Source> {
        let returned = match last {
            Last::No => self.take_returned(me),
            Last::Yes => self.take_returned_last(me),
        };
        if let Some(cell) = returned {
            return Some(Source::Cell(cell));
        }
        let mut turn = Turn::new(0);
        loop {
            match self.look_ready(me, last) {
                Look::Claimed(position) => return Some(Source::Ring(position)),
                Look::Blocked => return None,
                Look::Busy { position, seen } => {
                    if self.outwait(position, seen, me, pace, &mut turn)? {
                        if self.still_ready(position) {
                            return Some(Source::Ring(position));
                        }
                        self.release(position);
                    }
                }
            }
        }
    }

    fn get_free(&self, me: Stamp, pace: &mut Pace<'_>, last: Last) -> Option<Position> {
        let mut turn = Turn::new(0);
        loop {
            match self.look_free(me, last) {
                Look::Claimed(position) => return Some(position),
                Look::Blocked => return None,
                Look::Busy { position, seen } => {
                    if self.outwait(position, seen, me, pace, &mut turn)? {
                        if self.still_free(position) {
                            return Some(position);
                        }
                        self.release(position);
                    }
                }
            }
        }
    }

    /// The slot in the way is owned: waits for its owner, or takes it from the
    /// dead and says true. `None`: the time is up.
    fn outwait(
        &self,
        position: Position,
        seen: u64,
        me: Stamp,
        pace: &Pace<'_>,
        turn: &mut Turn,
    ) -> Option<bool> {
        if turn.spin(position) {
            return Some(false);
        }
        let late = pace.deadline.has_passed();
        let owner = &self.slot(position).owner;
        if !late {
            let passed = wait_while(owner, seen, turn.slices.next(pace.deadline));
            if !turn.slices.is_over(passed) {
                return Some(false);
            }
        }
        // With a read-modify-write: who gives up has seen the newest owner.
        let seen = owner.fetch_or(0, Ordering::AcqRel);
        if self.rescue_slot(position, seen, me) {
            return Some(true);
        }
        if late && seen != FREE { None } else { Some(false) }
    }

    /// Why a receiver may stop waiting once nothing is left.
    fn is_over(&self, ask: bool) -> Option<Stop> {
        if self.is_closed() {
            Some(Stop::Closed)
        } else {
            self.is_deserted(Side::Send, ask).then_some(Stop::Disconnected)
        }
    }

    /// Whether receivers may be waiting for the last leases to end.
    pub(super) fn is_ending(&self) -> bool {
        self.is_closed() || self.is_deserted(Side::Send, false)
    }

    /// No message is taken from now on; what was sent is still received.
    pub(crate) fn close(&self) {
        let calm = self.calm();
        calm.closed.fetch_or(1, Ordering::AcqRel);
        calm.ready.notify(u32::MAX);
        calm.room.notify(u32::MAX);
        calm.spare.notify(u32::MAX);
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.calm().closed.load(Ordering::Acquire) != 0
    }

    /// A look before a sleep.
    fn is_closed_last(&self) -> bool {
        self.calm().closed.fetch_or(0, Ordering::AcqRel) != 0
    }

    /// Messages that a receiver could have now: in the ring, given back, and
    /// leased by the dead. Exact whenever nobody is inside a call.
    pub(crate) fn len(&self) -> usize {
        self.ring_len() + self.waiting_leases()
    }

    /// Whether a send would have to wait.
    pub(crate) fn is_full(&self) -> bool {
        self.ring_len() >= self.capacity()
    }
}
