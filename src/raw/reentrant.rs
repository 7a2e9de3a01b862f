//! A lock that the thread which holds it may lock again.
//!
//! [`Mutex`] with a count beside it, as in Python's `RLock` and Java's monitors.
//!
//! # States
//!
//! | `mutex` | `depth` | meaning |
//! |---|---|---|
//! | free | anything | free |
//! | stamp | n | locked n times by the thread that `mutex` names |
//! | stamp, `ABANDONED` | 1 | locked by somebody who was told and has not repaired yet |
//!
//! `left_by` is the pid that the next owner is told; zero: none.
//!
//! # Transitions
//!
//! Lock: if this very thread holds `mutex`, count one up; otherwise lock `mutex`
//! and count from one. Unlock: count down, and at zero unlock `mutex`, or abandon
//! it if `left_by` says so.
//!
//! `depth` and `left_by` are written by each owner when it gets `mutex`, before it
//! reads them, and by nobody else: what a dead owner left in them is never
//! believed. That is why no kill can corrupt the count.
//!
//! Who was told locks once, and not again before it has repaired the value: so
//! it alone looks at what was left.
//!
//! # Ordering
//!
//! All as in [`Mutex`]; `depth` and `left_by` have one thread at a time.

use super::mutex::Locked;
use super::{Mutex, Refused};
use crate::deadline::Deadline;
use crate::primitive::{AtomicU32, AtomicU64, Ordering, Stamp};

const NOBODY: u32 = 0;

#[derive(Debug)]
#[repr(C)]
pub(crate) struct ReentrantMutex {
    mutex: Mutex,
    depth: AtomicU64,
    left_by: AtomicU32,
}

impl ReentrantMutex {
    pub(crate) fn new() -> ReentrantMutex {
        ReentrantMutex {
            mutex: Mutex::new(),
            depth: AtomicU64::new(0),
            left_by: AtomicU32::new(NOBODY),
        }
    }

    /// Makes a lock that nobody can see yet ready for use.
    pub(crate) fn place(&self) {
        self.mutex.place();
    }

    /// Takes the lock for `thread` of process `me`, or once more if that has it.
    #[inline]
    pub(crate) fn lock(
        &self,
        me: Stamp,
        thread: u64,
        deadline: Deadline,
    ) -> Result<Locked, Refused> {
        match self.take(me, thread) {
            true => Ok(Locked::Consistent),
            false => self.contend(me, thread, deadline),
        }
    }

    /// Takes the lock for `thread` of process `me` if it is free and consistent, or
    /// once more if that has it.
    #[inline]
    pub(crate) fn take(&self, me: Stamp, thread: u64) -> bool {
        if self.mutex.is_held_by_thread(me, thread) {
            return self.take_again();
        }
        let taken = self.mutex.take(me, thread);
        if taken {
            self.begin(NOBODY);
        }
        taken
    }

    /// False for who was told and has not repaired yet.
    #[inline]
    fn take_again(&self) -> bool {
        let is_consistent = !self.mutex.is_inconsistent();
        if is_consistent {
            // Wrapping: what a liar wrote there is anything.
            self.depth.store(self.depth().wrapping_add(1), Ordering::Relaxed);
        }
        is_consistent
    }

    #[cold]
    fn contend(&self, me: Stamp, thread: u64, deadline: Deadline) -> Result<Locked, Refused> {
        if self.mutex.is_held_by_thread(me, thread) {
            let is_late = deadline.has_passed();
            return Err(if is_late { Refused::TimedOut } else { Refused::Deadlock });
        }
        let locked = self.mutex.contend(me, thread, deadline)?;
        self.begin(match locked {
            Locked::Consistent => NOBODY,
            Locked::Abandoned { pid } => pid,
        });
        Ok(locked)
    }

    /// Counts from one, as whoever just got `mutex`.
    #[inline]
    fn begin(&self, left_by: u32) {
        self.depth.store(1, Ordering::Relaxed);
        self.left_by.store(left_by, Ordering::Relaxed);
    }

    /// Takes back one locking of `me`, whose thread holds the lock; in a fork of
    /// its process nothing happens.
    #[inline]
    pub(crate) fn unlock(&self, me: Stamp) {
        if !self.mutex.is_still_held_by(me) {
            return;
        }
        let depth = self.depth();
        if depth > 1 {
            self.depth.store(depth - 1, Ordering::Relaxed);
            return;
        }
        match self.left_by.load(Ordering::Relaxed) {
            NOBODY => self.mutex.unlock(me),
            pid => self.mutex.abandon(me, pid),
        }
    }

    /// Says that `me`, whose thread holds the lock, may have left what it
    /// protects inconsistent: the next owner is told.
    #[cold]
    pub(crate) fn spoil(&self, me: Stamp) {
        if self.mutex.is_held_by(me) {
            self.left_by.store(me.pid(), Ordering::Relaxed);
        }
    }

    /// Says that what the lock protects is consistent again; `me` holds it.
    pub(crate) fn repair(&self, me: Stamp) {
        self.left_by.store(NOBODY, Ordering::Relaxed);
        self.mutex.repair(me);
    }

    /// How often the owner has locked; means something to its thread only.
    pub(crate) fn depth(&self) -> u64 {
        self.depth.load(Ordering::Relaxed)
    }

    /// Whether the lock lies in shared memory.
    pub(crate) fn is_placed(&self) -> bool {
        self.mutex.is_placed()
    }

    /// The owner, if anybody holds the lock.
    pub(crate) fn owner(&self) -> Option<Stamp> {
        self.mutex.owner()
    }

    /// Whether the lock, held or free, waits to be repaired.
    pub(crate) fn is_inconsistent(&self) -> bool {
        self.mutex.is_inconsistent()
    }

    /// The process that left the lock inconsistent, while it is free.
    pub(crate) fn left_by(&self) -> Option<u32> {
        self.mutex.left_by()
    }
}
