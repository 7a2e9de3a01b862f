//! Rows of the queue in which others sleep for what the victim sends or takes.
//! Where it died before that, they are told that they are alone, or somebody
//! else does it; where it died after, nothing but their own slices wakes them.

use std::thread;
use std::time::Duration;

use crate::common::case::Case;
use crate::common::forms::Form;
use crate::common::numbered::{Numbered, Words};
use crate::ends::Ends;
use crate::kind::{QUEUE, lease, receive, send};
use crate::queue::{
    recv_many, recv_one, send_many, send_one, send_two, sent, warm_receiver, world,
};
use crate::row::{Begin, Peer, Row};

type World = Ends<Words>;

pub fn cases() -> Vec<Case> {
    vec![
        QUEUE.last_sender::<1>("send, a receiver asleep", send_one).peer(receives()).case(),
        QUEUE
            .last_sender::<1>("send, a leaser asleep, zombie", send_one)
            .peer(lease(Form::Asleep))
            .zombie()
            .case(),
        two_receivers("send, two receivers asleep", send_two).case(),
        two_receivers("send_many, two receivers asleep", send_many).case(),
        another_sender().case(),
        QUEUE.last_receiver("recv, a sender asleep", recv_one).peer(sends()).case(),
        two_senders("recv_many, two senders asleep", recv_many).case(),
        two_senders("lease and done, two senders asleep", lease_and_done).case(),
        another_receiver().case(),
    ]
}

fn receives() -> impl Fn(&World, &Peer<'_>) -> Result<(), String> {
    receive(Form::Asleep)
}

fn sends() -> impl Fn(&World, &Peer<'_>) -> Result<(), String> {
    send(Form::Asleep)
}

fn two_receivers(name: &str, operation: fn(&World, Begin)) -> Row<World> {
    QUEUE.last_sender::<2>(name, operation).peer(receives()).peer(receives()).every(3, 60)
}

fn two_senders(name: &str, operation: fn(&World, Begin)) -> Row<World> {
    QUEUE.last_receiver(name, operation).peer(sends()).peer(sends()).every(4, 60)
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
