//! Nobody dies: who is inside together, who is woken, who is refused.

use std::sync::Arc;
use std::time::Duration;

use super::Value;
use crate::deadline::Deadline;
use crate::primitive::{Processes, Proof, pass_time};
use crate::raw::Refused;
use crate::raw::mutex::Locked;
use crate::raw::proof::guarded::Lock;
use crate::raw::rwlock::Reading;

/// With stale loads, and with more preemptions without them: three processes with
/// both would take too long.
fn explore_three(name: &'static str, body: impl Fn(&Processes) + Copy + Send + Sync + 'static) {
    Proof::of(name).preemptions(1).explore(body);
    Proof::of(name).preemptions(2).with_fresh_loads_only().takes_long().explore(body);
}

#[test]
fn a_reader_and_a_writer() {
    Proof::of("rwlock: a reader and a writer").preemptions(3).explore(|processes| {
        let value = Arc::new(Value::<1>::new());
        processes.spawn(&value, Value::read);
        processes.spawn(&value, Value::add);
        processes.run();
        processes.afterwards(&value, |value, me| value.expect(me, 1));
    });
}

#[test]
fn two_readers_and_a_writer() {
    explore_three("rwlock: two readers and a writer", |processes| {
        let value = Arc::new(Value::<2>::new());
        processes.spawn(&value, Value::read);
        processes.spawn(&value, Value::read);
        processes.spawn(&value, Value::add);
        processes.run();
        processes.afterwards(&value, |value, me| value.expect(me, 1));
    });
}

/// Who finds `used` grown by another sees the writer that did not.
#[test]
fn two_readers_by_fresh_shares_and_a_writer() {
    Proof::of("rwlock: two fresh shares and a writer").preemptions(1).explore(|processes| {
        let value = Arc::new(Value::<2>::new());
        processes.spawn(&value, Value::read_second);
        processes.spawn(&value, Value::read);
        processes.spawn(&value, Value::add);
        processes.run();
        processes.afterwards(&value, |value, me| value.expect(me, 1));
    });
}

#[test]
fn a_reader_and_two_writers() {
    explore_three("rwlock: a reader and two writers", |processes| {
        let value = Arc::new(Value::<1>::new());
        processes.spawn(&value, Value::read);
        processes.spawn(&value, Value::add);
        processes.spawn(&value, Value::add);
        processes.run();
        processes.afterwards(&value, |value, me| value.expect(me, 2));
    });
}

/// One that was inside before the writer came, and comes back.
#[test]
fn a_reader_that_comes_back() {
    Proof::of("rwlock: a reader, twice, and a writer").preemptions(3).explore(|processes| {
        let value = Arc::new(Value::<1>::new());
        processes.spawn(&value, |value, me| {
            value.read(me);
            value.read(me);
        });
        processes.spawn(&value, Value::add);
        processes.run();
        processes.afterwards(&value, |value, me| value.expect(me, 1));
    });
}

/// Past the limit a reader waits for a share.
#[test]
fn one_share_for_two_readers() {
    Proof::of("rwlock: one share for two readers").preemptions(3).explore(|processes| {
        let value = Arc::new(Value::<1>::new());
        processes.spawn(&value, Value::read);
        processes.spawn(&value, Value::read);
        processes.run();
        processes.afterwards(&value, |value, me| value.expect(me, 0));
    });
}

#[test]
fn one_share_for_two_readers_and_a_writer() {
    explore_three("rwlock: one share, two readers, a writer", |processes| {
        let value = Arc::new(Value::<1>::new());
        processes.spawn(&value, Value::read);
        processes.spawn(&value, Value::read);
        processes.spawn(&value, Value::add);
        processes.run();
        processes.afterwards(&value, |value, me| value.expect(me, 1));
    });
}

/// A thread that reads may read again, even while a writer waits for it.
#[test]
fn a_reader_within_a_reader() {
    Proof::of("rwlock: reading twice at once").preemptions(3).explore(|processes| {
        let value = Arc::new(Value::<1>::new());
        processes.spawn(&value, |value, me| {
            let outer = value.lock.read(me.stamp, me.thread, 0, Deadline::Never);
            assert_eq!(outer, Ok(Reading::Share(0)));
            value.read(me);
            assert_eq!(Lock::lock(&value.lock, me, Deadline::Never), Err(Refused::Deadlock));
            value.lock.unlock_read(me.stamp, 0);
        });
        processes.spawn(&value, Value::add);
        processes.run();
        processes.afterwards(&value, |value, me| value.expect(me, 1));
    });
}

#[test]
fn a_writer_that_reads_is_deadlocked() {
    Proof::of("rwlock: deadlock").preemptions(1).explore(|processes| {
        let value = Arc::new(Value::<1>::new());
        processes.spawn(&value, |value, me| {
            assert_eq!(Lock::lock(&value.lock, me, Deadline::Never), Ok(Locked::Consistent));
            assert_eq!(value.read_until(me, Deadline::Never), Err(Refused::Deadlock));
            assert_eq!(Lock::lock(&value.lock, me, Deadline::Never), Err(Refused::Deadlock));
            Lock::unlock(&value.lock, me);
        });
        processes.spawn(&value, Value::read);
        processes.run();
    });
}

#[test]
fn a_writer_that_becomes_a_reader() {
    explore_three("rwlock: downgrade", |processes| {
        let value = Arc::new(Value::<2>::new());
        let writer = processes.spawn(&value, |value, me| {
            let share = value.downgrade(me);
            value.leave(me, share);
        });
        value.first_writes(writer);
        processes.spawn(&value, Value::add);
        processes.spawn(&value, Value::read);
        processes.run();
        processes.afterwards(&value, |value, me| value.expect(me, 1));
    });
}

/// A writer whose time is up lets the readers go that it held back.
#[test]
fn a_writer_gives_up() {
    explore_three("rwlock: a writer gives up", |processes| {
        let value = Arc::new(Value::<2>::new());
        processes.spawn(&value, |value, me| {
            let reading = value.lock.read(me.stamp, me.thread, 0, Deadline::Never);
            let Ok(Reading::Share(index)) = reading else { panic!("{reading:?}") };
            pass_time(Duration::from_secs(1));
            value.lock.unlock_read(me.stamp, index);
        });
        processes.spawn(&value, |value, me| {
            match Lock::lock(&value.lock, me, Deadline::after(Duration::from_secs(1))) {
                Ok(_) => value.lock.unlock_write(me.stamp),
                Err(refused) => assert_eq!(refused, Refused::TimedOut),
            }
        });
        processes.spawn(&value, Value::read);
        processes.run();
        processes.afterwards(&value, |value, me| value.expect(me, 0));
    });
}

#[test]
fn a_reader_gives_up() {
    explore_three("rwlock: a reader gives up", |processes| {
        let value = Arc::new(Value::<1>::new());
        processes.spawn(&value, |value, me| {
            value.read(me);
            pass_time(Duration::from_secs(1));
            value.read(me);
        });
        processes.spawn(&value, |value, me| {
            let _ = value.read_until(me, Deadline::after(Duration::from_secs(1)));
        });
        processes.spawn(&value, Value::read);
        processes.run();
        processes.afterwards(&value, |value, me| value.expect(me, 0));
    });
}

/// Who is woken for a share, finds a writer and has no time left owes its wake to
/// another that sleeps for a share: the writer will not wake that one.
#[test]
fn who_gives_up_passes_the_wake_on() {
    let proof = Proof::of("rwlock: a reader gives up because of a writer");
    proof.preemptions(1).with_fresh_loads_only().explore(|processes| {
        let value = Arc::new(Value::<1>::new());
        let reader = processes.spawn(&value, |value, me| {
            value.lock.unlock_read(me.stamp, 0);
            pass_time(Duration::from_secs(1));
        });
        value.first_reads(reader);
        processes.spawn(&value, |value, me| {
            let _ = value.read_until(me, Deadline::after(Duration::from_secs(1)));
        });
        processes.spawn(&value, Value::read);
        processes.spawn(&value, Value::add);
        processes.run();
        processes.afterwards(&value, |value, me| value.expect(me, 1));
    });
}

/// Threads of one process tell "I read" from "another thread does".
#[test]
fn a_process_of_two_threads() {
    explore_three("rwlock: a process of two threads", |processes| {
        let value = Arc::new(Value::<2>::new());
        let process = processes.spawn(&value, Value::read);
        processes.spawn_thread(process, &value, Value::add);
        processes.run();
        processes.afterwards(&value, |value, me| value.expect(me, 1));
    });
}
