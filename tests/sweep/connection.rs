//! Rows of messages with descriptors. A message is there with all of its descriptors or
//! not at all, and whoever waits at the other end is told.

#![allow(unsafe_code)]

use std::cell::RefCell;
use std::fs::File;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use killproof::channel::{Connection, RecvError, connection};

use crate::common::case::Case;
use crate::common::mapped::Mapped;
use crate::common::numbered::{Numbered, Words};
use crate::row::{After, Begin, Peer, Row};

type End = Connection<Words, Words>;

struct Line {
    ours: RefCell<Option<End>>,
    its: RefCell<Option<End>>,
    null: OwnedFd,
    /// Messages 1 to this are on their way.
    level: u64,
    /// The last one that the survivor received.
    last: Mapped<AtomicU64>,
}

pub fn cases() -> Vec<Case> {
    vec![
        Row::new("connection send", world(1), send_one, drain::<1>).case(),
        Row::new("connection send, zombie", world(1), send_one, drain::<1>).zombie().case(),
        Row::new("connection send, the other asleep", world(0), send_one, received::<1>)
            .peer(receive_all)
            .case(),
        Row::new("connection drop, the other asleep", world(0), drop_end, received::<0>)
            .peer(receive_all)
            .case(),
        Row::new("connection recv", world(2), recv_one, alone).every(5, 60).case(),
        Row::new("connection recv, nothing there", world(0), recv_one, alone)
            .blocks()
            .every(9, 40)
            .case(),
    ]
}

fn world(level: u64) -> impl Fn() -> Line {
    move || {
        let (mut ours, its) = connection().expect("memory");
        let null = OwnedFd::from(File::open("/dev/null").expect("it is there"));
        for number in 1..=level {
            assert!(ours.try_send(Words::new(number), &[null.as_fd()]).is_ok());
        }
        Line {
            ours: RefCell::new(Some(ours)),
            its: RefCell::new(Some(its)),
            null,
            level,
            last: Mapped::new(AtomicU64::new(0)),
        }
    }
}

fn taken(end: &RefCell<Option<End>>) -> End {
    let mut end = end.take().expect("one process takes it, once");
    // SAFETY: nobody but the maker of this world had it, before the fork.
    unsafe { end.adopt() }.expect("it was not given up");
    end
}

/// What a process does once in its life.
fn first_use() {
    let (mut ours, mut its) = connection::<u8, u8>().expect("memory");
    assert!(ours.send(1, &[]).is_ok() && its.recv().is_ok());
}

fn send_one(line: &Line, begin: Begin) {
    first_use();
    let mut end = ManuallyDrop::new(taken(&line.ours));
    begin.now();
    assert!(end.send(Words::new(line.level + 1), &[line.null.as_fd()]).is_ok());
}

fn drop_end(line: &Line, begin: Begin) {
    first_use();
    let end = taken(&line.ours);
    begin.now();
    drop(end);
}

fn recv_one(line: &Line, begin: Begin) {
    first_use();
    let mut end = ManuallyDrop::new(taken(&line.its));
    begin.now();
    assert!(end.recv().is_ok());
}

/// Receives to the end: 1, 2, 3 and so on, each with its descriptor.
fn receive_to_end(line: &Line) -> Result<(), String> {
    let mut end = taken(&line.its);
    for wanted in 1.. {
        match end.recv() {
            Ok((message, descriptors)) => match (message.number()?, descriptors.len()) {
                (number, 1) if number == wanted => line.last.store(number, Ordering::Release),
                other => return Err(format!("{other:?} instead of {wanted}")),
            },
            Err(RecvError::Disconnected) => break,
            Err(other) => return Err(other.to_string()),
        }
    }
    match end.try_recv() {
        Err(RecvError::Disconnected) => Ok(()),
        other => Err(format!("after the end: {other:?}")),
    }
}

fn receive_all(line: &Line, _: &Peer<'_>) -> Result<(), String> {
    receive_to_end(line)
}

/// The victim was sending `N` messages, and a peer has received.
fn received<const N: u64>(line: &Line, after: &After<'_>) -> Result<(), String> {
    let last = line.last.load(Ordering::Acquire);
    let sent = line.level + N;
    if last > sent || last < if after.finished() { sent } else { line.level } {
        return Err(format!("received up to {last}, with {} there and {N} more", line.level));
    }
    Ok(())
}

fn drain<const N: u64>(line: &Line, after: &After<'_>) -> Result<(), String> {
    receive_to_end(line)?;
    after.recovered();
    received::<N>(line, after)
}

/// The victim was receiving: who sends is told that it is alone.
fn alone(line: &Line, after: &After<'_>) -> Result<(), String> {
    let mut end = taken(&line.ours);
    while end.send(Words::new(1), &[]).is_ok() {}
    after.recovered();
    match end.recv() {
        Err(RecvError::Disconnected) => Ok(()),
        other => Err(format!("from nobody: {other:?}")),
    }
}
