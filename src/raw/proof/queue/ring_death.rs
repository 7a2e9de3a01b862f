//! The ring when somebody dies: a message is there whole or not at all, what was
//! committed stays, nobody waits for the dead, and the ring takes exactly its
//! capacity again.

use super::post::{Post, value_of};
use super::ring::{ring, send};
use crate::primitive::{Process, Processes, Proof};

fn receive(post: &Post, me: Process) {
    let _ = post.try_recv(me);
}

fn send_one(post: &Post, me: Process) {
    let _ = post.try_send(me, value_of(me));
}

#[test]
fn a_sender_dies() {
    Proof::of("ring of 1: a sender dies").preemptions(2).for_each_death(|processes| {
        let post = ring(processes, 1, 0);
        processes.victim(&post, send_one, |_, _| ());
        processes.spawn(&post, |post, me| {
            send_one(post, me);
            receive(post, me);
        });
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

#[test]
fn a_receiver_dies() {
    Proof::of("ring of 1: a receiver dies").preemptions(2).for_each_death(|processes| {
        let post = ring(processes, 1, 1);
        processes.victim(&post, receive, |_, _| ());
        processes.spawn(&post, |post, me| {
            receive(post, me);
            send_one(post, me);
        });
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

#[test]
fn a_sender_that_waits_dies() {
    Proof::of("ring of 1: a waiting sender dies").preemptions(2).for_each_death(|processes| {
        let post = ring(processes, 1, 1);
        processes.victim(&post, send(10), |_, _| ());
        processes.spawn(&post, Post::recv);
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

#[test]
fn a_receiver_that_waits_dies() {
    Proof::of("ring of 2: a waiting receiver dies").preemptions(2).for_each_death(|processes| {
        let post = ring(processes, 2, 0);
        processes.victim(&post, Post::recv, |_, _| ());
        processes.spawn(&post, send(10));
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

/// Others sleep, or find the victim in their way.
fn two_go_on(name: &'static str, full: u64, victim: fn(&Post, Process)) {
    let proof = Proof::of(name).with_fresh_loads_only().preemptions(2).takes_long();
    proof.for_each_death(move |processes| {
        let post = ring(processes, 1, full);
        processes.victim(&post, victim, |_, _| ());
        processes.spawn(&post, send(10));
        processes.spawn(&post, Post::recv);
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

#[test]
fn two_go_on_after_a_sender() {
    two_go_on("ring of 1: two after a sender", 0, |post, me| post.send(me, value_of(me)));
}

#[test]
fn two_go_on_after_a_receiver() {
    two_go_on("ring of 1: two after a receiver", 1, |post, me| {
        post.recv(me);
    });
}

/// The victim is dead when two others come and find what it left.
fn two_rescue(
    processes: &Processes,
    capacity: usize,
    full: u64,
    victim: fn(&Post, Process),
    rescuers: [fn(&Post, Process); 2],
) {
    let post = ring(processes, capacity, full);
    processes.victim(&post, victim, |_, _| ());
    processes.run();
    for rescuer in rescuers {
        processes.spawn(&post, rescuer);
    }
    processes.run();
    processes.afterwards(&post, Post::settle);
}

#[test]
fn two_rescue_one_message() {
    let proof = Proof::of("ring of 2: two rescue a message");
    proof.with_fresh_loads_only().preemptions(3).for_each_death(|processes| {
        two_rescue(processes, 2, 2, receive, [receive, receive]);
    });
    proof.preemptions(1).for_each_death(|processes| {
        two_rescue(processes, 2, 2, receive, [receive, receive]);
    });
}

#[test]
fn two_rescue_one_free_slot() {
    let proof = Proof::of("ring of 2: two rescue a slot");
    proof.with_fresh_loads_only().preemptions(3).for_each_death(|processes| {
        two_rescue(processes, 2, 0, send_one, [send_one, send_one]);
    });
}

/// One at each side finds the same dead owner.
#[test]
fn both_sides_rescue_one_slot() {
    let proof = Proof::of("ring of 1: both sides rescue");
    proof.with_fresh_loads_only().preemptions(3).for_each_death(|processes| {
        two_rescue(processes, 1, 0, send_one, [send_one, receive]);
    });
    proof.with_fresh_loads_only().preemptions(3).for_each_death(|processes| {
        two_rescue(processes, 1, 1, receive, [send_one, receive]);
    });
}

/// Which slot decides whether there is room is another than the dead one's.
#[test]
fn rescuers_count_a_capacity_back() {
    let proof = Proof::of("ring of 3: both sides rescue");
    proof.with_fresh_loads_only().preemptions(3).for_each_death(|processes| {
        two_rescue(processes, 3, 3, receive, [send_one, receive]);
    });
    proof.with_fresh_loads_only().preemptions(3).for_each_death(|processes| {
        two_rescue(processes, 3, 2, send_one, [send_one, receive]);
    });
}
