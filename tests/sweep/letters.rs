//! Rows of dead letters: a letter is there once, and nowhere else, and whoever waits for
//! one has it, or is told that none can come.

use std::mem;
use std::thread;
use std::time::Duration;

use killproof::channel::RecvError;

use crate::common::case::Case;
use crate::common::child::fork;
use crate::common::numbered::Words;
use crate::ends::{Ends, Shape};
use crate::lease::{done_one, drop_one, lease_one};
use crate::leaving::closed;
use crate::queue::{LONG, warm_receiver};
use crate::row::{After, Begin, Peer, Row};

type World = Ends<Words>;

pub fn cases() -> Vec<Case> {
    vec![
        Row::new("queue drop of a task, last attempt", one_attempt, drop_one, one_is_there).case(),
        Row::new("queue lease of a dead letter", one_letter, take_letter, one_is_there).case(),
        Row::new(
            "queue lease of a dead letter, worker dead",
            dead_worker,
            take_letter,
            one_is_there,
        )
        .every(17, 60)
        .case(),
        Row::new("queue lease of a dead letter, none", one_attempt, take_letter, none_is_there)
            .blocks()
            .every(121, 25)
            .case(),
        Row::new(
            "queue lease_timeout of a dead letter, none",
            one_attempt,
            take_letter_in_time,
            none_is_there,
        )
        .blocks()
        .every(121, 25)
        .case(),
        Row::new("queue done of a dead letter", one_letter, bury, one_at_most).every(2, 60).case(),
        Row::new(
            "queue drop of a task, last attempt, a letter's leaser asleep",
            one_attempt,
            drop_one,
            one_is_there,
        )
        .peer(take_and_bury)
        .case(),
        Row::new(
            "queue lease, last attempt, a letter's leaser asleep",
            one_attempt,
            lease_one,
            one_is_there,
        )
        .holder(give_up_instead)
        .peer(take_and_bury)
        .every(3, 60)
        .case(),
        Row::new("queue done, closed, a letter's leaser asleep", closing, done_one, closed)
            .peer(take_and_bury)
            .case(),
    ]
}

const SHAPE: Shape = Shape { capacity: 3, level: 1, earlier: 2 };

/// Message 1 may be tried once.
fn one_attempt() -> World {
    Ends::with_one_attempt(SHAPE)
}

/// The same, and no other message comes.
fn closing() -> World {
    let ends = one_attempt();
    ends.sender().close();
    ends
}

/// Message 1 was tried.
fn one_letter() -> World {
    let ends = one_attempt();
    drop(ends.receiver().lease());
    ends
}

/// Message 1 is one for whoever asks whether its worker lives.
fn dead_worker() -> World {
    let ends = one_attempt();
    let worker = fork(|| {
        mem::forget(ends.receiver().lease());
        Ok(())
    });
    worker.reap();
    ends
}

fn take_letter(ends: &World, begin: Begin) {
    let receiver = warm_receiver(ends);
    begin.now();
    let letter = receiver.dead_letters().lease();
    assert!(letter.is_ok());
    mem::forget(letter);
}

fn take_letter_in_time(ends: &World, begin: Begin) {
    let receiver = warm_receiver(ends);
    begin.now();
    mem::forget(receiver.dead_letters().lease_timeout(LONG));
}

fn bury(ends: &World, begin: Begin) {
    let receiver = warm_receiver(ends);
    let letter = receiver.dead_letters().lease().expect("one is there");
    begin.now();
    letter.done();
}

/// Waits for the letter, unless none can come.
fn take_and_bury(ends: &World, _: &Peer<'_>) -> Result<(), String> {
    let receiver = ends.receiver();
    match receiver.dead_letters().lease() {
        Ok(letter) => {
            if letter.attempts() != 2 {
                return Err(format!("attempts {}", letter.attempts()));
            }
            ends.note(&letter)?;
            ends.sleeper().is_through();
            letter.done();
            Ok(())
        }
        Err(RecvError::Closed) => Ok(()),
        Err(other) => Err(other.to_string()),
    }
}

/// Where the victim died before it had the task, somebody else gives it up. Where it died
/// with it, whoever waits for the letter is on its own.
fn give_up_instead(ends: &World, holder: &Peer<'_>) -> Result<(), String> {
    holder.until_killed();
    let receiver = ends.receiver();
    while !(holder.victim_finished() || ends.sleeper().has_got_it()) {
        match receiver.try_lease() {
            Ok(task) => drop(task),
            Err(RecvError::Empty) => thread::sleep(Duration::from_micros(100)),
            Err(other) => return Err(other.to_string()),
        }
    }
    Ok(())
}

fn one_is_there(ends: &World, after: &After<'_>) -> Result<(), String> {
    ends.check_with(&[1], &[], || ends.drain_letters(after))
}

/// It is a message as any other.
fn none_is_there(ends: &World, after: &After<'_>) -> Result<(), String> {
    let letters = ends.receiver().dead_letters().len();
    if letters != 0 {
        return Err(format!("{letters} letters of no attempt"));
    }
    ends.check(after, &[1], &[])
}

fn one_at_most(ends: &World, after: &After<'_>) -> Result<(), String> {
    let maybe: &[u64] = if after.finished() { &[] } else { &[1] };
    ends.check_with(&[], maybe, || ends.drain_letters(after))
}
