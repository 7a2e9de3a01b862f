//! Rows of joining: whoever joins goes on once nothing is undone, whoever died over it.

use killproof::channel::RecvError;

use crate::common::case::Case;
use crate::common::forms::Form;
use crate::common::numbered::Words;
use crate::ends::Ends;
use crate::kind::lease;
use crate::lease::done_one;
use crate::leaving::{closed, closing};
use crate::queue::{LONG, nothing_done, recv_one, warm_receiver, world};
use crate::row::{After, Begin, Peer, Row};

type World = Ends<Words>;

pub fn cases() -> Vec<Case> {
    vec![
        joined("queue done, a joiner asleep", done_one).case(),
        joined("queue done, a joiner asleep, zombie", done_one).zombie().case(),
        Row::new("queue done, closed, a joiner asleep", closing, done_one, closed)
            .peer(join_all)
            .peer(lease(Form::Asleep))
            .case(),
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
        Row::new("queue join_timeout, two to do", world(4, 2, 3), join_in_time, nothing_done)
            .blocks()
            .every(121, 25)
            .case(),
    ]
}

/// The victim does the only task; a peer takes it over where it does not, and
/// another waits until it is done.
fn joined(name: &str, operation: fn(&World, Begin)) -> Row<World> {
    Row::new(name, world(3, 1, 2), operation, over)
        .apart(Ends::drop_sender)
        .peer(join_all)
        .peer(lease(Form::Asleep))
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

fn join_in_time(ends: &World, begin: Begin) {
    let receiver = warm_receiver(ends);
    begin.now();
    let joined = receiver.join_timeout(LONG);
    assert_eq!(joined, Ok(()));
}

fn join_all(ends: &World, _: &Peer<'_>) -> Result<(), String> {
    ends.receiver().join().map_err(|e| e.to_string())
}

/// Nothing is left, and what the victim did not do the peer did.
fn over(ends: &World, after: &After<'_>) -> Result<(), String> {
    match ends.receiver().recv() {
        Err(RecvError::Disconnected) => after.recovered(),
        other => return Err(format!("left: {:?}", other.map(|message| message[0]))),
    }
    ends.settle(&[], if after.finished() { &[] } else { &[1] })
}
