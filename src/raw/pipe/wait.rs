//! The one waiting loop, of both ends.
//!
//! A wait looks, spins a little, announces itself, looks once more behind a heavy
//! fence, and sleeps for a slice. When the slice ends it asks whether the process at
//! the other end lives.
//!
//! That the other end is gone counts for a receiver only after another look: what was
//! committed before is to be received. Once found it is remembered until somebody comes,
//! since a sender that is told so may have room, left from before or made as the last deed
//! of the dead, and would be told otherwise at its next call.

use core::time::Duration;

use super::{Cursor, GRAIN, Memory, Pipe, Stop};
use crate::deadline::Deadline;
use crate::primitive::{Mutant, Ordering, Patience, Stamp, heavy_fence};
use crate::raw::owner::is_orphaned;
use crate::raw::queue::{Pace, Side};

/// A sleep at most, where a wake may be missed: a sandbox forbids the heavy fence.
const WITHOUT_FENCE: Duration = Duration::from_millis(1);

impl<M: Memory> Pipe<M> {
    /// Waits until `me` may use `needed` bytes behind its cursor: room to write into,
    /// or records. With `ask`, also a call that may not wait asks who lives.
    #[inline]
    pub(crate) fn claim(
        &self,
        side: Side,
        cursor: &mut Cursor,
        needed: u64,
        me: Stamp,
        wait: Wait<'_>,
    ) -> Result<(), Stop> {
        if !self.is_owner(side, me) {
            return Err(Stop::NotOwner);
        }
        if cursor.of != me.word() {
            self.catch_up(side, cursor, me)?;
        }
        if self.is_useless(side, cursor) {
            return Err(Stop::Disconnected);
        }
        if cursor.usable < needed {
            cursor.usable = self.claim_contended(side, cursor, needed, wait)?;
        }
        Ok(())
    }

    /// Begins where whoever had the end before `me` left off.
    #[cold]
    fn catch_up(&self, side: Side, cursor: &mut Cursor, me: Stamp) -> Result<(), Stop> {
        // Acquire pairs with the release of the giver: its last commit is seen.
        self.calm().ends[side as usize].load(Ordering::Acquire);
        let at = self.index(side).load(Ordering::Relaxed);
        if at % GRAIN != 0 {
            return Err(Stop::Corrupt);
        }
        *cursor = match Mutant::KeepsTheCursor.is_on() {
            true => Cursor { of: me.word(), ..*cursor },
            false => Cursor { of: me.word(), at, usable: 0, ..*cursor },
        };
        Ok(())
    }

    #[cold]
    fn claim_contended(
        &self,
        side: Side,
        cursor: &mut Cursor,
        needed: u64,
        wait: Wait<'_>,
    ) -> Result<u64, Stop> {
        let mut pace = Pace::new(wait.deadline, wait.patience);
        let usable = self.wait_for(side, cursor, needed, &mut pace, wait.ask);
        pace.learn();
        usable
    }

    fn wait_for(
        &self,
        side: Side,
        cursor: &mut Cursor,
        needed: u64,
        pace: &mut Pace<'_>,
        mut ask: bool,
    ) -> Result<u64, Stop> {
        let (at, deadline) = (cursor.at, pace.deadline);
        loop {
            let usable = self.look(side, at)?;
            if usable >= needed {
                return Ok(usable);
            }
            if pace.spin(|| || self.look(side, at) != Ok(usable)) {
                continue;
            }
            if self.find_alone(side, cursor, ask) {
                return self.last_of(side, at, needed);
            }
            if deadline.has_passed() {
                return Err(Stop::TimedOut);
            }
            let asleep = &self.calm().asleep[side as usize];
            let ticket = asleep.prepare();
            let is_ordered = heavy_fence();
            if self.look(side, at)? >= needed || super::is_given_up(self.other_end(side)) {
                continue;
            }
            let slice = pace.slices.next(deadline);
            let slice = if is_ordered { slice } else { slice.min(WITHOUT_FENCE) };
            let passed = asleep.sleep(ticket, slice);
            ask = pace.slices.is_over(passed);
        }
    }

    /// The other end is gone: what it has committed is all there will be. Of a receiver
    /// that is room, of no use while there is none.
    fn last_of(&self, side: Side, at: u64, needed: u64) -> Result<u64, Stop> {
        if side == Side::Send || Mutant::NoSecondLook.is_on() {
            return Err(Stop::Disconnected);
        }
        let usable = self.look(side, at)?;
        if usable >= needed { Ok(usable) } else { Err(Stop::Disconnected) }
    }

    /// How many bytes an end at `at` may use now.
    #[inline]
    pub(super) fn look(&self, side: Side, at: u64) -> Result<u64, Stop> {
        let theirs = self.index(side.other()).load(Ordering::Acquire);
        let filled = match side {
            Side::Send => at.wrapping_sub(theirs),
            Side::Receive => theirs.wrapping_sub(at),
        };
        if filled > self.capacity || theirs % GRAIN != 0 {
            return Err(Stop::Corrupt);
        }
        Ok(if side == Side::Send { self.capacity - filled } else { filled })
    }

    /// Room is of no use where it is known that nobody will read; records are.
    #[inline]
    fn is_useless(&self, side: Side, cursor: &Cursor) -> bool {
        side == Side::Send && cursor.finds_vacant(self.other_end(side))
    }

    /// Whether nobody has the end opposite `side`. Without `ask`, a dead process counts as
    /// somebody, but for one of which that was found before.
    pub(crate) fn is_alone(&self, side: Side, cursor: &Cursor, ask: bool) -> bool {
        self.vacated(side, cursor, ask).is_some()
    }

    /// The same; and so it is found from then on, until somebody else comes to that end.
    pub(crate) fn find_alone(&self, side: Side, cursor: &mut Cursor, ask: bool) -> bool {
        let vacated = self.vacated(side, cursor, ask);
        match vacated {
            Some(_) if Mutant::ForgetsTheDead.is_on() => {}
            Some(end) => cursor.gone = end,
            None => {}
        }
        vacated.is_some()
    }

    /// The word of the end opposite `side`, if nobody has that.
    fn vacated(&self, side: Side, cursor: &Cursor, ask: bool) -> Option<u64> {
        let seen = self.other_end(side);
        // Who is dead by now may have given the end to somebody else before.
        let stays = || {
            let end = &self.calm().ends[side.other() as usize];
            end.fetch_or(0, Ordering::AcqRel) == seen
        };
        let is_dead = || ask && is_orphaned(seen) && stays();
        (cursor.finds_vacant(seen) || is_dead()).then_some(seen)
    }

    /// The word of the end opposite `side`. Acquire pairs with the release of whoever gave
    /// it up: its last commit is seen.
    #[inline]
    fn other_end(&self, side: Side) -> u64 {
        self.calm().ends[side.other() as usize].load(Ordering::Acquire)
    }
}

/// How a call waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait<'a> {
    pub(crate) deadline: Deadline,
    pub(crate) patience: &'a Patience,
    /// Whether a call that may not wait asks who lives.
    pub(crate) ask: bool,
}
