//! The reentrant lock: the lock's proofs, with its owner inside twice.

use std::sync::Arc;

use super::guarded::{Guarded, Lock};
use crate::deadline::Deadline;
use crate::primitive::{Process, Proof};
use crate::raw::Refused;
use crate::raw::mutex::Locked;
use crate::raw::reentrant::ReentrantMutex;

/// Locks twice and unlocks twice, each time.
struct Twice(ReentrantMutex);

impl Lock for Twice {
    fn new() -> Twice {
        let lock = ReentrantMutex::new();
        lock.place();
        Twice(lock)
    }

    fn lock(&self, me: Process, deadline: Deadline) -> Result<Locked, Refused> {
        let locked = self.0.lock(me.stamp, me.thread, deadline)?;
        let again = self.0.lock(me.stamp, me.thread, Deadline::Never);
        match locked {
            Locked::Consistent => assert_eq!(again, Ok(Locked::Consistent)),
            Locked::Abandoned { .. } => assert_eq!(again, Err(Refused::Deadlock)),
        }
        Ok(locked)
    }

    fn repair(&self, me: Process) {
        self.0.repair(me.stamp);
        let again = self.0.lock(me.stamp, me.thread, Deadline::Never);
        assert_eq!(again, Ok(Locked::Consistent));
    }

    fn unlock(&self, me: Process) {
        assert_eq!(self.0.depth(), 2);
        self.0.unlock(me.stamp);
        assert_eq!(self.0.depth(), 1);
        self.0.unlock(me.stamp);
    }

    fn is_held_by(&self, me: Process) -> bool {
        self.0.owner() == Some(me.stamp)
    }
}

#[test]
fn two_exclude_each_other() {
    Proof::of("reentrant: two exclude each other").preemptions(3).explore(|processes| {
        let value = Arc::new(Guarded::<Twice>::new());
        processes.spawn(&value, Guarded::add);
        processes.spawn(&value, Guarded::add);
        processes.run();
        processes.afterwards(&value, |value, me| value.expect(me, 2));
    });
}

#[test]
fn two_threads_of_a_process_exclude_each_other() {
    Proof::of("reentrant: two threads").preemptions(3).explore(|processes| {
        let value = Arc::new(Guarded::<Twice>::new());
        let process = processes.spawn(&value, Guarded::add);
        processes.spawn_thread(process, &value, Guarded::add);
        processes.run();
        processes.afterwards(&value, |value, me| value.expect(me, 2));
    });
}

#[test]
fn a_death_leaves_one_heir() {
    Proof::of("reentrant: one survivor").preemptions(3).for_each_death(|processes| {
        let value = Arc::new(Guarded::<Twice>::new());
        processes.victim(&value, Guarded::add, Guarded::left_by);
        processes.spawn(&value, Guarded::add);
        processes.run();
        processes.afterwards(&value, |value, me| {
            value.add(me);
            value.check_after_death();
        });
    });
}

#[test]
fn a_death_leaves_one_heir_of_two() {
    Proof::of("reentrant: two rescuers").preemptions(1).for_each_death(|processes| {
        let value = Arc::new(Guarded::<Twice>::new());
        processes.victim(&value, Guarded::add, Guarded::left_by);
        processes.spawn(&value, Guarded::add);
        processes.spawn(&value, Guarded::add);
        processes.run();
        processes.afterwards(&value, |value, me| {
            value.add(me);
            value.check_after_death();
        });
    });
}

/// Who is told and lets go again has not repaired anything.
#[test]
fn the_heir_of_an_heir_is_told() {
    Proof::of("reentrant: told, and not repaired").preemptions(3).for_each_death(|processes| {
        let value = Arc::new(Guarded::<Twice>::new());
        processes.victim(&value, Guarded::add, Guarded::left_by);
        processes.spawn(&value, |value, me| {
            let lock = &value.lock.0;
            lock.lock(me.stamp, me.thread, Deadline::Never).expect("waits as long as it takes");
            lock.unlock(me.stamp);
        });
        processes.run();
        processes.afterwards(&value, |value, me| {
            value.add(me);
            value.check_after_death();
        });
    });
}
