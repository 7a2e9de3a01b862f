//! Something that is done once, and by another process if the first one dies.
//!
//! # States
//!
//! | `done` | `lock` | meaning |
//! |---|---|---|
//! | 0 | free | nobody has done it, or is at it |
//! | 0 | held | its owner is at it |
//! | 0 | free, abandoned | somebody was at it and gave up |
//! | `DONE` | any | done; the lock is of no use any more |
//!
//! # Transitions
//!
//! Begin: take the lock, and look again. Finish: `done` -> `DONE`, the commit, and
//! unlock. Give up: unlock. Where somebody dies at it the lock goes to the next
//! one who waits for it; that something was left half done is the reason why the
//! lock says so, and here whoever takes it begins from the start anyway. (It is
//! double-checked locking, Schmidt and Harrison 1996, on a lock that is inherited.)
//!
//! # Ordering
//!
//! The release of `DONE` pairs with the acquire of whoever sees it without the
//! lock. Whoever looks with the lock held sees by the lock what was done before.

use super::mutex::Locked;
use super::{Mutex, Refused};
use crate::deadline::Deadline;
use crate::primitive::{AtomicU64, Ordering, Stamp};

const DONE: u64 = 1;

#[derive(Debug)]
#[repr(C)]
pub(crate) struct Once {
    done: AtomicU64,
    lock: Mutex,
}

impl Once {
    pub(crate) fn new() -> Once {
        Once { done: AtomicU64::new(0), lock: Mutex::new() }
    }

    /// Makes it, while nobody can see it yet, ready for use.
    pub(crate) fn place(&self) {
        self.lock.place();
    }

    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire) == DONE
    }

    /// Waits for whoever is at it. True: it is the caller's to do, who must
    /// [`finish`](Once::finish) or [`give_up`](Once::give_up). False: it is done.
    pub(crate) fn begin(&self, me: Stamp, thread: u64) -> Result<bool, Refused> {
        if let Locked::Abandoned { .. } = self.lock.lock(me, thread, Deadline::Never)? {
            self.lock.repair(me);
        }
        let begins = !self.is_done();
        if !begins {
            self.lock.unlock(me);
        }
        Ok(begins)
    }

    /// The caller, who has begun, has done it.
    pub(crate) fn finish(&self, me: Stamp) {
        self.done.store(DONE, Ordering::Release);
        self.lock.unlock(me);
    }

    /// The caller, who has begun, leaves it to others.
    pub(crate) fn give_up(&self, me: Stamp) {
        self.lock.unlock(me);
    }

    pub(crate) fn is_placed(&self) -> bool {
        self.lock.is_placed()
    }

    /// Who is at it.
    pub(crate) fn owner(&self) -> Option<Stamp> {
        self.lock.owner()
    }
}
