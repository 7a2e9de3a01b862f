//! Readiness of a queue: whoever polls an end misses nothing that a wait finds.

use super::post::{Post, value_of};
use super::ring::ring;
use crate::deadline::{Deadline, Slices};
use crate::primitive::{Process, Proof};
use crate::raw::queue::{Memory, Side, Stop};

/// Tries until it has an answer, and in between waits for the bell of `side`.
fn poll<R>(
    post: &Post,
    me: Process,
    side: Side,
    operation: impl Fn() -> Result<R, Stop>,
) -> Result<R, Stop> {
    loop {
        match operation() {
            Err(Stop::TimedOut) => {}
            answer => return answer,
        }
        if !post.queue.arm(side, me.stamp, false) {
            let bell = post.queue.memory.bell(side);
            bell.wait(Slices::new().next(Deadline::Never));
        }
    }
}

fn poll_recv(post: &Post, me: Process) {
    let got = poll(post, me, Side::Receive, || post.try_recv(me));
    assert!(matches!(got, Ok(_) | Err(Stop::Closed)), "{got:?}");
}

fn poll_send(post: &Post, me: Process) {
    let sent = poll(post, me, Side::Send, || post.try_send(me, value_of(me)));
    assert!(matches!(sent, Ok(()) | Err(Stop::Closed)), "{sent:?}");
}

fn send_one(post: &Post, me: Process) {
    let _ = post.try_send(me, value_of(me));
}

fn receive_one(post: &Post, me: Process) {
    let _ = post.try_recv(me);
}

fn close(post: &Post, _me: Process) {
    post.queue.close();
}

type Role = fn(&Post, Process);

/// What each one polls for, and what brings it about.
const PAIRS: [(&str, u64, Role, Role); 4] = [
    ("poll: for a message", 0, poll_recv, send_one),
    ("poll: for room", 1, poll_send, receive_one),
    ("poll: for the end, empty", 0, poll_recv, close),
    ("poll: for the end, full", 1, poll_send, close),
];

#[test]
fn who_polls_is_told() {
    for (name, level, polls, does) in PAIRS {
        Proof::of(name).with_fresh_loads_only().preemptions(2).explore(move |processes| {
            let post = ring(processes, 1, level);
            processes.spawn(&post, polls);
            processes.spawn(&post, does);
            processes.run();
        });
    }
}

/// Killed between its commit and the ring, somebody else's slice makes up for it;
/// killed before the commit it has done nothing, and another does it.
#[test]
fn who_polls_is_told_in_spite_of_a_death() {
    for (name, level, polls, does) in PAIRS {
        let proof = Proof::of(name).with_fresh_loads_only().preemptions(1);
        proof.for_each_death(move |processes| {
            let post = ring(processes, 1, level);
            processes.victim(&post, does, |_, _| ());
            processes.spawn(&post, polls);
            processes.spawn(&post, close);
            processes.run();
        });
    }
}

/// A lease that comes back rings as well.
#[test]
fn who_polls_is_told_of_a_lease_that_comes_back() {
    let proof = Proof::of("poll: for a lease").with_fresh_loads_only().preemptions(2);
    proof.explore(|processes| {
        let post = super::lease::leasing(processes, 1, 1);
        processes.spawn(&post, poll_recv);
        processes.spawn(&post, |post, me| {
            let task = post.lease(me);
            post.give_back(me, task);
        });
        processes.spawn(&post, |post, me| post.send(me, value_of(me)));
        processes.run();
    });
}
