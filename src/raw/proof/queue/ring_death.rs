//! The ring when somebody dies: a message is there whole or not at all, what was
//! committed stays, and the ring takes exactly its capacity again.

use super::post::Post;
use super::ring::{ring, send};
use crate::primitive::{Processes, Proof};

#[test]
fn a_sender_dies() {
    Proof::of("ring of 1: a sender dies").preemptions(1).for_each_death(|processes| {
        let post = ring(processes, 1, 0);
        processes.victim(&post, send(10), |_, _| ());
        processes.spawn(&post, send(20));
        processes.spawn(&post, Post::recv);
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

#[test]
fn a_sender_that_waits_dies() {
    Proof::of("ring of 1: a sender dies waiting").preemptions(2).for_each_death(|processes| {
        let post = ring(processes, 1, 1);
        processes.victim(&post, send(10), |_, _| ());
        processes.spawn(&post, Post::recv);
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

#[test]
fn a_receiver_dies() {
    Proof::of("ring of 1: a receiver dies").preemptions(2).for_each_death(|processes| {
        let post = ring(processes, 1, 1);
        processes.victim(&post, Post::recv, |_, _| ());
        processes.spawn(&post, |post, me| {
            post.send(me, 10);
            // The first one too, if it was not gone with the dead.
            while post.recv(me) != 10 {}
        });
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

/// The other receiver gets what is left, and the sender is not held up.
#[test]
fn a_receiver_that_waits_dies() {
    Proof::of("ring of 1: a receiver dies waiting").preemptions(1).for_each_death(|processes| {
        let post = ring(processes, 1, 0);
        processes.victim(&post, Post::recv, |_, _| ());
        processes.spawn(&post, |post, me| {
            post.send(me, 10);
            post.send(me, 11);
        });
        processes.spawn(&post, Post::recv);
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

fn two_rescuers(processes: &Processes, capacity: usize, full: u64) {
    let post = ring(processes, capacity, full);
    processes.victim(&post, Post::recv, |_, _| ());
    processes.spawn(&post, Post::try_recv);
    processes.spawn(&post, Post::try_recv);
    processes.run();
    processes.afterwards(&post, Post::settle);
}

#[test]
fn two_rescue_one_message() {
    Proof::of("ring of 2: two rescue a message").preemptions(2).for_each_death(|processes| {
        two_rescuers(processes, 2, 2);
    });
}

#[test]
fn two_rescue_one_free_slot() {
    Proof::of("ring of 2: two rescue a slot").preemptions(2).for_each_death(|processes| {
        let post = ring(processes, 2, 0);
        processes.victim(&post, send(10), |_, _| ());
        processes.spawn(&post, |post, me| post.try_send(me, 20));
        processes.spawn(&post, |post, me| post.try_send(me, 30));
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

/// One at each side finds the same dead owner.
#[test]
fn a_sender_and_a_receiver_rescue_one_slot() {
    Proof::of("ring of 1: both sides rescue").preemptions(2).for_each_death(|processes| {
        let post = ring(processes, 1, 0);
        processes.victim(&post, send(10), |_, _| ());
        processes.spawn(&post, |post, me| post.try_send(me, 20));
        processes.spawn(&post, Post::try_recv);
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

#[test]
fn a_sender_dies_a_capacity_ahead() {
    Proof::of("ring of 3: a sender dies").preemptions(1).for_each_death(|processes| {
        let post = ring(processes, 3, 2);
        processes.victim(&post, send(10), |_, _| ());
        processes.spawn(&post, |post, me| {
            post.send(me, 20);
        });
        processes.spawn(&post, Post::recv);
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

#[test]
fn a_receiver_dies_a_capacity_behind() {
    Proof::of("ring of 3: a receiver dies").preemptions(1).for_each_death(|processes| {
        let post = ring(processes, 3, 3);
        processes.victim(&post, Post::recv, |_, _| ());
        processes.spawn(&post, send(20));
        processes.spawn(&post, Post::recv);
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}
