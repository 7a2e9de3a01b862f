//! A queue that is over but for a lease: whoever waits is told nothing before the
//! lease ends, and gets what comes back.
//!
//! For the model alone: on the real machine all are threads of one process, and
//! nobody waits for a lease of its own.

use std::sync::Arc;

use super::lease::leasing;
use super::over::{all_received, close, receive_all};
use super::post::{Post, Task};
use crate::deadline::Deadline;
use crate::primitive::{Process, Processes, Proof};
use crate::raw::queue::{Side, Stop};

/// A closed queue whose last message somebody has leased; a sibling goes on.
fn last_lease(processes: &Processes, ends: fn(&Post, Process, Task)) -> Arc<Post> {
    let post = leasing(processes, 2, 1);
    let process = processes.afterwards(&post, |post, me| {
        post.hold(me);
        close(post, me);
    });
    processes.spawn_thread(process, &post, move |post, me| ends(post, me, post.held()));
    post
}

#[test]
fn who_waits_for_the_last_lease_is_told() {
    Proof::of("over: the last lease is finished").preemptions(3).explore(|processes| {
        let post = last_lease(processes, Post::done);
        processes.spawn(&post, |post, me| {
            receive_all(post, me);
            assert!(post.ledger.is_in_hand(0), "told while somebody leases");
        });
        processes.run();
        processes.afterwards(&post, all_received);
    });
}

#[test]
fn who_waits_gets_what_comes_back() {
    Proof::of("over: the last lease comes back").preemptions(3).explore(|processes| {
        let post = last_lease(processes, Post::give_back);
        processes.spawn(&post, receive_all);
        processes.run();
        processes.afterwards(&post, all_received);
    });
}

/// Whoever looks at the wrong moment is not told either.
#[test]
fn two_wait_for_the_last_lease() {
    let proof = Proof::of("over: two wait for a lease").with_fresh_loads_only();
    proof.preemptions(2).explore(|processes| {
        let post = last_lease(processes, Post::give_back);
        processes.spawn(&post, receive_all);
        processes.spawn(&post, |post, me| {
            while let Ok(task) = post.lease_until(me, Deadline::Never, false) {
                post.done(me, task);
            }
            assert!(post.ledger.is_in_hand(0), "told while somebody leases");
        });
        processes.run();
        processes.afterwards(&post, all_received);
    });
}

#[test]
fn who_waits_inherits() {
    Proof::of("over: the last leaser dies").preemptions(1).for_each_death(|processes| {
        let post = leasing(processes, 1, 1);
        processes.victim(
            &post,
            |post, me| {
                let task = post.lease_until(me, Deadline::Now, false);
                close(post, me);
                task.map(|task| post.give_back(me, task))
            },
            close,
        );
        processes.spawn(&post, receive_all);
        processes.run();
        processes.afterwards(&post, all_received);
    });
}

/// The last sender leaves while the last lease ends.
#[test]
fn the_last_sender_leaves_with_the_last_lease() {
    let proof = Proof::of("over: last sender, last lease").with_fresh_loads_only();
    proof.preemptions(3).explore(|processes| {
        let post = leasing(processes, 1, 1);
        let process = processes.afterwards(&post, Post::hold);
        processes.spawn_thread(process, &post, |post, me| post.done(me, post.held()));
        processes.spawn(&post, |post, _| {
            // In the place of who is at both sides.
            post.leave(Side::Send);
        });
        processes.spawn(&post, |post, me| {
            let end = post.recv_until(me, Deadline::Never, false);
            assert_eq!(end, Err(Stop::Disconnected));
            assert!(post.ledger.is_in_hand(0), "told while somebody leases");
        });
        processes.run();
    });
}
