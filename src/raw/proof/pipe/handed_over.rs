//! An end that its giver uses between the fork and the hand-over, as a destructor
//! may: whoever it comes to goes on behind what the giver did.

use std::sync::{Arc, Mutex};

use super::{Tube, tube};
use crate::deadline::Deadline;
use crate::primitive::{Mutant, Process, Processes, Proof};
use crate::raw::pipe::{Cursor, Stop};
use crate::raw::queue::Side;

/// The copy of a cursor that a fork makes.
type Fork = Arc<Mutex<Option<Cursor>>>;

/// One of three records is sent before the fork, one between it and the hand-over, and
/// one by the heir.
fn sender(processes: &Processes) {
    let tube = tube(3);
    let forked = Fork::default();
    let fork = forked.clone();
    let heir = processes.spawn(&tube, move |tube, me| {
        let Some(mut cursor) = forked.lock().unwrap().take() else { return };
        let sent = tube.send(&mut cursor, me, 3);
        assert!(sent.is_ok() || sent == Err(Stop::NotOwner), "{sent:?}");
    });
    let giver = processes.victim(
        &tube,
        move |tube, me| {
            let mut cursor = Cursor::new();
            assert_eq!(tube.send(&mut cursor, me, 1), Ok(()));
            *fork.lock().unwrap() = Some(cursor.clone());
            assert_eq!(tube.send(&mut cursor, me, 2), Ok(()));
            tube.pipe.give(Side::Send, me.stamp, heir);
        },
        |_, _| (),
    );
    let receiver = processes.spawn(&tube, |tube, me| {
        let _ = tube.recv(&mut Cursor::new(), me, Deadline::Now);
    });
    tube.place(giver, receiver);
    processes.run();
    processes.afterwards(&tube, receive_the_rest);
    tube.check_all();
}

/// The same at the other end, of three that were sent.
fn receiver(processes: &Processes) {
    let tube = tube(3);
    let forked = Fork::default();
    let fork = forked.clone();
    let sender = processes.spawn(&tube, |_, _| ());
    processes.afterwards(&tube, |tube, me| {
        tube.pipe.place(me.stamp);
        let mut cursor = Cursor::new();
        assert!((1..=3).all(|number| tube.send(&mut cursor, me, number) == Ok(())));
    });
    let heir = processes.spawn(&tube, move |tube, me| {
        let Some(mut cursor) = forked.lock().unwrap().take() else { return };
        let received = tube.recv(&mut cursor, me, Deadline::Now);
        assert!(received.is_ok() || received == Err(Stop::NotOwner), "{received:?}");
    });
    let giver = processes.victim(
        &tube,
        move |tube, me| {
            let mut cursor = Cursor::new();
            assert_eq!(tube.recv(&mut cursor, me, Deadline::Now), Ok(1));
            *fork.lock().unwrap() = Some(cursor.clone());
            assert_eq!(tube.recv(&mut cursor, me, Deadline::Now), Ok(2));
            tube.pipe.give(Side::Receive, me.stamp, heir);
        },
        |_, _| (),
    );
    tube.place(sender, giver);
    processes.run();
    tube.check_order();
}

fn receive_the_rest(tube: &Tube, me: Process) {
    assert!(tube.pipe.take_end(Side::Receive, me.stamp));
    let mut cursor = Cursor::new();
    while tube.recv(&mut cursor, me, Deadline::Now).is_ok() {}
}

#[test]
fn an_end_used_between_fork_and_hand_over() {
    let proof = Proof::of("pipe: a sender used while handed over").preemptions(3);
    proof.explore(sender);
    proof.for_each_death(sender);
    let proof = Proof::of("pipe: a receiver used while handed over").preemptions(3);
    proof.explore(receiver);
    proof.for_each_death(receiver);
}

#[test]
fn an_heir_that_keeps_its_copy_of_the_cursor() {
    let proof = Proof::of("planted: an heir keeps its cursor").preemptions(2);
    Mutant::KeepsTheCursor.plant(|| {
        proof.finds("out of order", |proof| proof.explore(sender));
        proof.finds("out of order", |proof| proof.explore(receiver));
    });
}
