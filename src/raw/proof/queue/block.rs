//! Blocks: each has one owner, and after a death all are free again or named.

use std::sync::Arc;

use super::lease::work;
use super::post::Post;
use super::words::Size;
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
    Proof::of("block: two senders, one receiver").preemptions(1).explore(|processes| {
        let post = large(processes, 1, 0);
        processes.spawn(&post, send_large(10));
        processes.spawn(&post, send_large(20));
        processes.spawn(&post, |post, me| {
            post.recv(me);
            post.recv(me);
        });
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

#[test]
fn a_sender_dies() {
    Proof::of("block: a sender dies").preemptions(1).for_each_death(|processes| {
        let post = large(processes, 1, 0);
        processes.victim(&post, send_large(10), |_, _| ());
        processes.spawn(&post, send_large(20));
        processes.spawn(&post, Post::recv);
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

#[test]
fn a_receiver_dies() {
    Proof::of("block: a receiver dies").preemptions(2).for_each_death(|processes| {
        let post = large(processes, 1, 1);
        processes.victim(&post, Post::recv, |_, _| ());
        processes.spawn(&post, |post, me| post.try_recv(me));
        processes
            .spawn(&post, |post, me| post.send_large_until(me, 10, crate::deadline::Deadline::Now));
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

#[test]
fn a_leaser_dies() {
    Proof::of("block: a leaser dies").preemptions(2).for_each_death(|processes| {
        let post = large(processes, 1, 1);
        processes.victim(&post, work, |_, _| ());
        processes.spawn(&post, Post::try_recv);
        processes
            .spawn(&post, |post, me| post.send_large_until(me, 10, crate::deadline::Deadline::Now));
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}
