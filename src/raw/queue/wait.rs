//! The one waiting loop of each side.
//!
//! A wait looks, spins a little, announces itself, looks once more with
//! read-modify-writes, and sleeps for a slice. When the slice ends it asks: does
//! the owner of the slot in the way live, does whoever has a lease, is anybody
//! left at the other side?
//!
//! Each message and each room wakes one sleeper. One that was woken and runs out
//! of time, because somebody is in its way for just then, wakes another in its
//! place, as does one that finds an orphaned lease to do instead; one that is killed
//! is made up for by the others' slices.

use super::lease::For;
use super::pace::{Pace, Turn};
use super::ring::{Head, Last, Look};
use super::{Memory, Position, Queue, Side};
use crate::deadline::Deadline;
use crate::primitive::{Mutant, Ordering, SPINS, Stamp};
use crate::raw::owner::{FREE, wait_while};

/// Why nothing was sent or received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Full or empty until the deadline.
    TimedOut,
    Closed,
    /// Nobody is left at the other side.
    Disconnected,
    /// The words of the queue are none that honest processes can leave.
    Corrupt,
}

/// Where a message is received from. The caller owns it until it commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Ring(Position),
    /// A lease that came back; the number of its cell.
    Cell(usize),
}

/// What became of an owner in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outwaited {
    /// It may be gone: to be looked at again.
    Gone,
    /// It was dead, and the slot is the caller's.
    Taken,
    /// It is there, and the time is up.
    Late,
}

impl<M: Memory> Queue<M> {
    /// Claims the slot for the next message to be sent.
    #[inline(always)]
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
        let mut woken = false;
        loop {
            if let Some(position) = self.get_free(me, pace, Last::No)? {
                return self.unless_closed(position);
            }
            if self.is_closed() {
                return Err(Stop::Closed);
            }
            if pace.spin(|| {
                let watch = self.watch_tail();
                move || self.is_ranked() || watch.is_over()
            }) {
                continue;
            }
            if self.is_deserted(Side::Receive, ask) {
                return Err(Stop::Disconnected);
            }
            if deadline.has_passed() {
                if woken && !Mutant::KeepsItsWake.is_on() {
                    self.notify_room(1);
                }
                return Err(Stop::TimedOut);
            }
            let ticket = self.calm().room.prepare();
            let departures = self.departures(Side::Receive);
            if let Some(position) = self.get_free(me, pace, Last::Yes)? {
                return self.unless_closed(position);
            }
            let gone = self.is_closed_last() || self.is_deserted(Side::Receive, false);
            if gone || departures != self.departures(Side::Receive) {
                continue;
            }
            let passed = self.calm().room.sleep(ticket, pace.slices.next(deadline));
            ask = pace.slices.is_over(passed);
            woken = !passed;
        }
    }

    /// Claims the next message: one that came back, or the one that the order says.
    #[inline(always)]
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
            match self.look_ready(me, Last::No) {
                Look::Claimed(position) => return Ok(Source::Ring(position)),
                Look::Returned(cell) => return Ok(Source::Cell(cell)),
                _ => {}
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
        let claimed = match self.spin_for_message(me, &mut pace, ask) {
            Some(position) => Ok(Source::Ring(position)),
            None => self.wait_for_message(me, &mut pace, ask),
        };
        pace.learn();
        claimed
    }

    /// The spin alone: whoever waits for an answer, and is still awake when it comes, has
    /// it here by the shortest way.
    #[inline(always)]
    fn spin_for_message(&self, me: Stamp, pace: &mut Pace<'_>, ask: bool) -> Option<Position> {
        if ask || self.is_ranked() {
            return None;
        }
        let comes = pace.spin_until(|| {
            let watch = self.watch_head();
            move || watch.is_over() || self.has_returned()
        });
        if !comes || self.has_returned() {
            return None;
        }
        match self.look_ready(me, Last::No) {
            Look::Claimed(position) => Some(position),
            _ => None,
        }
    }

    #[inline(never)]
    fn wait_for_message(
        &self,
        me: Stamp,
        pace: &mut Pace<'_>,
        mut ask: bool,
    ) -> Result<Source, Stop> {
        let deadline = pace.deadline;
        let mut woken = false;
        loop {
            if let Some(cell) = ask.then(|| self.take_back(me)).flatten() {
                // What it was woken for, as its slice ended, is left to another.
                if woken {
                    self.notify_ready(1);
                }
                return Ok(Source::Cell(cell));
            }
            if let Some(source) = self.get_ready(me, pace, Last::No)? {
                return Ok(source);
            }
            if pace.spin(|| {
                let watch = self.watch_head();
                move || self.is_ranked() || watch.is_over() || self.has_returned()
            }) {
                continue;
            }
            if let Some(stop) = self.is_over(ask) {
                match self.at_head() {
                    Head::Empty if !self.others_lease(me, For::Work) => return Err(stop),
                    Head::Empty => {}
                    Head::Moved => continue,
                    Head::Owned { position, seen } => {
                        if self.outwait_head(position, seen, me, pace) {
                            continue;
                        }
                    }
                }
            }
            if deadline.has_passed() {
                if woken && !Mutant::KeepsItsWake.is_on() {
                    self.notify_ready(1);
                }
                return Err(Stop::TimedOut);
            }
            let ticket = self.calm().ready.prepare();
            let departures = self.departures(Side::Send);
            if let Some(source) = self.get_ready(me, pace, Last::Yes)? {
                return Ok(source);
            }
            let over = self.is_closed_last() || self.is_deserted(Side::Send, false);
            let may_be_over = over && !self.others_lease(me, For::Work);
            if may_be_over || departures != self.departures(Side::Send) {
                continue;
            }
            let passed = self.calm().ready.sleep(ticket, pace.slices.next(deadline));
            ask = pace.slices.is_over(passed);
            woken = !passed;
        }
    }

    fn get_ready(
        &self,
        me: Stamp,
        pace: &mut Pace<'_>,
        last: Last,
    ) -> Result<Option<Source>, Stop> {
        let returned = match last {
            Last::No => self.take_returned(me),
            Last::Yes => self.take_returned_last(me),
        };
        if let Some(cell) = returned {
            return Ok(Some(Source::Cell(cell)));
        }
        let mut turn = Turn::new(0);
        let mut overtaken = 0;
        loop {
            match self.look_ready(me, last) {
                Look::Claimed(position) => return Ok(Some(Source::Ring(position))),
                Look::Returned(cell) => return Ok(Some(Source::Cell(cell))),
                Look::Blocked => return Ok(None),
                Look::Corrupt => return Err(Stop::Corrupt),
                // Others send faster than it looks. As where somebody is in the way,
                // there is nothing to be had in time.
                Look::Overtaken => {
                    if overtaken >= SPINS && pace.deadline.has_passed() {
                        return Ok(None);
                    }
                    overtaken += 1;
                }
                Look::Busy { position, seen } => {
                    match self.outwait(position, seen, me, pace, &mut turn) {
                        Outwaited::Late => return Ok(None),
                        Outwaited::Gone => {}
                        // Elsewhere there may be one that comes before it.
                        Outwaited::Taken if !self.is_ranked() && self.still_ready(position) => {
                            return Ok(Some(Source::Ring(position)));
                        }
                        Outwaited::Taken => self.release(position),
                    }
                }
            }
        }
    }

    fn get_free(
        &self,
        me: Stamp,
        pace: &mut Pace<'_>,
        last: Last,
    ) -> Result<Option<Position>, Stop> {
        let mut turn = Turn::new(0);
        loop {
            match self.look_free(me, last) {
                Look::Claimed(position) => return Ok(Some(position)),
                Look::Blocked => return Ok(None),
                Look::Corrupt => return Err(Stop::Corrupt),
                Look::Overtaken | Look::Returned(_) => {}
                Look::Busy { position, seen } => {
                    match self.outwait(position, seen, me, pace, &mut turn) {
                        Outwaited::Late => return Ok(None),
                        Outwaited::Gone => {}
                        Outwaited::Taken if self.still_free(position) => return Ok(Some(position)),
                        Outwaited::Taken => self.release(position),
                    }
                }
            }
        }
    }

    /// The slot in the way is owned: waits for its owner, or takes it from the dead.
    fn outwait(
        &self,
        position: Position,
        seen: u64,
        me: Stamp,
        pace: &Pace<'_>,
        turn: &mut Turn,
    ) -> Outwaited {
        if turn.spin(position) {
            return Outwaited::Gone;
        }
        let late = pace.deadline.has_passed();
        let owner = &self.slot(position).owner;
        if !late {
            let passed = wait_while(owner, seen, turn.slices.next(pace.deadline));
            if !turn.slices.is_over(passed) {
                return Outwaited::Gone;
            }
        }
        // With a read-modify-write: who gives up has seen the newest owner.
        let seen = owner.fetch_or(0, Ordering::AcqRel);
        if self.rescue_slot(position, seen, me) {
            return Outwaited::Taken;
        }
        if late && seen != FREE { Outwaited::Late } else { Outwaited::Gone }
    }

    /// The queue is over, but a sender that came before may yet finish. Waits
    /// for it, or gives its slot back if it is dead; false: the time is up.
    fn outwait_head(&self, position: Position, seen: u64, me: Stamp, pace: &mut Pace<'_>) -> bool {
        if self.rescue_slot(position, seen, me) {
            self.release(position);
            return true;
        }
        if pace.deadline.has_passed() {
            return false;
        }
        let slice = pace.slices.next(pace.deadline);
        let passed = wait_while(&self.slot(position).owner, seen, slice);
        pace.slices.is_over(passed);
        true
    }
}
