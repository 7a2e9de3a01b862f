//! When a queue is over: nothing that was sent, and nothing that may come back,
//! is missed by who is told that it is closed or that nobody is left.

use super::post::{Post, value_of};
use super::ring::ring;
use crate::deadline::Deadline;
use crate::primitive::{Process, Proof};
use crate::raw::queue::Stop;

/// Receives until it is told that nothing comes any more.
pub(super) fn receive_all(post: &Post, me: Process) {
    let mut received = (0..).map(|_| post.recv_until(me, Deadline::Never, false));
    assert_eq!(received.find(|received| received.is_err()), Some(Err(Stop::Closed)));
}

fn receive_one(post: &Post, me: Process) {
    let _ = post.recv_until(me, Deadline::Never, false);
}

pub(super) fn close(post: &Post, _me: Process) {
    post.queue.close();
}

fn send_one(post: &Post, me: Process) {
    let sent = post.send_until(me, value_of(me), Deadline::Never);
    assert!(matches!(sent, Ok(()) | Err(Stop::Closed)), "{sent:?}");
}

pub(super) fn all_received(post: &Post, _me: Process) {
    post.ledger.check();
    assert!(post.ledger.all_received(), "sent, and not received, though somebody was told so");
}

#[test]
fn close_misses_nothing() {
    Proof::of("close: one sends").preemptions(2).explore(|processes| {
        let post = ring(processes, 2, 0);
        processes.spawn(&post, send_one);
        processes.spawn(&post, |post, me| {
            close(post, me);
            receive_all(post, me);
        });
        processes.run();
        processes.afterwards(&post, all_received);
    });
}

/// The other receiver leaves after one message.
#[test]
fn close_misses_nothing_of_two() {
    let proof = Proof::of("close: two send, two receive").with_fresh_loads_only();
    proof.preemptions(2).takes_long().explore(|processes| {
        let post = ring(processes, 2, 0);
        processes.spawn(&post, send_one);
        processes.spawn(&post, send_one);
        processes.spawn(&post, receive_one);
        processes.spawn(&post, |post, me| {
            close(post, me);
            receive_all(post, me);
        });
        processes.run();
        processes.afterwards(&post, all_received);
    });
}

#[test]
fn close_wakes_everybody() {
    Proof::of("close: all sleep").with_fresh_loads_only().preemptions(2).explore(|processes| {
        let post = ring(processes, 1, 0);
        processes.spawn(&post, receive_all);
        processes.spawn(&post, receive_all);
        processes.spawn(&post, close);
        processes.run();
    });
}

#[test]
fn close_wakes_senders() {
    Proof::of("close: senders sleep").with_fresh_loads_only().preemptions(2).explore(|processes| {
        let post = ring(processes, 1, 1);
        processes.spawn(&post, send_one);
        processes.spawn(&post, send_one);
        processes.spawn(&post, close);
        processes.run();
    });
}

/// A sender that dies in its slot, or after its commit, holds up nobody's end.
#[test]
fn a_sender_that_dies_does_not_keep_it_open() {
    Proof::of("close: a sender dies").preemptions(2).for_each_death(|processes| {
        let post = ring(processes, 1, 0);
        processes.victim(&post, send_one, |_, _| ());
        processes.spawn(&post, |post, me| {
            close(post, me);
            receive_all(post, me);
        });
        processes.run();
        processes.afterwards(&post, all_received);
    });
}

#[test]
fn who_closes_dies() {
    Proof::of("close: who closes dies").preemptions(2).for_each_death(|processes| {
        let post = ring(processes, 1, 0);
        // Died before it was closed: somebody closes it in its place.
        processes.victim(&post, close, |post, _| {
            if !post.queue.is_closed() {
                post.queue.close();
            }
        });
        processes.spawn(&post, receive_all);
        processes.run();
    });
}
