//! The lock: one at a time, no lost wake, and exactly one heir of a dead owner.

use std::sync::Arc;
use std::time::Duration;

use super::guarded::{Guarded, Lock};
use crate::deadline::Deadline;
use crate::primitive::{Process, Proof, pass_time};
use crate::raw::mutex::Locked;
use crate::raw::{Mutex, Refused};

impl Lock for Mutex {
    fn new() -> Mutex {
        let lock = Mutex::new();
        lock.place();
        lock
    }

    fn lock(&self, me: Process, deadline: Deadline) -> Result<Locked, Refused> {
        Mutex::lock(self, me.stamp, me.thread, deadline)
    }

    fn repair(&self, me: Process) {
        Mutex::repair(self, me.stamp);
    }

    fn unlock(&self, me: Process) {
        Mutex::unlock(self, me.stamp);
    }

    fn is_held_by(&self, me: Process) -> bool {
        self.owner() == Some(me.stamp)
    }
}

#[test]
fn two_exclude_each_other() {
    Proof::of("mutex: two exclude each other").explore(|processes| {
        let value = Arc::new(Guarded::<Mutex>::new());
        processes.spawn(&value, Guarded::add);
        processes.spawn(&value, Guarded::add);
        processes.run();
        processes.afterwards(&value, |value, me| value.expect(me, 2));
    });
}

#[test]
fn three_exclude_each_other() {
    Proof::of("mutex: three exclude each other").preemptions(2).explore(|processes| {
        let value = Arc::new(Guarded::<Mutex>::new());
        for _ in 0..3 {
            processes.spawn(&value, Guarded::add);
        }
        processes.run();
        processes.afterwards(&value, |value, me| value.expect(me, 3));
    });
}

#[test]
fn two_that_come_back_exclude_each_other() {
    Proof::of("mutex: two, twice each").preemptions(3).explore(|processes| {
        let value = Arc::new(Guarded::<Mutex>::new());
        for _ in 0..2 {
            processes.spawn(&value, |value, me| {
                value.add(me);
                value.add(me);
            });
        }
        processes.run();
        processes.afterwards(&value, |value, me| value.expect(me, 4));
    });
}

/// Whoever has not locked frees nothing, whatever is there.
#[test]
fn a_stranger_frees_nothing() {
    Proof::of("mutex: freed by a stranger").preemptions(3).explore(|processes| {
        let value = Arc::new(Guarded::<Mutex>::new());
        processes.spawn(&value, Guarded::add);
        processes.spawn(&value, |value, me| {
            value.lock.unlock(me.stamp);
            value.add(me);
        });
        processes.run();
        processes.afterwards(&value, |value, me| value.expect(me, 2));
    });
}

#[test]
fn a_death_leaves_one_heir() {
    Proof::of("mutex: one survivor").for_each_death(|processes| {
        let value = Arc::new(Guarded::<Mutex>::new());
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
    Proof::of("mutex: two rescuers").preemptions(2).takes_long().for_each_death(|processes| {
        let value = Arc::new(Guarded::<Mutex>::new());
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

#[test]
fn who_may_not_wait_inherits_too() {
    Proof::of("mutex: try after a death").for_each_death(|processes| {
        let value = Arc::new(Guarded::<Mutex>::new());
        processes.victim(&value, Guarded::add, Guarded::left_by);
        processes.spawn(&value, Guarded::try_add);
        processes.run();
        processes.afterwards(&value, |value, me| {
            assert_eq!(value.try_add(me), Ok(()));
            value.check_after_death();
        });
    });
}

/// Who is woken, finds the lock taken again and has no time left, owes its
/// wake to somebody.
#[test]
fn who_gives_up_passes_the_wake_on() {
    Proof::of("mutex: a waiter gives up").preemptions(2).explore(|processes| {
        let value = Arc::new(Guarded::<Mutex>::new());
        processes.spawn(&value, |value, me| {
            value.add(me);
            pass_time(Duration::from_secs(1));
            value.add(me);
        });
        processes.spawn(&value, |value, me| {
            let deadline = Deadline::after(Duration::from_secs(1));
            match Lock::lock(&value.lock, me, deadline) {
                Ok(_) => value.lock.unlock(me.stamp),
                Err(refused) => assert_eq!(refused, Refused::TimedOut),
            }
        });
        processes.spawn(&value, Guarded::add);
        processes.run();
        processes.afterwards(&value, |value, me| value.expect(me, 3));
    });
}

#[test]
fn abandoned_until_repaired() {
    Proof::of("mutex: abandon, then repair").preemptions(3).explore(|processes| {
        let value = Arc::new(Guarded::<Mutex>::new());
        processes.spawn(&value, |value, me| {
            value.add_half(me);
            value.lock.abandon(me.stamp, 77);
        });
        processes.spawn(&value, |value, me| {
            // Told, and leaves it as it is: the next one is told again.
            if let Ok(Locked::Abandoned { pid }) = Lock::lock(&value.lock, me, Deadline::Never) {
                assert_eq!(pid, 77);
                value.lock.abandon(me.stamp, pid);
            } else {
                value.lock.unlock(me.stamp);
            }
        });
        processes.spawn(&value, |value, me| value.add(me));
        processes.run();
        processes.afterwards(&value, |value, me| {
            value.add(me);
            assert_eq!(value.told(), 1);
            assert!(!value.lock.is_inconsistent());
        });
    });
}

/// Threads of one process tell "I hold it" from "another thread does".
#[test]
fn a_thread_that_waits_for_its_own_process_is_not_deadlocked() {
    Proof::of("mutex: a process of two threads").preemptions(2).takes_long().for_each_death(
        |processes| {
            let value = Arc::new(Guarded::<Mutex>::new());
            processes.victim(&value, Guarded::add, Guarded::left_by);
            let process = processes.spawn(&value, Guarded::add);
            processes.spawn_thread(process, &value, Guarded::add);
            processes.run();
            processes.afterwards(&value, |value, me| {
                value.add(me);
                value.check_after_death();
            });
        },
    );
}

/// Its old name does not lie beside its sibling's stamp.
#[test]
fn a_thread_that_comes_back_is_not_deadlocked() {
    Proof::of("mutex: a process of two threads, one comes back").preemptions(3).explore(
        |processes| {
            let value = Arc::new(Guarded::<Mutex>::new());
            let process = processes.spawn(&value, |value, me| {
                value.add(me);
                value.add(me);
            });
            processes.spawn_thread(process, &value, Guarded::add);
            processes.run();
            processes.afterwards(&value, |value, me| value.expect(me, 3));
        },
    );
}

#[test]
fn a_thread_that_waits_for_itself_is_deadlocked() {
    Proof::of("mutex: deadlock").explore(|processes| {
        let value = Arc::new(Guarded::<Mutex>::new());
        processes.spawn(&value, |value, me| {
            assert_eq!(Lock::lock(&value.lock, me, Deadline::Never), Ok(Locked::Consistent));
            assert_eq!(Lock::lock(&value.lock, me, Deadline::Never), Err(Refused::Deadlock));
            Lock::unlock(&value.lock, me);
        });
        processes.spawn(&value, Guarded::add);
        processes.run();
    });
}
