//! Rows in which a peer waits for a descriptor: by poll(2), and in tokio. Where the
//! victim died before it rang, or after it silenced what was rung for others,
//! nothing but the peer's own timer wakes it.

use std::time::Duration;

use killproof::channel::{RecvError, SendError};
use killproof::sync::Event;

use crate::common::case::Case;
use crate::common::forms::{BY_DESCRIPTOR, Form, is_readable};
use crate::common::numbered::{Numbered, Words};
use crate::ends::Ends;
use crate::event::{self, set_if_not_set};
use crate::leaving::{close, close_if_not_closed, closed};
use crate::queue::{nothing_done, recv_one, send_one, warm_receiver, world};
use crate::row::{Begin, Peer, Row};
use crate::wakes::{World, last_receiver, last_sender};

pub fn cases() -> Vec<Case> {
    BY_DESCRIPTOR.iter().flat_map(|form| cases_of(*form)).collect()
}

fn cases_of(form: Form) -> Vec<Case> {
    let name = |what: &str| format!("{what} {}", form.word());
    vec![
        last_sender::<1>(&name("a receiver"), send_one).peer(receive(form)).every(3, 80).case(),
        last_sender::<1>(&name("a leaser, zombie,"), send_one)
            .peer(lease(form))
            .zombie()
            .every(3, 80)
            .case(),
        last_receiver(&name("queue recv, a sender"), recv_one).peer(send(form)).every(3, 80).case(),
        Row::new(name("queue close, a receiver"), world(4, 0, 3), close, closed)
            .holder(close_if_not_closed)
            .peer(receive(form))
            .case(),
        Row::new(name("queue close, a sender"), world(3, 3, 3), close, closed)
            .holder(close_if_not_closed)
            .peer(send(form))
            .case(),
        Row::new(name("queue try_recv, arming, another"), world(4, 0, 3), arm, nothing_done)
            .holder(send_afterwards)
            .peer(move |ends, _| {
                let got = form.recv(&*ends.receiver()).map_err(|e| e.to_string())?;
                // It is none of those that the row counts.
                if got.number()? == 9 { Ok(()) } else { Err(format!("got {:?}", got.number())) }
            })
            .every(5, 60)
            .case(),
        Row::new(name("Event set, two"), event::world, event::set, event::works)
            .holder(set_if_not_set)
            .peer(wait(form))
            .peer(wait(form))
            .case(),
    ]
}

fn receive(form: Form) -> impl Fn(&World, &Peer<'_>) -> Result<(), String> {
    move |ends, _| match form.recv(&*ends.receiver()) {
        Ok(message) => ends.note(&message).map(drop),
        Err(RecvError::Disconnected | RecvError::Closed) => Ok(()),
        Err(other) => Err(other.to_string()),
    }
}

fn lease(form: Form) -> impl Fn(&World, &Peer<'_>) -> Result<(), String> {
    move |ends, _| match form.work(&*ends.receiver()) {
        Ok(message) => ends.note(&message).map(drop),
        Err(RecvError::Disconnected) => Ok(()),
        Err(other) => Err(other.to_string()),
    }
}

fn send(form: Form) -> impl Fn(&World, &Peer<'_>) -> Result<(), String> {
    move |ends, _| match form.send(&*ends.sender(), Words::new(4)) {
        Ok(()) | Err(SendError::Disconnected(_) | SendError::Closed(_)) => Ok(()),
        Err(other) => Err(other.to_string()),
    }
}

fn wait(form: Form) -> impl Fn(&Event, &Peer<'_>) -> Result<(), String> {
    move |event, _| {
        form.wait(event);
        Ok(())
    }
}

/// Finds nothing, and so silences the bell that it shares with the peer.
fn arm(ends: &Ends<Words>, begin: Begin) {
    let receiver = warm_receiver(ends);
    is_readable(&*receiver, Some(Duration::ZERO));
    begin.now();
    let received = receiver.try_recv();
    assert!(received.is_err());
}

fn send_afterwards(ends: &Ends<Words>, holder: &Peer<'_>) -> Result<(), String> {
    holder.until_killed();
    ends.sender().send(Words::new(9)).map_err(|e| e.to_string())
}
