//! A value of two halves behind a lock, real or planted, for the proofs of both.
//!
//! The halves are equal whenever nobody is inside. A section adds one to the
//! first and then to the second, so one that was cut short shows, and one that
//! began with stale values or overlapped another loses an addition.

use std::sync::atomic::AtomicU64 as Count;

use crate::deadline::Deadline;
use crate::primitive::{AtomicU64, Ordering::Relaxed, Process};
use crate::raw::Refused;
use crate::raw::mutex::Locked;

pub(super) trait Lock {
    fn new() -> Self;
    fn lock(&self, me: Process, deadline: Deadline) -> Result<Locked, Refused>;
    /// What was left by the dead is consistent again.
    fn repair(&self, me: Process);
    fn unlock(&self, me: Process);
    fn is_held_by(&self, me: Process) -> bool;
}

pub(super) struct Guarded<L> {
    pub(super) lock: L,
    first: AtomicU64,
    second: AtomicU64,
    /// Sections that were completed.
    completed: Count,
    /// How often somebody was told that the value is abandoned, and repaired it.
    told: Count,
    /// How often somebody died holding the lock.
    left: Count,
}

impl<L: Lock> Guarded<L> {
    pub(super) fn new() -> Guarded<L> {
        Guarded {
            lock: L::new(),
            first: AtomicU64::new(0),
            second: AtomicU64::new(0),
            completed: Count::new(0),
            told: Count::new(0),
            left: Count::new(0),
        }
    }

    /// One whole section.
    pub(super) fn add(&self, me: Process) {
        let locked = self.lock.lock(me, Deadline::Never).expect("waits as long as it takes");
        self.section(me, locked);
    }

    /// One whole section, or none if the lock is not to be had now.
    pub(super) fn try_add(&self, me: Process) -> Result<(), Refused> {
        let locked = self.lock.lock(me, Deadline::Now)?;
        self.section(me, locked);
        Ok(())
    }

    /// The first half of a section; the lock stays held.
    pub(super) fn add_half(&self, me: Process) {
        let locked = self.lock.lock(me, Deadline::Never).expect("waits as long as it takes");
        self.look(me, locked);
        self.first.store(self.first.load(Relaxed) + 1, Relaxed);
    }

    /// What follows when the lock is held.
    pub(super) fn section(&self, me: Process, locked: Locked) {
        let value = self.look(me, locked);
        self.first.store(value + 1, Relaxed);
        self.second.store(value + 1, Relaxed);
        self.lock.unlock(me);
        self.completed.fetch_add(1, Relaxed);
    }

    /// Reads the value, and completes the section of a dead predecessor.
    pub(super) fn look(&self, me: Process, locked: Locked) -> u64 {
        let (first, second) = (self.first.load(Relaxed), self.second.load(Relaxed));
        match locked {
            Locked::Consistent => assert_eq!(first, second, "half a section shows"),
            Locked::Abandoned { .. } => {
                assert!(first == second || first == second + 1, "{first} and {second}");
                self.second.store(first, Relaxed);
                self.lock.repair(me);
                self.told.fetch_add(1, Relaxed);
            }
        }
        first
    }

    pub(super) fn expect(&self, me: Process, sections: u64) {
        let locked = self.lock.lock(me, Deadline::Never);
        assert_eq!(locked, Ok(Locked::Consistent));
        assert_eq!(self.look(me, Locked::Consistent), sections, "a section is lost");
        self.lock.unlock(me);
    }

    pub(super) fn told(&self) -> u64 {
        self.told.load(Relaxed)
    }

    /// What a process leaves behind where it dies.
    pub(super) fn left_by(&self, dead: Process) {
        self.left.fetch_add(self.lock.is_held_by(dead).into(), Relaxed);
    }

    /// Somebody is told exactly if the dead process held the lock, and what
    /// was completed is there; what was cut short may be.
    pub(super) fn check_after_death(&self) {
        assert_eq!(self.told(), self.left.load(Relaxed), "told without a reason, or not at all");
        let (value, completed) = (self.first.load(Relaxed), self.completed.load(Relaxed));
        assert_eq!(value, self.second.load(Relaxed));
        assert!(value == completed || value == completed + 1, "{value}, completed {completed}");
    }
}
