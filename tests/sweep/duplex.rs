//! Rows of the duplex. Whoever is left has all that was sent, and is then told that both
//! ways are over.

#![allow(unsafe_code)]

use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use killproof::channel::{Duplex, PipeBuilder, RecvError, SendError};

use crate::common::case::Case;
use crate::common::forms::{FORMS, Form};
use crate::common::mapped::Mapped;
use crate::common::numbered::{Numbered, Words};
use crate::row::{After, Begin, Row};
use crate::tube::{CAPACITY, all_or_more, in_order};

type End = Duplex<Words, Words>;

struct Line {
    /// The victim's.
    ours: RefCell<Option<End>>,
    its: RefCell<Option<End>>,
    /// Messages 1 to this are on their way from the victim ..
    sent: u64,
    /// .. and these to it.
    waiting: u64,
    /// The last one that the other side received.
    last: Mapped<AtomicU64>,
}

/// As many messages as there is room for.
const FULL: u64 = 7;

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        Row::new("duplex send", world(2, 1), send_one, drain::<1>).every(2, 60).case(),
        Row::new("duplex send, full", world(FULL, 1), send_one, drain::<1>)
            .blocks()
            .every(121, 25)
            .case(),
        Row::new("duplex recv", world(1, 2), recv_one, drain::<0>).every(2, 60).case(),
        Row::new("duplex recv, empty", world(1, 0), recv_one, drain::<0>)
            .blocks()
            .every(121, 25)
            .case(),
        Row::new("duplex drop of an end", world(2, 1), drop_end, drain::<0>).case(),
    ];
    cases.extend(FORMS.iter().flat_map(|form| cases_of(*form)));
    cases
}

fn cases_of(form: Form) -> Vec<Case> {
    let name = |what: &str| format!("duplex {what} {}", form.word());
    vec![
        Row::new(name("send, a receiver"), world(0, 0), send_one, received::<1>)
            .peer(move |line, _| receive_first(line, form))
            .every(3, 60)
            .case(),
        Row::new(name("recv, a sender"), world(1, FULL), recv_one, received::<0>)
            .peer(move |line, _| send_first(line, form))
            .every(3, 60)
            .case(),
        Row::new(name("drop of an end, a receiver"), world(0, 0), drop_end, received::<0>)
            .peer(move |line, _| receive_first(line, form))
            .every(3, 60)
            .case(),
        Row::new(name("drop of an end, a sender"), world(1, FULL), drop_end, received::<0>)
            .peer(move |line, _| send_first(line, form))
            .every(3, 60)
            .case(),
    ]
}

fn world(sent: u64, waiting: u64) -> impl Fn() -> Line {
    move || {
        let (mut ours, mut its) = PipeBuilder::new().capacity(CAPACITY).duplex().expect("memory");
        for number in 1..=sent {
            assert!(ours.try_send(Words::new(number)).is_ok());
        }
        for number in 1..=waiting {
            assert!(its.try_send(Words::new(number)).is_ok());
        }
        Line {
            ours: RefCell::new(Some(ours)),
            its: RefCell::new(Some(its)),
            sent,
            waiting,
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

/// The victim's. It is not dropped: that has rows of its own. Where it would have to wait,
/// it was used until it no longer spins for long.
fn warm(line: &Line) -> ManuallyDrop<End> {
    let (mut one, mut other) = PipeBuilder::new().capacity(CAPACITY).duplex().expect("memory");
    assert_eq!((one.send(1_u8), other.recv()), (Ok(()), Ok(1)));
    assert_eq!((other.send(1_u8), one.recv()), (Ok(()), Ok(1)));
    let mut end = ManuallyDrop::new(taken(&line.ours));
    for _ in 0..12 {
        if line.sent == FULL {
            assert!(end.send_timeout(Words::new(0), Duration::ZERO).is_err());
        }
        if line.waiting == 0 {
            assert!(end.recv_timeout(Duration::ZERO).is_err());
        }
    }
    end
}

fn send_one(line: &Line, begin: Begin) {
    let mut end = warm(line);
    begin.now();
    assert!(end.send(Words::new(line.sent + 1)).is_ok());
}

fn recv_one(line: &Line, begin: Begin) {
    let mut end = warm(line);
    begin.now();
    assert!(end.recv().is_ok());
}

fn drop_end(line: &Line, begin: Begin) {
    let end = ManuallyDrop::into_inner(warm(line));
    begin.now();
    drop(end);
}

/// Receives to the end.
fn receive_to_end(line: &Line, end: &mut End, form: Form) -> Result<(), String> {
    in_order(end.as_ends().1, &line.last, form)?;
    match end.try_recv() {
        Err(RecvError::Disconnected) => Ok(()),
        other => Err(format!("after the end: {other:?}")),
    }
}

/// Sends until nobody receives, which is known at the latest when it is full and one was
/// taken out.
fn send_to_end(line: &Line, end: &mut End, form: Form) -> Result<(), String> {
    for number in line.waiting + 1..=FULL + 2 {
        match form.pour(end.as_ends().0, Words::new(number)) {
            Ok(()) => {}
            Err(SendError::Disconnected(message)) if message.number() == Ok(number) => {
                return Ok(());
            }
            Err(other) => return Err(other.to_string()),
        }
    }
    Err("sends to nobody".into())
}

fn receive_first(line: &Line, form: Form) -> Result<(), String> {
    let mut end = taken(&line.its);
    receive_to_end(line, &mut end, form)?;
    send_to_end(line, &mut end, form)
}

fn send_first(line: &Line, form: Form) -> Result<(), String> {
    let mut end = taken(&line.its);
    send_to_end(line, &mut end, form)?;
    receive_to_end(line, &mut end, form)
}

/// The victim was sending `N` messages, and the other side has received.
fn received<const N: u64>(line: &Line, after: &After<'_>) -> Result<(), String> {
    all_or_more(&line.last, line.sent, N, after)
}

fn drain<const N: u64>(line: &Line, after: &After<'_>) -> Result<(), String> {
    receive_first(line, Form::Asleep)?;
    after.recovered();
    received::<N>(line, after)
}
