//! Rows in which a peer waits to be ready: in `select`, by poll(2), and in tokio. Where the
//! victim died before it rang, or after it silenced what was rung for others,
//! nothing but the peer's own timer wakes it.

use std::time::Duration;

use killproof::sync::Event;

use crate::common::case::Case;
use crate::common::forms::{BY_READINESS, Form, is_readable};
use crate::common::numbered::{Numbered, Words};
use crate::ends::Ends;
use crate::event::{self, set_if_not_set};
use crate::kind::{QUEUE, lease, receive, send};
use crate::lease::{done_one, drop_one};
use crate::leaving::{
    close, close_if_not_closed, closed, closing, disconnected_receiver, disconnected_sender,
    drop_receiver, drop_sender, full_and_gone, gone, lease_again, receive_again,
};
use crate::queue::{nothing_done, recv_one, send_one, warm_receiver, world};
use crate::row::{Begin, Peer, Row};

pub fn cases() -> Vec<Case> {
    BY_READINESS.iter().flat_map(|form| cases_of(*form)).collect()
}

fn cases_of(form: Form) -> Vec<Case> {
    let name = |what: &str| format!("{what} {}", form.word());
    vec![
        QUEUE
            .last_sender::<1>(&name("send, a receiver"), send_one)
            .peer(receive(form))
            .every(3, 80)
            .case(),
        QUEUE
            .last_sender::<1>(&name("send, a leaser, zombie,"), send_one)
            .peer(lease(form))
            .zombie()
            .every(3, 80)
            .case(),
        QUEUE.last_receiver(&name("recv, a sender"), recv_one).peer(send(form)).every(3, 80).case(),
        Row::new(name("queue close, a receiver"), world(4, 0, 3), close, closed)
            .holder(close_if_not_closed)
            .peer(receive(form))
            .case(),
        Row::new(name("queue close, a sender"), world(3, 3, 3), close, closed)
            .holder(close_if_not_closed)
            .peer(send(form))
            .case(),
        Row::new(
            name("queue drop of the last sender, a receiver"),
            world(4, 0, 3),
            drop_sender,
            gone,
        )
        .apart(Ends::drop_sender)
        .peer(disconnected_receiver(form))
        .case(),
        Row::new(
            name("queue drop of the last receiver, a sender"),
            world(3, 3, 3),
            drop_receiver,
            full_and_gone,
        )
        .apart(Ends::drop_receiver)
        .peer(disconnected_sender(form))
        .case(),
        Row::new(name("queue done, closed, a receiver"), closing, done_one, closed)
            .peer(receive(form))
            .case(),
        Row::new(name("queue drop of a task, a receiver"), world(4, 1, 3), drop_one, nothing_done)
            .peer(receive_again(form))
            .case(),
        Row::new(
            name("queue drop of a task, a leaser"),
            world::<Words>(4, 1, 3),
            drop_one,
            nothing_done,
        )
        .peer(lease_again(form))
        .case(),
        Row::new(name("queue try_recv, arming, another"), world(4, 0, 3), arm, nothing_done)
            .holder(send_nine)
            .peer(receive_nine(form))
            .every(5, 60)
            .case(),
        Row::new(name("Event set, two"), event::world, event::set, event::works)
            .holder(set_if_not_set)
            .peer(wait(form))
            .peer(wait(form))
            .case(),
    ]
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

/// Sends what no row counts, once the victim is dead.
pub fn send_nine(ends: &Ends<Words>, holder: &Peer<'_>) -> Result<(), String> {
    holder.until_killed();
    ends.sender().send(Words::new(9)).map_err(|e| e.to_string())
}

/// Waits for that.
pub fn receive_nine(form: Form) -> impl Fn(&Ends<Words>, &Peer<'_>) -> Result<(), String> {
    move |ends, _| {
        let got = form.recv(&*ends.receiver()).map_err(|e| e.to_string())?;
        if got.number()? == 9 { Ok(()) } else { Err(format!("got {:?}", got.number())) }
    }
}
