//! Rows of joining and of dead letters: whoever joins goes on once nothing is
//! undone, whoever died over it; a letter is there once, and nowhere else.

use std::mem;

use killproof::channel::RecvError;

use crate::common::case::Case;
use crate::common::numbered::Words;
use crate::ends::{Ends, Shape};
use crate::lease::done_one;
use crate::queue::{nothing_done, recv_one, warm_receiver, world};
use crate::row::{After, Begin, Row};
use crate::wakes::lease_or_end;

type World = Ends<Words>;

pub fn cases() -> Vec<Case> {
    vec![
        joined("queue done, a joiner asleep", done_one).case(),
        joined("queue done, a joiner asleep, zombie", done_one).zombie().case(),
        Row::new("queue recv, a joiner asleep", world(3, 1, 2), recv_one, done_or_gone)
            .apart(Ends::drop_receiver)
            .peer(|ends, _| joined_or_gone(ends).map(drop))
            .every(2, 60)
            .case(),
        Row::new("queue join, nothing to do", world(4, 0, 3), join, nothing_done)
            .every(3, 60)
            .case(),
        Row::new("queue join, two to do", world(4, 2, 3), join, nothing_done)
            .blocks()
            .every(121, 25)
            .case(),
        Row::new("queue drop of a task, last attempt", one_attempt, give_up, one_is_there).case(),
        Row::new("queue lease of a dead letter", one_letter, take_letter, one_is_there).case(),
        Row::new("queue done of a dead letter", one_letter, bury, one_at_most).every(2, 60).case(),
    ]
}

/// The victim does the only task; a peer takes it over where it does not, and
/// another waits until it is done.
fn joined(name: &str, operation: fn(&World, Begin)) -> Row<World> {
    Row::new(name, world(3, 1, 2), operation, over)
        .apart(Ends::drop_sender)
        .peer(|ends, _| ends.receiver().join().map_err(|e| e.to_string()))
        .peer(lease_or_end)
}

/// Whether all was done; otherwise nobody is left who could.
fn joined_or_gone(ends: &World) -> Result<bool, String> {
    match ends.sender().join() {
        Ok(()) => Ok(true),
        Err(error) if error.is_gone() => Ok(false),
        Err(error) => Err(error.to_string()),
    }
}

fn done_or_gone(ends: &World, after: &After<'_>) -> Result<(), String> {
    let done = joined_or_gone(ends)?;
    let right = done || !after.finished();
    right.then_some(()).ok_or_else(|| "received, and not done".into())
}

fn join(ends: &World, begin: Begin) {
    let receiver = warm_receiver(ends);
    begin.now();
    let joined = receiver.join();
    assert_eq!(joined, Ok(()));
}

const SHAPE: Shape = Shape { capacity: 3, level: 1, earlier: 2 };

/// Message 1 may be tried once.
fn one_attempt() -> World {
    Ends::with_one_attempt(SHAPE)
}

/// Message 1 was tried.
fn one_letter() -> World {
    let ends = one_attempt();
    drop(ends.receiver().lease());
    ends
}

fn give_up(ends: &World, begin: Begin) {
    let receiver = warm_receiver(ends);
    let task = receiver.lease().expect("one is there");
    begin.now();
    drop(task);
}

fn take_letter(ends: &World, begin: Begin) {
    let receiver = warm_receiver(ends);
    begin.now();
    let letter = receiver.dead_letters().lease();
    assert!(letter.is_ok());
    mem::forget(letter);
}

fn bury(ends: &World, begin: Begin) {
    let receiver = warm_receiver(ends);
    let letter = receiver.dead_letters().lease().expect("one is there");
    begin.now();
    letter.done();
}

/// Nothing is left, and what the victim did not do the peer did.
fn over(ends: &World, after: &After<'_>) -> Result<(), String> {
    match ends.receiver().recv() {
        Err(RecvError::Disconnected) => after.recovered(),
        other => return Err(format!("left: {:?}", other.map(|message| message[0]))),
    }
    ends.settle(&[], if after.finished() { &[] } else { &[1] })
}

fn one_is_there(ends: &World, after: &After<'_>) -> Result<(), String> {
    ends.check_with(&[1], &[], || ends.drain_letters(after))
}

fn one_at_most(ends: &World, after: &After<'_>) -> Result<(), String> {
    let maybe: &[u64] = if after.finished() { &[] } else { &[1] };
    ends.check_with(&[], maybe, || ends.drain_letters(after))
}
