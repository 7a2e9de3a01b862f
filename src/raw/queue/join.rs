//! Waiting until everything that was sent is finished.
//!
//! Nobody counts: a count would be wrong for ever once somebody is killed between
//! what it did and the counting. A message is unfinished while it is in the ring,
//! or in a cell that somebody is at work on or that is yet to be worked on. So all
//! is done when there is no such word, at *one moment*: a task that sends two more
//! and is then finished must not slip past a look that takes a while.
//!
//! The look therefore goes around: the ring, which must be empty; the cells, which
//! must be; and the ring once more, into which nothing must have come meanwhile.
//! A message gets into a cell from the ring alone, so what was finished before
//! the second look was finished in between, and so at that moment.
//!
//! # Ordering
//!
//! Who finishes something does it with a read-modify-write and then looks whether
//! that was the last; of two who do so at once, one sees both. Who is about to
//! sleep looks at the same words in the same way; see
//! [`EventCount`](crate::raw::EventCount).

use super::lease::{Cell, attempts_of, is_returned};
use super::{Memory, Queue, Side, Stop};
use crate::deadline::{Deadline, Slices};
use crate::primitive::{Ordering, Stamp};
use crate::raw::owner::Asked;

impl<M: Memory> Queue<M> {
    /// Waits until everything that was sent is finished, or a dead letter.
    pub(crate) fn join(&self, deadline: Deadline) -> Result<(), Stop> {
        let mut slices = Slices::new();
        let mut ask = deadline.is_now();
        loop {
            let late = deadline.has_passed();
            ask |= late;
            if self.is_all_done(ask)? {
                return Ok(());
            }
            if self.is_deserted(Side::Receive, ask) {
                // The last of them may have finished before it left.
                return if self.is_all_done(true)? { Ok(()) } else { Err(Stop::Disconnected) };
            }
            if late {
                return Err(Stop::TimedOut);
            }
            let ticket = self.calm().done.prepare();
            let departures = self.departures(Side::Receive);
            let is_over = self.is_all_done(false)? || self.is_deserted(Side::Receive, false);
            if !is_over && departures == self.departures(Side::Receive) {
                let passed = self.calm().done.sleep(ticket, slices.next(deadline));
                ask = slices.is_over(passed);
            }
        }
    }

    /// Something is finished: wakes who waits for that, if it was the last. Who
    /// waits for dead letters of a queue that is ending wants to know as well.
    #[inline]
    pub(super) fn tell_if_done(&self) {
        if self.calm().done.is_slept_on() {
            self.tell_sleepers_if_done();
        }
    }

    #[cold]
    fn tell_sleepers_if_done(&self) {
        // Also where that cannot be told any more: they will be told so.
        if self.is_all_done(false) != Ok(false) || self.is_ending() {
            self.calm().done.notify(u32::MAX);
        }
    }

    /// Whether nothing is in the ring, nor in anybody's hands. With `ask`, a last
    /// attempt counts as over where whoever made it is dead.
    fn is_all_done(&self, ask: bool) -> Result<bool, Stop> {
        let mut asked = Asked::new();
        loop {
            let Some(mark) = self.mark_if_empty()? else { return Ok(false) };
            let is_unfinished =
                |index| self.is_unfinished(self.memory.cell(index), &mut asked, ask);
            if (0..self.cells).any(is_unfinished) {
                return Ok(false);
            }
            match self.mark_if_empty()? {
                Some(again) if again == mark => return Ok(true),
                Some(_) => {}
                None => return Ok(false),
            }
        }
    }

    fn is_unfinished(&self, cell: &Cell, asked: &mut Asked, ask: bool) -> bool {
        let seen = cell.owner().fetch_or(0, Ordering::AcqRel);
        let is_letter = match Stamp::of(seen) {
            // Beyond the last attempt: somebody looks at a dead letter.
            Some(_) if attempts_of(seen) > self.most_attempts => true,
            Some(_) => self.is_spent(seen) && ask && asked.is_orphaned(seen),
            None => self.is_spent(seen) && is_returned(seen),
        };
        !cell.is_empty() && !is_letter
    }
}
