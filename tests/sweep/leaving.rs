//! Rows of the queue's ends coming and going: clone, drop, close, and the last
//! lease of a queue that is over. Whoever waits is told.

use killproof::channel::{RecvError, SendError};

use crate::common::case::Case;
use crate::common::forms::Form;
use crate::common::numbered::{Numbered, Words};
use crate::ends::Ends;
use crate::kind::receive;
use crate::lease::{done_one, drop_one};
use crate::queue::{nothing_done, world};
use crate::row::{After, Begin, Peer, Row};

pub type World = Ends<Words>;

pub fn cases() -> Vec<Case> {
    vec![
        Row::new("queue drop of a sender", world(3, 2, 5), drop_sender, nothing_done).case(),
        Row::new("queue drop of a receiver", world(3, 2, 5), drop_receiver, nothing_done).case(),
        Row::new("queue clone of both ends", world(3, 2, 5), clone_both, nothing_done)
            .every(3, 60)
            .case(),
        Row::new("queue drop of the last sender, two asleep", world(4, 0, 3), drop_sender, gone)
            .apart(Ends::drop_sender)
            .peer(disconnected_receiver(Form::Asleep))
            .peer(disconnected_receiver(Form::Asleep))
            .case(),
        Row::new("queue clone of the last sender, one asleep", world(4, 0, 3), clone_sender, gone)
            .apart(Ends::drop_sender)
            .peer(disconnected_receiver(Form::Asleep))
            .case(),
        Row::new(
            "queue drop of the last receiver, one asleep",
            world(3, 3, 3),
            drop_receiver,
            full_and_gone,
        )
        .apart(Ends::drop_receiver)
        .peer(disconnected_sender(Form::Asleep))
        .case(),
        Row::new("queue close, two receivers asleep", world(4, 0, 3), close, closed)
            .holder(close_if_not_closed)
            .peer(closed_receiver)
            .peer(closed_receiver)
            .case(),
        Row::new("queue close, a sender asleep", world(3, 3, 3), close, closed)
            .holder(close_if_not_closed)
            .peer(closed_sender)
            .case(),
        Row::new("queue done, closed, a receiver asleep", closing, done_one, closed)
            .peer(receive(Form::Asleep))
            .case(),
        Row::new("queue drop of a task, a receiver asleep", world(4, 1, 3), drop_one, nothing_done)
            .peer(receive_again(Form::Asleep))
            .case(),
        Row::new(
            "queue drop of a task, a leaser asleep",
            world::<Words>(4, 1, 3),
            drop_one,
            nothing_done,
        )
        .peer(lease_again(Form::Asleep))
        .case(),
    ]
}

/// One message, and no more.
pub fn closing() -> World {
    let ends = world(4, 1, 3)();
    ends.sender().close();
    ends
}

pub fn drop_sender(ends: &World, begin: Begin) {
    let sender = ends.sender().clone();
    begin.now();
    drop(sender);
}

pub fn drop_receiver(ends: &World, begin: Begin) {
    let receiver = ends.receiver().clone();
    begin.now();
    drop(receiver);
}

fn clone_both(ends: &World, begin: Begin) {
    let (sender, receiver) = (ends.sender().clone(), ends.receiver().clone());
    begin.now();
    drop((sender.clone(), receiver.clone()));
}

fn clone_sender(ends: &World, begin: Begin) {
    let sender = ends.sender().clone();
    begin.now();
    drop(sender.clone());
}

pub fn close(ends: &World, begin: Begin) {
    let sender = ends.sender().clone();
    begin.now();
    sender.close();
}

/// Where the victim died before it closed the queue, somebody else does; where
/// it died after, the sleepers are on their own.
pub fn close_if_not_closed(ends: &World, holder: &Peer<'_>) -> Result<(), String> {
    holder.until_killed();
    if !ends.sender().is_closed() {
        ends.sender().close();
    }
    Ok(())
}

pub fn disconnected_receiver(form: Form) -> impl Fn(&World, &Peer<'_>) -> Result<(), String> {
    move |ends, _| match form.recv(&*ends.receiver()) {
        Err(RecvError::Disconnected) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

pub fn disconnected_sender(form: Form) -> impl Fn(&World, &Peer<'_>) -> Result<(), String> {
    move |ends, _| match form.send(&*ends.sender(), Words::new(4)) {
        Err(SendError::Disconnected(_)) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

fn closed_receiver(ends: &World, _: &Peer<'_>) -> Result<(), String> {
    match ends.receiver().recv() {
        Err(RecvError::Closed) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

fn closed_sender(ends: &World, _: &Peer<'_>) -> Result<(), String> {
    match ends.sender().send(Words::new(4)) {
        Err(SendError::Closed(_)) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

/// Receives what the victim has on lease, which comes back, whoever gives it back.
pub fn receive_again(form: Form) -> impl Fn(&World, &Peer<'_>) -> Result<(), String> {
    move |ends, _| {
        let message = form.recv(&*ends.receiver()).map_err(|e| e.to_string())?;
        ends.note(&message).map(drop)
    }
}

/// The same by a lease.
pub fn lease_again<T: Numbered>(form: Form) -> impl Fn(&Ends<T>, &Peer<'_>) -> Result<(), String> {
    move |ends, _| {
        let receiver = ends.receiver();
        let task = form.lease(&receiver).map_err(|e| e.to_string())?;
        ends.note(&task)?;
        if task.attempts() != 2 {
            return Err(format!("attempts {}", task.attempts()));
        }
        task.done();
        Ok(())
    }
}

/// No sender is left, and nothing was sent.
pub fn gone(ends: &World, after: &After<'_>) -> Result<(), String> {
    disconnected(ends.receiver().recv().map(drop))?;
    after.recovered();
    disconnected(ends.receiver().try_recv().map(drop))
}

fn disconnected(answer: Result<(), RecvError>) -> Result<(), String> {
    match answer {
        Err(RecvError::Disconnected) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

/// No receiver is left, and there is no room.
pub fn full_and_gone(ends: &World, after: &After<'_>) -> Result<(), String> {
    match ends.sender().send(Words::new(5)) {
        Err(SendError::Disconnected(_)) => after.recovered(),
        other => return Err(format!("{other:?}")),
    }
    match ends.sender().try_send(Words::new(5)) {
        Err(SendError::Disconnected(_)) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

/// Nothing goes in, and what was there comes out.
pub fn closed(ends: &World, after: &After<'_>) -> Result<(), String> {
    if !matches!(ends.sender().send(Words::new(5)), Err(SendError::Closed(_))) {
        return Err("takes a message".into());
    }
    loop {
        match ends.receiver().recv() {
            Ok(message) => ends.note(&message)?,
            Err(RecvError::Closed) => break,
            Err(other) => return Err(other.to_string()),
        };
    }
    after.recovered();
    let all: Vec<u64> = (1..=ends.shape().level).collect();
    let was_leased = ends.shape().level == 1;
    match (was_leased, after.finished()) {
        (false, _) => ends.settle(&all, &[]),
        (true, false) => ends.settle(&[], &all),
        (true, true) => ends.settle(&[], &[]),
    }
}
