//! Leases: nothing is lost, nothing that is finished comes back, and attempts
//! are counted. With deaths: `lease_death`.

use std::sync::Arc;

use super::post::Post;
use super::words::Size;
use crate::primitive::{Process, Processes, Proof};

/// A queue with `full` messages, and somebody at each side who stays.
pub(super) fn leasing(processes: &Processes, capacity: usize, full: u64) -> Arc<Post> {
    let post = Arc::new(Post::new(Size { capacity, cells: 2, blocks: 0, seats: 1 }));
    processes.afterwards(&post, move |post, me| {
        post.enter(me);
        (0..full).for_each(|n| post.send(me, n));
    });
    post
}

pub(super) fn work(post: &Post, me: Process) {
    let task = post.lease(me);
    post.done(me, task);
}

pub(super) fn try_work(post: &Post, me: Process) {
    if let Ok(task) = post.try_lease(me) {
        post.done(me, task);
    }
}

pub(super) fn give_up(post: &Post, me: Process) {
    let task = post.lease(me);
    post.give_back(me, task);
}

#[test]
fn what_is_finished_is_gone() {
    Proof::of("lease: two work").preemptions(2).explore(|processes| {
        let post = leasing(processes, 2, 2);
        processes.spawn(&post, work);
        processes.spawn(&post, work);
        processes.run();
        processes.afterwards(&post, |post, me| {
            assert!(post.ledger.all_received());
            post.settle(me);
        });
    });
}

/// Somebody has leased `tasks` messages, and will give them back while the others
/// run.
fn giving_back(processes: &Processes, tasks: u64) -> Arc<Post> {
    let post = leasing(processes, 2, tasks);
    let process = processes.afterwards(&post, move |post, me| {
        (0..tasks).for_each(|_| post.hold(me));
    });
    processes.spawn_thread(process, &post, move |post, me| {
        (0..tasks).for_each(|_| post.give_back(me, post.held()));
    });
    post
}

#[test]
fn what_is_given_back_wakes_somebody() {
    Proof::of("lease: one comes back").preemptions(3).explore(|processes| {
        let post = giving_back(processes, 1);
        processes.spawn(&post, Post::recv);
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

#[test]
fn two_that_come_back_wake_two() {
    Proof::of("lease: two come back").with_fresh_loads_only().preemptions(2).explore(|processes| {
        let post = giving_back(processes, 2);
        processes.spawn(&post, Post::recv);
        processes.spawn(&post, Post::recv);
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

/// One of two comes back, while one waits for either.
#[test]
fn what_comes_back_is_not_counted_twice() {
    Proof::of("lease: one back, one sent")
        .with_fresh_loads_only()
        .preemptions(2)
        .takes_long()
        .explore(|processes| {
            let post = giving_back(processes, 1);
            processes.spawn(&post, |post, me| post.send(me, 10));
            processes.spawn(&post, work);
            processes.spawn(&post, Post::recv);
            processes.run();
            processes.afterwards(&post, Post::settle);
        });
}

/// It counts as the second attempt, and comes before the ring.
#[test]
fn what_is_given_back_is_received_first() {
    Proof::of("lease: receive what came back").preemptions(2).explore(|processes| {
        let post = leasing(processes, 2, 1);
        processes.spawn(&post, |post, me| {
            let task = post.lease(me);
            assert_eq!((task.value, task.attempts), (0, 1));
            post.give_back(me, task);
            assert_eq!(post.recv(me), 0);
            assert_eq!(post.recv(me), 10);
        });
        processes.spawn(&post, |post, me| post.send(me, 10));
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}
