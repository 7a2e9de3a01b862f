//! Queues in another order than that of arrival: what is received is the smallest
//! at some moment of the call; and all that a ring promises, by the same ledger.

use std::sync::Arc;

use super::lease::try_work;
use super::letter::try_give_up;
use super::over::{all_received, close, receive_all};
use super::post::{Post, value_of};
use super::words::Size;
use crate::primitive::{Process, Processes, Proof};
use crate::raw::queue::Order;

/// Messages have their value as their key.
fn ranked(processes: &Processes, capacity: usize, full: &'static [u64]) -> Arc<Post> {
    let size = Size { capacity, cells: 1, blocks: 0, seats: 1 };
    let post = Arc::new(Post::ranked(size, Order::Smallest));
    processes.afterwards(&post, |post, me| {
        post.enter(me);
        full.iter().for_each(|value| post.send(me, *value));
    });
    post
}

fn try_send(post: &Post, me: Process) {
    let _ = post.try_send(me, value_of(me));
}

fn try_receive(post: &Post, me: Process) {
    let _ = post.try_recv(me);
}

#[test]
fn the_order_is_that_of_the_keys() {
    Proof::of("rank: two send").with_fresh_loads_only().preemptions(3).explore(|processes| {
        let post = ranked(processes, 2, &[]);
        processes.spawn(&post, |post, me| post.send(me, 20));
        processes.spawn(&post, |post, me| post.send(me, 10));
        processes.run();
        processes.afterwards(&post, |post, me| {
            assert_eq!([post.recv(me), post.recv(me)], [10, 20]);
            post.settle(me);
        });
    });
}

#[test]
fn the_latest_comes_first_and_equals_as_they_were_sent() {
    Proof::of("rank: stacks and equals").explore(|processes| {
        let size = Size { capacity: 3, cells: 0, blocks: 0, seats: 1 };
        let stack = Arc::new(Post::ranked(size, Order::Latest));
        processes.afterwards(&stack, |post, me| {
            post.enter(me);
            (1..3).for_each(|value| post.send(me, value));
            assert_eq!(post.recv(me), 2);
            post.send(me, 3);
            assert_eq!([post.recv(me), post.recv(me)], [3, 1]);
        });
        let equals = ranked(processes, 3, &[]);
        processes.afterwards(&equals, |post, me| {
            // A slot before that of the first is free when the last is sent.
            for value in [0, 10, 20] {
                post.send_with_key(me, value, value.min(1));
            }
            assert_eq!(post.recv(me), 0);
            post.send_with_key(me, 30, 1);
            assert_eq!([post.recv(me), post.recv(me), post.recv(me)], [10, 20, 30]);
        });
    });
}

/// Something smaller than 20 is there at every moment, but never at one place: it
/// is sent behind the back of the look, and what was ahead of it is taken.
pub(super) fn behind_the_look(processes: &Processes) {
    let post = ranked(processes, 3, &[1, 20, 5]);
    processes.afterwards(&post, |post, me| assert_eq!(post.recv(me), 1));
    processes.spawn(&post, |post, me| {
        post.send(me, 7);
        assert!(post.recv(me) < 20, "there is a smaller one");
    });
    processes.spawn(&post, |post, me| assert!(post.recv(me) < 20, "there is a smaller one"));
    processes.run();
    processes.afterwards(&post, Post::settle);
}

#[test]
fn what_comes_behind_the_look_is_not_missed() {
    Proof::of("rank: behind the look").preemptions(2).explore(behind_the_look);
}

#[test]
fn who_waits_is_woken() {
    Proof::of("rank of 1: a receiver waits").preemptions(3).explore(|processes| {
        let post = ranked(processes, 1, &[]);
        processes.spawn(&post, Post::recv);
        processes.spawn(&post, |post, me| post.send(me, 10));
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
    Proof::of("rank of 1: a sender waits").preemptions(3).explore(|processes| {
        let post = ranked(processes, 1, &[10]);
        processes.spawn(&post, Post::recv);
        processes.spawn(&post, |post, me| post.send(me, 20));
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

#[test]
fn two_at_each_side() {
    let proof = Proof::of("rank of 1: two senders, two receivers").with_fresh_loads_only();
    proof.preemptions(1).explore(|processes| {
        let post = ranked(processes, 1, &[]);
        for value in [10, 20] {
            processes.spawn(&post, move |post, me| post.send(me, value));
            processes.spawn(&post, Post::recv);
        }
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

#[test]
fn close_misses_nothing() {
    Proof::of("rank: close").with_fresh_loads_only().preemptions(3).explore(|processes| {
        let post = ranked(processes, 2, &[]);
        processes.spawn(&post, |post, me| {
            let _ = post.send_until(me, value_of(me), crate::deadline::Deadline::Never);
        });
        processes.spawn(&post, |post, me| {
            close(post, me);
            receive_all(post, me);
        });
        processes.run();
        processes.afterwards(&post, all_received);
    });
}

#[test]
fn who_joins_is_not_slipped_past() {
    fn work_on(post: &Post, me: Process) {
        let task = post.lease(me);
        if task.value == 0 {
            post.send(me, 1);
        }
        post.done(me, task);
    }
    let proof = Proof::of("rank: a task sends a task").with_fresh_loads_only();
    proof.preemptions(2).explore(|processes| {
        let size = Size { capacity: 1, cells: 2, blocks: 0, seats: 1 };
        let post = Arc::new(Post::ranked(size, Order::Smallest));
        processes.afterwards(&post, |post, me| {
            post.enter(me);
            post.send(me, 0);
        });
        processes.spawn(&post, work_on);
        processes.spawn(&post, work_on);
        processes.spawn(&post, |post, _| {
            assert_eq!(post.queue.join(crate::deadline::Deadline::Never), Ok(()));
            assert!(post.ledger.is_in_hand(0) && post.ledger.is_in_hand(1));
        });
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

/// The victim dies; others are at work, or come when it is dead.
fn two_go_on(
    name: &'static str,
    full: &'static [u64],
    victim: fn(&Post, Process),
    others: [fn(&Post, Process); 2],
) {
    let proof = Proof::of(name).with_fresh_loads_only().preemptions(1);
    proof.for_each_death(move |processes| {
        let post = ranked(processes, 2, full);
        processes.victim(&post, victim, |_, _| ());
        for other in others {
            processes.spawn(&post, other);
        }
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

#[test]
fn a_sender_dies() {
    two_go_on("rank: a sender dies", &[10], try_send, [try_send, try_receive]);
}

#[test]
fn a_receiver_dies() {
    two_go_on("rank: a receiver dies", &[10, 20], try_receive, [try_send, try_receive]);
}

#[test]
fn a_leaser_dies() {
    two_go_on("rank: a leaser dies", &[10, 20], try_work, [try_send, try_receive]);
    two_go_on("rank: who gives back dies", &[10, 20], try_give_up, [try_receive, try_receive]);
}

/// Somebody sleeps while the victim dies over the only slot.
#[test]
fn who_waits_for_the_dead_goes_on() {
    let proof = Proof::of("rank of 1: a waiting receiver after a sender").with_fresh_loads_only();
    proof.preemptions(2).takes_long().for_each_death(|processes| {
        let post = ranked(processes, 1, &[]);
        processes.victim(&post, try_send, |_, _| ());
        processes.spawn(&post, Post::recv);
        processes.spawn(&post, |post, me| post.send(me, 10));
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}
