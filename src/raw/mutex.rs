//! A lock: one word that is free or names its owner.
//!
//! # States
//!
//! | upper half | flags | meaning |
//! |---|---|---|
//! | zero | none | free |
//! | zero | `ABANDONED`, pid | free, left inconsistent by process pid |
//! | zero | `UNPLACED` | not in shared memory: refuses everything |
//! | stamp | none | held, nobody sleeps |
//! | stamp | `WAITERS` | held, somebody may sleep: whoever frees it wakes one |
//! | stamp | `ABANDONED` | held by somebody who was told that it is inconsistent |
//!
//! # Transitions
//!
//! Lock: free -> own stamp. Unlock: own stamp -> free. A waiter adds `WAITERS`
//! and sleeps; woken, it takes the lock with `WAITERS` set, since others may
//! sleep on (Drepper, "Futexes Are Tricky", 2011, the second mutex). A waiter
//! whose slice ended asks whether the owner lives and, if not, swaps the dead
//! stamp for its own with `ABANDONED`. A woken sleeper that gives up wakes
//! another in its place; one that is killed before it looks takes its wake with
//! it, and the others' slices make up for it.
//!
//! # Ordering
//!
//! The acquire of each successful lock pairs with the release of the unlock
//! before it. Everything else about the word is told by the word itself and is
//! relaxed. `thread` tells "I hold it" from "another thread of this process
//! does". It may be read late, or before a new owner has written it, and so
//! name anybody who ever held the lock; therefore it names the process too. A
//! thread always sees its own last store, and nobody else stores its name. So unlock
//! wipes it before it frees the word: otherwise a thread that comes back would find
//! its own name beside the stamp of its process, put there by a sibling that has the
//! lock and has not written its name yet, and would take that for a deadlock. For
//! who has the lock, its own name is the newest, since each owner before it wiped
//! theirs first or is dead; so the name says as well as the word who frees it.
//!
//! Unlock acquires too. Who waits for the lock to be free without taking it, as
//! the readers of [`RwLock`](super::RwLock) do, looks last with a
//! read-modify-write, and an unlock after that look sees who was announced
//! before it; see [`EventCount`](super::EventCount).

use super::Refused;
use super::owner::{is_orphaned, take_from_dead};
use super::spin::Spin;
use crate::deadline::{Deadline, Slices};
use crate::primitive::{AtomicU64, FLAGS, Ordering, Stamp, futex_wait, futex_wake, pid_of};

pub(super) const FREE: u64 = 0;
const WAITERS: u64 = 1;
const ABANDONED: u64 = 1 << 1;
const UNPLACED: u64 = 1 << 2;

pub(super) const NO_THREAD: u64 = 0;

/// In what state the lock was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Locked {
    Consistent,
    /// Process `pid` died or panicked while it held the lock, and nobody has
    /// repaired what it protects.
    Abandoned {
        pid: u32,
    },
}

#[derive(Debug)]
#[repr(C)]
pub(crate) struct Mutex {
    word: AtomicU64,
    /// The name of the holding thread, see [`thread_name`].
    thread: AtomicU64,
}

impl Mutex {
    pub(crate) fn new() -> Mutex {
        Mutex { word: AtomicU64::new(UNPLACED), thread: AtomicU64::new(NO_THREAD) }
    }

    /// Makes a lock that nobody can see yet ready for use.
    pub(crate) fn place(&self) {
        self.word.store(FREE, Ordering::Relaxed);
    }

    /// Takes the lock for `thread` of process `me`; `thread` is not zero and has
    /// 32 bits.
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

    /// Takes the lock for `thread` of process `me`, if it is free and consistent.
    #[inline]
    pub(crate) fn take(&self, me: Stamp, thread: u64) -> bool {
        let taken =
            self.word.compare_exchange(FREE, me.word(), Ordering::Acquire, Ordering::Relaxed);
        if taken.is_ok() {
            self.thread.store(thread_name(me, thread), Ordering::Relaxed);
        }
        taken.is_ok()
    }

    /// [`lock`](Mutex::lock), for who has no hope to [`take`](Mutex::take) it.
    #[cold]
    pub(crate) fn contend(
        &self,
        me: Stamp,
        thread: u64,
        deadline: Deadline,
    ) -> Result<Locked, Refused> {
        let locked = self.wait(me, thread, deadline)?;
        self.thread.store(thread_name(me, thread), Ordering::Relaxed);
        Ok(locked)
    }

    /// Takes the lock where what it protects needs no repair, whoever died.
    pub(crate) fn take_turn(
        &self,
        me: Stamp,
        thread: u64,
        deadline: Deadline,
    ) -> Result<(), Refused> {
        if self.lock(me, thread, deadline)? != Locked::Consistent {
            self.repair(me);
        }
        Ok(())
    }

    /// Waits until `word` can be made this process's, and makes it so.
    fn wait(&self, me: Stamp, thread: u64, deadline: Deadline) -> Result<Locked, Refused> {
        let mut slices = Slices::new();
        let mut spin = Spin::until(deadline);
        let mut others_may_sleep = 0;
        loop {
            let seen = self.word.load(Ordering::Relaxed);
            let Some(owner) = Stamp::of(seen) else {
                if seen & UNPLACED != 0 {
                    return Err(Refused::Unplaced);
                }
                let mine = me.word() | seen & (ABANDONED | WAITERS) | others_may_sleep;
                let taken =
                    self.word.compare_exchange(seen, mine, Ordering::Acquire, Ordering::Relaxed);
                match taken {
                    Ok(_) if is_abandoned(seen) => {
                        return Ok(Locked::Abandoned { pid: pid_of(seen) });
                    }
                    Ok(_) => return Ok(Locked::Consistent),
                    Err(_) => continue,
                }
            };
            if !has_waiters(seen) && spin.again() {
                continue;
            }
            if deadline.has_passed() {
                if let Some(locked) = self.rescue(seen, others_may_sleep, me) {
                    return Ok(locked);
                }
                if others_may_sleep != 0 {
                    // It may have been woken in place of another, who sleeps on
                    // while a new owner knows of no waiters.
                    self.wake_one();
                }
                return Err(Refused::TimedOut);
            }
            if owner == me && self.is_by_thread(me, thread) {
                return Err(Refused::Deadlock);
            }
            let marked = seen | WAITERS;
            let told = has_waiters(seen)
                || self
                    .word
                    .compare_exchange(seen, marked, Ordering::Relaxed, Ordering::Relaxed)
                    .is_ok();
            if !told {
                continue;
            }
            others_may_sleep = WAITERS;
            let passed = futex_wait(&self.word, marked as u32, slices.next(deadline));
            // Whoever has it now: it may have changed hands without a wake.
            if slices.is_over(passed) {
                let seen = self.word.load(Ordering::Relaxed);
                if let Some(locked) = self.rescue(seen, WAITERS, me) {
                    return Ok(locked);
                }
            }
        }
    }

    /// Takes the lock if the owner that `seen` names is dead.
    fn rescue(&self, seen: u64, others_may_sleep: u64, me: Stamp) -> Option<Locked> {
        let mine = me.word() | ABANDONED | seen & WAITERS | others_may_sleep;
        (is_orphaned(seen) && take_from_dead(&self.word, seen, mine))
            .then_some(Locked::Abandoned { pid: pid_of(seen) })
    }

    /// Frees the lock, if `me` holds it: a copy of a guard in a forked child
    /// does nothing.
    #[inline]
    pub(crate) fn unlock(&self, me: Stamp) {
        if !self.is_still_held_by(me) {
            return;
        }
        self.thread.store(NO_THREAD, Ordering::Relaxed);
        self.free(FREE);
    }

    /// Frees the lock, if `me` holds it, and lets the next owner know that
    /// process `pid` left it inconsistent.
    #[cold]
    pub(crate) fn abandon(&self, me: Stamp, pid: u32) {
        if !self.is_held_by(me) {
            return;
        }
        self.thread.store(NO_THREAD, Ordering::Relaxed);
        self.free(Stamp::lower_half(pid) | ABANDONED);
    }

    /// Says that what the lock protects is consistent again; `me` holds it.
    pub(crate) fn repair(&self, me: Stamp) {
        if self.is_held_by(me) {
            // Relaxed: the next owner learns of the repaired value by the unlock,
            // and of a holder that dies before it that the value is not whole.
            self.word.fetch_and(!ABANDONED, Ordering::Relaxed);
        }
    }

    #[inline]
    pub(super) fn is_held_by(&self, me: Stamp) -> bool {
        self.word.load(Ordering::Relaxed) & !FLAGS == me.word()
    }

    /// [`is_held_by`](Mutex::is_held_by), for who took the lock and is about to free it,
    /// by the name beside the word; of who does not hold it, by the word. Looking at the
    /// word first, between the read-modify-write that locked and the one that unlocks,
    /// made both an eighth slower on an Intel Xeon.
    ///
    /// The name tells processes by their pids alone, so it is for guards to know that
    /// they are copies.
    #[inline]
    pub(super) fn is_still_held_by(&self, me: Stamp) -> bool {
        let named = self.thread.load(Ordering::Relaxed);
        (named ^ process_name(me)) >> 32 == 0 || self.is_held_by(me)
    }

    /// Whether this very thread of process `me` holds the lock.
    #[inline]
    pub(super) fn is_held_by_thread(&self, me: Stamp, thread: u64) -> bool {
        self.is_held_by(me) && self.is_by_thread(me, thread)
    }

    #[inline]
    fn is_by_thread(&self, me: Stamp, thread: u64) -> bool {
        self.thread.load(Ordering::Relaxed) == thread_name(me, thread)
    }

    /// The word, for who does not take the lock: with [`FREE`] comes what its
    /// last owner wrote.
    #[inline]
    pub(super) fn word(&self) -> u64 {
        self.word.load(Ordering::Acquire)
    }

    /// The word as it is now, ordered against every change of it.
    pub(super) fn newest_word(&self) -> u64 {
        self.word.fetch_or(0, Ordering::AcqRel)
    }

    #[inline]
    fn free(&self, free: u64) {
        if has_waiters(self.word.swap(free, Ordering::AcqRel)) {
            self.wake_one();
        }
    }

    #[cold]
    fn wake_one(&self) {
        futex_wake(&self.word, 1);
    }

    /// The owner, if anybody holds the lock.
    pub(crate) fn owner(&self) -> Option<Stamp> {
        Stamp::of(self.word.load(Ordering::Relaxed))
    }

    /// Whether the lock was made ready for use.
    #[inline]
    pub(crate) fn is_placed(&self) -> bool {
        self.word.load(Ordering::Relaxed) != UNPLACED
    }

    /// Whether an owner died or panicked, and nobody has the lock after it.
    ///
    /// A read-modify-write: who asks may share no order with the owner, and a
    /// load might never show what it did.
    pub(crate) fn is_left_behind(&self) -> bool {
        let seen = self.word.fetch_or(0, Ordering::Relaxed);
        is_orphaned(seen) || Stamp::of(seen).is_none() && is_abandoned(seen)
    }

    /// Whether the lock, held or free, waits to be repaired.
    pub(crate) fn is_inconsistent(&self) -> bool {
        is_abandoned(self.word.load(Ordering::Relaxed))
    }

    /// The process that left the lock inconsistent, while it is free: whoever is told
    /// writes itself there instead.
    pub(crate) fn left_by(&self) -> Option<u32> {
        let seen = self.word.load(Ordering::Relaxed);
        (Stamp::of(seen).is_none() && is_abandoned(seen)).then(|| pid_of(seen))
    }
}

/// A thread among all threads of all processes: with the pid in the upper half
/// no number of a thread makes it another process's.
#[inline]
pub(super) fn thread_name(process: Stamp, thread: u64) -> u64 {
    debug_assert!(thread != 0 && thread <= u64::from(u32::MAX), "thread {thread}");
    process_name(process) ^ thread
}

/// As the name of a thread of this process: the upper half is the same, its pid.
#[inline]
fn process_name(process: Stamp) -> u64 {
    process.word().rotate_left(32)
}

#[inline]
fn has_waiters(word: u64) -> bool {
    word & WAITERS != 0
}

fn is_abandoned(word: u64) -> bool {
    word & ABANDONED != 0
}
