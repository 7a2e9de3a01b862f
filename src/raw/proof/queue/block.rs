//! Blocks: each has one owner, and after a death all are free again or named.

use std::sync::Arc;

use super::lease::{try_work, work};
use super::post::{Post, value_of};
use super::words::Size;
use crate::deadline::Deadline;
use crate::primitive::{Process, Processes, Proof};

fn large(processes: &Processes, blocks: usize, full: u64) -> Arc<Post> {
    let post = Arc::new(Post::new(Size { capacity: 2, cells: 1, blocks, seats: 1 }));
    processes.afterwards(&post, move |post, me| {
        post.enter(me);
        (0..full).for_each(|n| post.send_large(me, n));
    });
    post
}

fn send_large(value: u64) -> impl Fn(&Post, Process) + Send {
    move |post, me| post.send_large(me, value)
}

#[test]
fn who_finds_none_free_is_woken() {
    Proof::of("block: none free").preemptions(2).explore(|processes| {
        let post = large(processes, 1, 1);
        processes.spawn(&post, send_large(10));
        processes.spawn(&post, Post::recv);
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

#[test]
fn one_block_has_one_owner() {
    Proof::of("block: two senders, one receiver").with_fresh_loads_only().preemptions(2).explore(
        |processes| {
            let post = large(processes, 1, 0);
            processes.spawn(&post, send_large(10));
            processes.spawn(&post, send_large(20));
            processes.spawn(&post, |post, me| {
                post.recv(me);
                post.recv(me);
            });
            processes.run();
            processes.afterwards(&post, Post::settle);
        },
    );
}

/// The victim is dead when two others come and find what it left.
fn two_rescue(
    name: &'static str,
    full: u64,
    victim: fn(&Post, Process),
    rescuers: [fn(&Post, Process); 2],
) {
    let proof = Proof::of(name).with_fresh_loads_only().preemptions(2);
    proof.for_each_death(move |processes| {
        let post = large(processes, 1, full);
        processes.victim(&post, victim, |_, _| ());
        processes.run();
        for rescuer in rescuers {
            processes.spawn(&post, rescuer);
        }
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

fn try_send(post: &Post, me: Process) {
    let _ = post.send_large_until(me, value_of(me), Deadline::Now);
}

fn receive(post: &Post, me: Process) {
    let _ = post.try_recv(me);
}

#[test]
fn two_go_on_after_a_sender() {
    two_rescue("block: two senders after one", 0, try_send, [try_send, try_send]);
    two_rescue("block: both sides after a sender", 0, try_send, [try_send, receive]);
}

#[test]
fn two_go_on_after_a_receiver() {
    two_rescue("block: both sides after a receiver", 1, receive, [try_send, receive]);
}

#[test]
fn two_go_on_after_a_leaser() {
    two_rescue("block: both sides after a leaser", 1, work, [try_send, receive]);
    two_rescue("block: leaser and sender after a leaser", 1, work, [try_send, try_work]);
}

#[test]
fn a_sender_dies() {
    Proof::of("block: a sender dies").preemptions(1).for_each_death(|processes| {
        let post = large(processes, 1, 0);
        processes.victim(&post, try_send, |_, _| ());
        processes.spawn(&post, |post, me| {
            try_send(post, me);
            receive(post, me);
        });
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

#[test]
fn a_receiver_dies() {
    Proof::of("block: a receiver dies").preemptions(1).for_each_death(|processes| {
        let post = large(processes, 1, 1);
        processes.victim(&post, receive, |_, _| ());
        processes.spawn(&post, |post, me| {
            try_send(post, me);
            receive(post, me);
        });
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

/// A rescuer dies too, at each of its steps, while another is at work; a third finds
/// whatever both have left.
#[test]
fn a_rescuer_dies() {
    let proof = Proof::of("block: a rescuer dies").with_fresh_loads_only().preemptions(1);
    proof.for_each_two_deaths(|processes| {
        let post = large(processes, 1, 0);
        processes.victim(&post, try_send, |_, _| ());
        processes.run();
        processes.victim(&post, try_send, |_, _| ());
        processes.spawn(&post, |post, me| {
            receive(post, me);
            try_send(post, me);
        });
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

/// Threads of one process have one stamp: what a rescuer took over and has not
/// looked for yet, its sibling may have received, freed and claimed again.
#[test]
fn siblings_do_not_take_one_block_for_two() {
    let proof = Proof::of("block: a rescuer and its siblings");
    proof.with_fresh_loads_only().preemptions(3).for_each_death(|processes| {
        let post = large(processes, 1, 0);
        processes.victim(&post, try_send, |_, _| ());
        processes.run();
        let process = processes.spawn(&post, claim_and_use);
        processes.spawn_thread(process, &post, |post, me| {
            receive(post, me);
            claim_and_use(post, me);
        });
        processes.run();
    });
}

/// Its block is nobody else's while it has it.
fn claim_and_use(post: &Post, me: Process) {
    let Ok(block) = post.queue.claim_block(me.stamp, Deadline::Now) else { return };
    let bytes = &post.queue.memory.block_bytes[block];
    bytes.write(me.thread);
    assert_eq!(bytes.read(), me.thread, "two use one block");
}
