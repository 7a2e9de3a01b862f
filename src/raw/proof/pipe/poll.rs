//! Readiness of a pipe: whoever polls an end misses nothing that a wait finds.

use super::{RECORD, Tube, tube};
use crate::deadline::{Deadline, Slices};
use crate::primitive::{Process, Processes, Proof};
use crate::raw::pipe::{Cursor, Memory, Stop};
use crate::raw::queue::Side;

/// Tries until it has an answer, and in between waits for the bell of `side`.
fn poll<R>(
    tube: &Tube,
    side: Side,
    cursor: &mut Cursor,
    attempt: impl Fn(&mut Cursor) -> Result<R, Stop>,
) -> Result<R, Stop> {
    loop {
        match attempt(cursor) {
            Err(Stop::TimedOut) => {}
            answer => return answer,
        }
        if !tube.pipe.arm(side, cursor, RECORD, false) {
            tube.pipe.memory.bell(side).wait(Slices::new().next(Deadline::Never));
        }
    }
}

/// Receives one record, or the end.
fn poll_recv(tube: &Tube, me: Process) {
    let received = poll(tube, Side::Receive, &mut Cursor::new(), |cursor| {
        tube.recv(cursor, me, Deadline::Now)
    });
    assert!(matches!(received, Ok(1) | Err(Stop::Disconnected)), "{received:?}");
}

/// Fills the pipe, and sends one record more, unless there is nobody to send to.
fn poll_send(tube: &Tube, me: Process) {
    let mut cursor = Cursor::new();
    for number in [1, 2] {
        let sent = poll(tube, Side::Send, &mut cursor, |cursor| {
            tube.send_until(cursor, me, number, Deadline::Now)
        });
        assert!(matches!(sent, Ok(()) | Err(Stop::Disconnected)), "{sent:?}");
    }
}

fn send_one(tube: &Tube, me: Process) {
    assert_eq!(tube.send(&mut Cursor::new(), me, 1), Ok(()));
}

fn receive_one(tube: &Tube, me: Process) {
    let _ = tube.recv(&mut Cursor::new(), me, Deadline::Never);
}

fn end_sending(tube: &Tube, me: Process) {
    tube.pipe.leave(Side::Send, me.stamp);
}

fn end_receiving(tube: &Tube, me: Process) {
    tube.pipe.leave(Side::Receive, me.stamp);
}

type Role = fn(&Tube, Process);

/// What the sender does, what the receiver does, and which of the two polls.
const PAIRS: [(&str, Role, Role, Side); 4] = [
    ("pipe poll: for a record", send_one, poll_recv, Side::Receive),
    ("pipe poll: for room", poll_send, receive_one, Side::Send),
    ("pipe poll: for the end", end_sending, poll_recv, Side::Receive),
    ("pipe poll: for the end, full", poll_send, end_receiving, Side::Send),
];

fn both(sends: Role, receives: Role) -> impl Fn(&Processes) + Send + Sync + Clone {
    move |processes| {
        let tube = tube(1);
        let sender = processes.spawn(&tube, sends);
        let receiver = processes.spawn(&tube, receives);
        tube.place(sender, receiver);
        processes.run();
        tube.check_order();
    }
}

#[test]
fn who_polls_is_told() {
    for (name, sends, receives, _) in PAIRS {
        Proof::of(name).preemptions(2).explore(both(sends, receives));
    }
}

/// Killed before its commit it has done nothing, and is found dead; killed between the
/// commit and the ring, the other one's slice makes up for it.
#[test]
fn who_polls_is_told_in_spite_of_a_death() {
    for (name, sends, receives, polls) in PAIRS {
        Proof::of(name).preemptions(2).for_each_death(move |processes| {
            let tube = tube(1);
            let (sender, receiver) = match polls {
                Side::Receive => {
                    let sender = processes.victim(&tube, sends, |_, _| ());
                    (sender, processes.spawn(&tube, receives))
                }
                Side::Send => {
                    let sender = processes.spawn(&tube, sends);
                    (sender, processes.victim(&tube, receives, |_, _| ()))
                }
            };
            tube.place(sender, receiver);
            processes.run();
            tube.check_order();
        });
    }
}

/// Why the last look comes behind a heavy fence: the commit is a store.
#[cfg(loom)]
#[test]
fn who_arms_without_the_fence_is_not_told() {
    use crate::primitive::Mutant;

    let proof = Proof::of("planted: arms a pipe without the heavy fence").preemptions(2);
    Mutant::ArmsWithoutFence.plant(|| {
        proof.finds("lost wake", |proof| proof.explore(both(send_one, poll_recv)));
    });
}
