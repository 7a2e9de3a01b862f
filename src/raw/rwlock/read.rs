//! Reading: a share, unless there is a writer; or what a dead one left.
//!
//! A reader that was woken for a share either claims one, and wakes another when
//! it frees it, or passes the wake on before it returns.

use core::time::Duration;

use super::RwLock;
use crate::deadline::{Deadline, Slices};
use crate::primitive::{Stamp, is_alive};
use crate::raw::spin::Spin;
use crate::raw::{Refused, mutex};

/// By what right a reader may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// By this share, among other readers.
    Share(usize),
    /// As the only one, with the write lock: process `pid` left the value
    /// half-written.
    Abandoned { pid: u32 },
}

/// What keeps a reader out.
#[derive(Clone, Copy, Debug)]
enum Obstacle {
    /// A writer, inside or waiting for the readers inside.
    Writer,
    /// What a dead writer left, or no place in shared memory.
    Remains,
    /// All shares are claimed.
    Readers,
}

impl<const READERS: usize> RwLock<READERS> {
    /// Lets `thread` of process `me` read, by share `hint` if it is free.
    #[inline(always)]
    pub(crate) fn read(
        &self,
        me: Stamp,
        thread: u64,
        hint: usize,
        deadline: Deadline,
    ) -> Result<Reading, Refused> {
        if self.shares.claim(hint, me) {
            if self.writer.word() == mutex::FREE {
                self.shares.keep(hint, me, thread);
                return Ok(Reading::Share(hint));
            }
            self.shares.free(hint);
        }
        self.read_contended(me, thread, deadline)
    }

    #[cold]
    fn read_contended(
        &self,
        me: Stamp,
        thread: u64,
        deadline: Deadline,
    ) -> Result<Reading, Refused> {
        // A writer waits for this thread's share: waiting for that writer, or for
        // another share, would be for ever.
        if let Some(index) = self.shares.of_thread(me, thread) {
            self.shares.deepen(index);
            return Ok(Reading::Share(index));
        }
        let mut slices = Slices::new();
        let mut spin = Spin::until(deadline);
        loop {
            let obstacle = match self.take_share(me, thread) {
                Ok(index) => return Ok(Reading::Share(index)),
                Err(obstacle) => obstacle,
            };
            let is_late = deadline.has_passed();
            let asks = match obstacle {
                _ if is_late => true,
                Obstacle::Remains => true,
                Obstacle::Writer if self.writer.is_held_by_thread(me, thread) => {
                    return Err(Refused::Deadlock);
                }
                _ if spin.again() => false,
                Obstacle::Writer => {
                    let passed = self.sleep_until_writer_left(slices.next(deadline));
                    slices.is_over(passed)
                }
                Obstacle::Readers if self.shares.is_time_to_ask() => true,
                Obstacle::Readers => {
                    let passed = self.shares.sleep_until_freed(slices.next(deadline));
                    slices.is_over(passed)
                }
            };
            let cleared = asks
                && match obstacle {
                    // Who writes by now, perhaps another than before the sleep.
                    Obstacle::Writer if self.writer.owner().is_some_and(is_alive) => false,
                    Obstacle::Writer | Obstacle::Remains => {
                        match self.inherit(me, thread, deadline) {
                            Ok(Some(pid)) => {
                                self.shares.pass_on();
                                return Ok(Reading::Abandoned { pid });
                            }
                            Ok(None) => true,
                            Err(Refused::TimedOut) => false,
                            Err(refused) => return Err(refused),
                        }
                    }
                    Obstacle::Readers => self.shares.rescue_any(),
                };
            if is_late && !cleared {
                self.shares.pass_on();
                return Err(Refused::TimedOut);
            }
        }
    }

    /// Sleeps while somebody has the writer's word, at most one slice. Returns
    /// whether the slice passed.
    fn sleep_until_writer_left(&self, slice: Duration) -> bool {
        let ticket = self.writer_left.prepare();
        // The last look: a read-modify-write, as `EventCount` demands.
        Stamp::of(self.writer.newest_word()).is_some() && self.writer_left.sleep(ticket, slice)
    }

    /// Takes any free share, or says what is in the way.
    fn take_share(&self, me: Stamp, thread: u64) -> Result<usize, Obstacle> {
        let seen = self.writer.word();
        if seen != mutex::FREE {
            let is_held = Stamp::of(seen).is_some();
            return Err(if is_held { Obstacle::Writer } else { Obstacle::Remains });
        }
        let index = self.shares.claim_any(me).ok_or(Obstacle::Readers)?;
        if self.writer.word() == mutex::FREE {
            self.shares.keep(index, me, thread);
            return Ok(index);
        }
        self.shares.free(index);
        // Something else by now, which the next look will tell.
        Err(Obstacle::Readers)
    }

    /// Takes the place of a dead writer. If it left the value half-written, the
    /// caller has the write lock and is told by whom.
    fn inherit(&self, me: Stamp, thread: u64, deadline: Deadline) -> Result<Option<u32>, Refused> {
        // Without waiting: who else has it now may not be for a reader to wait
        // for as a writer does.
        self.writer.lock(me, thread, Deadline::Now)?;
        let Some(left_by) = self.dirty_by() else {
            self.release(me);
            return Ok(None);
        };
        // Who is there only looks.
        self.await_readers(me, deadline)?;
        Ok(Some(left_by.pid()))
    }

    /// Ends a reading by share `index`, if `me` has that: a copy of a guard in a
    /// forked child does nothing.
    #[inline]
    pub(crate) fn unlock_read(&self, me: Stamp, index: usize) {
        self.shares.leave(index, me);
    }
}
