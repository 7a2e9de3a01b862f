//! Dead letters: messages that were handed out as often as they may be, and came
//! back.
//!
//! A dead letter is no place but a state: a cell whose owner word counts the most
//! attempts and names nobody alive. Ordinary receivers pass it by; who looks for
//! dead letters takes it, as any lease is taken over, by one step of that word.
//! Nothing is moved from here to there, so nothing can be lost on the way or be in
//! both. What somebody does with a letter is a lease like any: given back, or its
//! holder killed, it is a dead letter again, with one more attempt.

use super::lease::{For, is_returned};
use super::{Memory, Queue, Side, Stop};
use crate::deadline::{Deadline, Slices};
use crate::primitive::{Ordering, Stamp};
use crate::raw::owner::Asked;

impl<M: Memory> Queue<M> {
    /// Waits for a dead letter and takes its cell.
    pub(crate) fn claim_letter(&self, me: Stamp, deadline: Deadline) -> Result<usize, Stop> {
        let mut slices = Slices::new();
        // What the killed left is found by asking: the first look is for them too.
        let mut ask = true;
        loop {
            let late = deadline.has_passed();
            ask |= late;
            let stop = self.is_over(ask);
            if let Some(cell) = self.take_letter(me, ask) {
                return Ok(cell);
            }
            if let Some(stop) = stop {
                if !self.letters_may_come(me)? {
                    return Err(stop);
                }
            }
            if late {
                return Err(Stop::TimedOut);
            }
            let ticket = self.calm().done.prepare();
            let departures = self.departures(Side::Send);
            // Also the look before the sleep: it reads each cell with a
            // read-modify-write.
            let is_over = self.is_closed_last() || self.is_deserted(Side::Send, false);
            let end = is_over && !self.letters_may_come(me)?;
            if self.has_letter() || end || departures != self.departures(Side::Send) {
                ask = false;
                continue;
            }
            let passed = self.calm().done.sleep(ticket, slices.next(deadline));
            ask = slices.is_over(passed);
        }
    }

    /// How many dead letters there are in nobody's hands.
    pub(crate) fn letters(&self) -> usize {
        self.waiting_leases(For::Burial)
    }

    fn take_letter(&self, me: Stamp, ask: bool) -> Option<usize> {
        let mut asked = Asked::new();
        let cell = (0..self.cells).find(|index| {
            self.take_over(*index, me, For::Burial, |owner| ask && asked.is_forsaken(owner))
        })?;
        // The last attempt may have been the last thing that others waited for.
        self.tell_if_done();
        Some(cell)
    }

    /// A look before a sleep: whether a letter was given back.
    fn has_letter(&self) -> bool {
        (0..self.cells).any(|index| {
            let seen = self.memory.cell(index).owner().fetch_or(0, Ordering::AcqRel);
            is_returned(seen) && self.is_spent(seen)
        })
    }

    /// Whether anything could still become a dead letter.
    fn letters_may_come(&self, me: Stamp) -> Result<bool, Stop> {
        Ok(self.mark_if_empty()?.is_none() || self.others_lease(me, For::Burial))
    }
}
