//! Somebody dies, at each of its steps: reading, writing, waiting, on the way out.

use std::sync::Arc;

use super::Value;
use crate::deadline::Deadline;
use crate::primitive::{Process, Processes, Proof};
use crate::raw::mutex::Locked;

#[test]
fn a_writer_dies_and_a_reader_inherits() {
    Proof::of("rwlock: a writer dies, a reader").preemptions(3).for_each_death(|processes| {
        let value = Arc::new(Value::<1>::new());
        processes.victim(&value, Value::add, Value::left_by);
        processes.spawn(&value, Value::read);
        processes.run();
        processes.afterwards(&value, Value::end);
    });
}

#[test]
fn a_reader_dies_and_a_writer_goes_on() {
    Proof::of("rwlock: a reader dies, a writer").preemptions(3).for_each_death(|processes| {
        let value = Arc::new(Value::<1>::new());
        processes.victim(&value, Value::read, Value::left_by);
        processes.spawn(&value, Value::add);
        processes.run();
        processes.afterwards(&value, Value::end);
    });
}

#[test]
fn a_writer_dies_and_a_writer_inherits() {
    Proof::of("rwlock: a writer dies, a writer").preemptions(3).for_each_death(|processes| {
        let value = Arc::new(Value::<1>::new());
        processes.victim(&value, Value::add, Value::left_by);
        processes.spawn(&value, Value::add);
        processes.run();
        processes.afterwards(&value, Value::end);
    });
}

/// With stale loads, and with more preemptions without them: three processes with
/// both would take too long.
fn each_death_of_three(
    name: &'static str,
    body: impl Fn(&Processes) + Copy + Send + Sync + 'static,
) {
    Proof::of(name).preemptions(1).takes_long().for_each_death(body);
    Proof::of(name).preemptions(2).with_fresh_loads_only().takes_long().for_each_death(body);
}

/// A writer, which dies inside or on its way out, and two who wait for it.
fn writer_dies(processes: &Processes, heirs: [fn(&Value<2>, Process); 2]) {
    let value = Arc::new(Value::<2>::new());
    let section = |value: &Value<2>, me| value.section(me, Locked::Consistent);
    let writer = processes.victim(&value, section, Value::left_by);
    value.first_writes(writer);
    for heir in heirs {
        processes.spawn(&value, heir);
    }
    processes.run();
    processes.afterwards(&value, Value::end);
}

#[test]
fn a_writer_dies_with_two_heirs() {
    each_death_of_three("rwlock: a writer dies, two heirs", |processes| {
        writer_dies(processes, [Value::read, Value::add]);
    });
}

/// What a reader inherits from one writer is shown with stale loads above.
#[test]
fn a_writer_dies_with_two_readers() {
    let proof = Proof::of("rwlock: a writer dies, two readers");
    proof.preemptions(2).with_fresh_loads_only().takes_long().for_each_death(|processes| {
        writer_dies(processes, [Value::read, Value::read]);
    });
}

#[test]
fn a_reader_dies_before_two_who_want_its_share() {
    each_death_of_three("rwlock: a reader dies, one share", |processes| {
        let value = Arc::new(Value::<1>::new());
        let leave = |value: &Value<1>, me| value.leave(me, 0);
        let reader = processes.victim(&value, leave, Value::left_by);
        value.first_reads(reader);
        processes.spawn(&value, Value::read);
        processes.spawn(&value, Value::add);
        processes.run();
        processes.afterwards(&value, Value::end);
    });
}

/// The writer that waits for a reader dies: nothing was written, nobody is told.
#[test]
fn a_waiting_writer_dies() {
    each_death_of_three("rwlock: a waiting writer dies", |processes| {
        let value = Arc::new(Value::<2>::new());
        let reader = processes.spawn(&value, |value, me| value.lock.unlock_read(me.stamp, 0));
        value.first_reads(reader);
        processes.victim(&value, Value::add, Value::left_by);
        processes.spawn(&value, Value::read);
        processes.run();
        processes.afterwards(&value, Value::end);
    });
}

#[test]
fn who_may_not_wait_inherits_too() {
    Proof::of("rwlock: try after a death").preemptions(3).for_each_death(|processes| {
        let value = Arc::new(Value::<1>::new());
        processes.victim(&value, Value::add, Value::left_by);
        processes.spawn(&value, Value::try_read);
        processes.run();
        processes.afterwards(&value, |value, me| {
            assert_eq!(value.read_until(me, Deadline::Now), Ok(()));
            assert_eq!(value.try_add(me), Ok(()));
            value.check_after_death();
        });
    });
}
