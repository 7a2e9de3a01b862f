//! Rows of the queue in which others sleep for what the victim sends or takes.
//! Where it died before that, they are told that they are alone, or somebody
//! else does it; where it died after, nothing but their own slices wakes them.

use std::thread;
use std::time::Duration;

use killproof::channel::{RecvError, SendError};

use crate::common::case::Case;
use crate::common::numbered::{Numbered, Words};
use crate::ends::Ends;
use crate::queue::{recv_one, send_one, send_two, sent, warm_receiver, world};
use crate::row::{After, Begin, Peer, Row};

pub type World = Ends<Words>;

pub fn cases() -> Vec<Case> {
    vec![
        last_sender::<1>("a receiver asleep", send_one).peer(receive_or_end).case(),
        last_sender::<1>("a leaser asleep, zombie", send_one).peer(lease_or_end).zombie().case(),
        last_sender::<2>("two receivers asleep", send_two)
            .peer(receive_or_end)
            .peer(receive_or_end)
            .every(3, 60)
            .case(),
        another_sender().case(),
        last_receiver("queue recv, a sender asleep", recv_one).peer(send_or_end).case(),
        last_receiver("queue lease and done, two senders asleep", lease_and_done)
            .peer(send_or_end)
            .peer(send_or_end)
            .every(4, 60)
            .case(),
        another_receiver().case(),
    ]
}

/// The victim sends `N` messages, and nobody else could.
pub fn last_sender<const N: usize>(name: &str, operation: fn(&World, Begin)) -> Row<World> {
    let name = format!("queue send, {name}");
    Row::new(name, world(4, 0, 3), operation, over_for_receivers::<N>).apart(Ends::drop_sender)
}

/// The victim takes one of three, and nobody else could.
pub fn last_receiver(name: &str, operation: fn(&World, Begin)) -> Row<World> {
    Row::new(name, world(3, 3, 3), operation, over_for_senders).apart(Ends::drop_receiver)
}

fn another_sender() -> Row<World> {
    let instead = |ends: &World, holder: &Peer<'_>| {
        let nothing_is_there = || ends.receiver().is_empty();
        relieve(ends, holder, nothing_is_there, || {
            ends.sender().send(Words::new(9)).map_err(|e| e.to_string())
        })
    };
    let name = "queue send, a receiver asleep, another sender";
    Row::new(name, world(4, 0, 3), send_one, |ends, after| {
        // What was sent instead is required only if the victim sent nothing.
        if ends.count(9) == 0 { sent::<_, 1>(ends, after) } else { ends.check(after, &[9], &[]) }
    })
    .holder(instead)
    .peer(|ends, _| {
        ends.sleeper().begins();
        ends.note(&ends.receiver().recv().map_err(|e| e.to_string())?)?;
        ends.sleeper().is_through();
        Ok(())
    })
}

fn another_receiver() -> Row<World> {
    let instead = |ends: &World, holder: &Peer<'_>| {
        let no_room_is_there = || ends.sender().is_full();
        relieve(ends, holder, no_room_is_there, || {
            ends.note(&ends.receiver().recv().map_err(|e| e.to_string())?).map(drop)
        })
    };
    let name = "queue recv, a sender asleep, another receiver";
    Row::new(name, world(3, 3, 3), recv_one, |ends, after| {
        let one = if after.finished() { vec![] } else { vec![1] };
        ends.check(after, &[2, 3, 4], &one)
    })
    .holder(instead)
    .peer(|ends, _| {
        ends.sleeper().begins();
        ends.sender().send(Words::new(4)).map_err(|e| e.to_string())?;
        ends.sleeper().is_through();
        Ok(())
    })
}

/// Does what the victim died before doing, once it is certain that it did:
/// between two looks at a queue in which nothing has happened, the sleeper is
/// seen asleep. One that has got what it waits for does not sleep again.
fn relieve(
    ends: &World,
    holder: &Peer<'_>,
    is_stuck: impl Fn() -> bool,
    help: impl Fn() -> Result<(), String>,
) -> Result<(), String> {
    holder.until_killed();
    let sleeper = ends.sleeper();
    while !sleeper.has_got_it() {
        if is_stuck() && sleeper.is_asleep() && is_stuck() && !sleeper.has_got_it() {
            return help();
        }
        thread::sleep(Duration::from_micros(100));
    }
    Ok(())
}

fn lease_and_done(ends: &World, begin: Begin) {
    let receiver = warm_receiver(ends);
    begin.now();
    receiver.lease().expect("three are there").done();
}

fn receive_or_end(ends: &World, _: &Peer<'_>) -> Result<(), String> {
    match ends.receiver().recv() {
        Ok(message) => ends.note(&message).map(drop),
        Err(RecvError::Disconnected) => Ok(()),
        Err(other) => Err(other.to_string()),
    }
}

pub fn lease_or_end(ends: &World, _: &Peer<'_>) -> Result<(), String> {
    match ends.receiver().lease() {
        Ok(task) => ends.note(&task.done()).map(drop),
        Err(RecvError::Disconnected) => Ok(()),
        Err(other) => Err(other.to_string()),
    }
}

fn send_or_end(ends: &World, _: &Peer<'_>) -> Result<(), String> {
    match ends.sender().send(Words::new(4)) {
        Ok(()) | Err(SendError::Disconnected(_)) => Ok(()),
        Err(other) => Err(other.to_string()),
    }
}

/// What the victim sent is received; then, and only then, it is over.
fn over_for_receivers<const N: usize>(ends: &World, after: &After<'_>) -> Result<(), String> {
    loop {
        match ends.receiver().recv() {
            Ok(message) => ends.note(&message)?,
            Err(RecvError::Disconnected) => break,
            Err(other) => return Err(other.to_string()),
        };
        after.recovered();
    }
    let sent: Vec<u64> = (1..=N as u64).collect();
    if after.finished() { ends.settle(&sent, &[]) } else { ends.settle(&[], &sent) }
}

/// Whoever wants to send is told that it is over, at the latest when it is full.
fn over_for_senders(ends: &World, after: &After<'_>) -> Result<(), String> {
    let sender = ends.sender();
    let mut sent = 0;
    let stopped = loop {
        match sender.send(Words::new(8)) {
            Ok(()) => sent += 1,
            Err(stopped) => break stopped,
        }
        after.recovered();
    };
    match stopped {
        SendError::Disconnected(_) if sent <= sender.capacity() => Ok(()),
        other => Err(format!("{other} after {sent} messages")),
    }
}
