//! Writing: the writer's word, then the readers inside, then the mark that says so.

use super::{LEFT, RwLock};
use crate::deadline::Deadline;
use crate::primitive::{Ordering, Stamp, compiler_fence};
use crate::raw::Refused;
use crate::raw::mutex::Locked;
use crate::raw::owner::FREE;

impl<const READERS: usize> RwLock<READERS> {
    /// Takes the lock for `thread` of process `me` alone.
    #[inline]
    pub(crate) fn write(
        &self,
        me: Stamp,
        thread: u64,
        deadline: Deadline,
    ) -> Result<Locked, Refused> {
        // It would wait for itself, or for another writer that does.
        if self.shares.of_thread(me, thread).is_some() {
            let is_late = deadline.has_passed();
            return Err(if is_late { Refused::TimedOut } else { Refused::Deadlock });
        }
        self.writer.lock(me, thread, deadline)?;
        self.await_readers(me, deadline)?;
        match self.dirty_by() {
            None => {
                self.mark(me);
                Ok(Locked::Consistent)
            }
            Some(left_by) => Ok(Locked::Abandoned { pid: left_by.pid() }),
        }
    }

    /// From here on the value is what `me` makes of it.
    #[inline]
    fn mark(&self, me: Stamp) {
        self.dirty.store(me.word(), Ordering::Release);
        compiler_fence(Ordering::SeqCst);
    }

    /// Waits for the readers inside, or gives the writer's word back.
    #[inline]
    pub(super) fn await_readers(&self, me: Stamp, deadline: Deadline) -> Result<(), Refused> {
        self.shares.await_free(deadline).inspect_err(|_| self.release(me))
    }

    /// Ends a writing, if `me` does that: a copy of a guard in a forked child
    /// does nothing. A value that was left by another and not repaired since
    /// stays so.
    #[inline]
    pub(crate) fn unlock_write(&self, me: Stamp) {
        if !self.writer.is_still_held_by(me) {
            return;
        }
        if self.dirty.load(Ordering::Relaxed) == me.word() {
            self.dirty.store(FREE, Ordering::Release);
        }
        self.release(me);
    }

    /// Ends a writing half-way, if `me` does that: the next one is told.
    #[cold]
    pub(crate) fn abandon(&self, me: Stamp) {
        if !self.writer.is_held_by(me) {
            return;
        }
        if self.dirty.load(Ordering::Relaxed) == me.word() {
            self.dirty.store(me.word() | LEFT, Ordering::Relaxed);
        }
        self.release(me);
    }

    /// Says that what a dead writer left is consistent again; `me` has the write
    /// lock and goes on writing.
    pub(crate) fn repair(&self, me: Stamp) {
        self.mark(me);
    }

    /// A share for the thread that has the write lock: with it, it goes on as a
    /// reader when it unlocks, and no other writer comes in between.
    pub(crate) fn share(&self, me: Stamp, thread: u64) -> usize {
        let index = self.shares.claim_one(me);
        self.shares.keep(index, me, thread);
        index
    }

    /// Gives the writer's word back, saying what `dirty` says.
    #[inline]
    pub(super) fn release(&self, me: Stamp) {
        match self.dirty_by() {
            None => self.writer.unlock(me),
            Some(left_by) => self.writer.abandon(me, left_by.pid()),
        }
        self.writer_left.notify(u32::MAX);
    }
}
