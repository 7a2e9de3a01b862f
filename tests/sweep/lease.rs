//! Rows of leases. Nothing is ever missing: what the victim had comes back, and
//! says that it was handed out before.

use std::mem;

use crate::common::case::Case;
use crate::common::child::fork;
use crate::common::numbered::{Large, Numbered, Small, Words};
use crate::ends::{Ends, Shape};
use crate::queue::{LONG, warm_receiver, world};
use crate::row::{After, Begin, Row};

pub fn cases() -> Vec<Case> {
    vec![
        lease::<Words>("only one", 4, 1, 0).every(2, 100).case(),
        lease::<Words>("only one, zombie", 4, 1, 0).zombie().every(7, 40).case(),
        lease::<Words>("in the middle", 3, 2, 5).every(3, 80).case(),
        lease::<Words>("full", 3, 3, 2).every(3, 80).case(),
        lease::<Words>("empty", 4, 0, 0).blocks().every(121, 25).case(),
        Row::new("queue lease_timeout, empty", world(4, 0, 0), lease_in_time, all_there::<Words>)
            .blocks()
            .every(121, 25)
            .case(),
        lease::<Small>("small, in the middle", 3, 2, 5).every(5, 60).case(),
        lease::<Large>("large, full", 3, 3, 5).every(5, 60).case(),
        Row::new("queue lease, given back before", given_back, lease_one, all_there)
            .every(2, 60)
            .case(),
        Row::new("queue lease, leaser dead", leaser_dead, try_lease_one, all_there)
            .every(17, 60)
            .case(),
        done::<Words>("only one", 4, 1, 0).case(),
        done::<Words>("in the middle", 3, 3, 5).case(),
        done::<Large>("large, in the middle", 3, 3, 5).case(),
        drop_task::<Words>("only one", 4, 1, 0).case(),
        drop_task::<Words>("in the middle", 3, 3, 5).case(),
        drop_task::<Large>("large, in the middle", 3, 3, 5).case(),
    ]
}

fn lease<T: Numbered>(name: &str, capacity: usize, level: u64, earlier: u64) -> Row<Ends<T>> {
    let name = format!("queue lease, {name}");
    Row::new(name, world(capacity, level, earlier), lease_one, all_there)
}

fn done<T: Numbered>(name: &str, capacity: usize, level: u64, earlier: u64) -> Row<Ends<T>> {
    let name = format!("queue done, {name}");
    Row::new(name, world(capacity, level, earlier), done_one, one_is_done)
}

fn drop_task<T: Numbered>(name: &str, capacity: usize, level: u64, earlier: u64) -> Row<Ends<T>> {
    let name = format!("queue drop of a task, {name}");
    Row::new(name, world(capacity, level, earlier), drop_one, all_there)
}

const SHAPE: Shape = Shape { capacity: 3, level: 2, earlier: 5 };

/// Message 1 waits in a cell, for anybody.
fn given_back() -> Ends<Words> {
    let ends = Ends::new(SHAPE);
    drop(ends.receiver().lease());
    ends
}

/// Message 1 waits in a cell, for whoever asks whether its leaser lives; there
/// is nothing else.
fn leaser_dead() -> Ends<Words> {
    let ends = Ends::new(Shape { level: 1, ..SHAPE });
    let leaser = fork(|| {
        mem::forget(ends.receiver().lease());
        Ok(())
    });
    leaser.reap();
    ends
}

pub fn lease_one<T: Numbered>(ends: &Ends<T>, begin: Begin) {
    let receiver = warm_receiver(ends);
    begin.now();
    let task = receiver.lease();
    assert!(task.is_ok());
    mem::forget(task);
}

fn lease_in_time<T: Numbered>(ends: &Ends<T>, begin: Begin) {
    let receiver = warm_receiver(ends);
    begin.now();
    mem::forget(receiver.lease_timeout(LONG));
}

fn try_lease_one<T: Numbered>(ends: &Ends<T>, begin: Begin) {
    let receiver = ends.receiver().clone();
    begin.now();
    let task = receiver.try_lease();
    assert!(task.is_ok());
    mem::forget(task);
}

pub fn done_one<T: Numbered>(ends: &Ends<T>, begin: Begin) {
    let receiver = warm_receiver(ends);
    let task = receiver.lease().expect("one is there");
    begin.now();
    task.done();
}

pub fn drop_one<T: Numbered>(ends: &Ends<T>, begin: Begin) {
    let receiver = warm_receiver(ends);
    let task = receiver.lease().expect("one is there");
    begin.now();
    drop(task);
}

/// All messages are still there, and only the first may know an attempt; if the
/// victim had it for sure, it does.
pub fn all_there<T: Numbered>(ends: &Ends<T>, after: &After<'_>) -> Result<(), String> {
    let required: Vec<u64> = (1..=ends.shape().level).collect();
    let again = ends.check_with(&required, &[], || ends.drain_by_leases(after))?;
    let (first, _) = ends.split(1);
    let right = if after.finished() { again == first } else { first.starts_with(&again) };
    right.then_some(()).ok_or_else(|| format!("handed out before: {again:?}"))
}

/// The first message is done with, or there, with an attempt.
pub fn one_is_done<T: Numbered>(ends: &Ends<T>, after: &After<'_>) -> Result<(), String> {
    let (first, required) = ends.split(1);
    let optional: &[u64] = if after.finished() { &[] } else { &first };
    let again = ends.check_with(&required, optional, || ends.drain_by_leases(after))?;
    let right = first.starts_with(&again);
    right.then_some(()).ok_or_else(|| format!("handed out before: {again:?}"))
}
