//! Leases: nothing is lost, nothing that is finished comes back, and attempts
//! are counted; also when leasers and rescuers die.

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

fn try_work(post: &Post, me: Process) {
    if let Ok(task) = post.try_lease(me) {
        post.done(me, task);
    }
}

fn give_up(post: &Post, me: Process) {
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

#[test]
fn what_is_given_back_wakes_somebody() {
    Proof::of("lease: one gives back").preemptions(2).explore(|processes| {
        let post = leasing(processes, 1, 1);
        processes.spawn(&post, give_up);
        processes.spawn(&post, work);
        processes.run();
        processes.afterwards(&post, |post, me| {
            post.settle(me);
        });
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

/// Two come back while two sleep: each is woken.
#[test]
fn two_that_come_back_wake_two() {
    Proof::of("lease: two come back").preemptions(2).explore(|processes| {
        let post = leasing(processes, 2, 2);
        processes.spawn(&post, |post, me| {
            let (first, second) = (post.lease(me), post.lease(me));
            post.give_back(me, first);
            post.give_back(me, second);
        });
        processes.spawn(&post, Post::recv);
        processes.spawn(&post, Post::recv);
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

#[test]
fn a_leaser_dies() {
    Proof::of("lease: a leaser dies").preemptions(2).for_each_death(|processes| {
        let post = leasing(processes, 1, 1);
        processes.victim(&post, work, |_, _| ());
        processes.spawn(&post, |post, me| {
            post.send(me, 10);
            while post.recv(me) != 10 {}
        });
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

#[test]
fn two_rescue_one_lease() {
    Proof::of("lease: two rescuers").preemptions(2).for_each_death(|processes| {
        let post = leasing(processes, 2, 2);
        processes.victim(&post, work, |_, _| ());
        processes.spawn(&post, Post::try_recv);
        processes.spawn(&post, try_work);
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

/// A process at both sides sends a message and dies leasing it, while a sender
/// that saw it send waits for its slot.
#[test]
fn a_sender_rescues_a_leasers_slot() {
    Proof::of("lease: a sender rescues").preemptions(2).for_each_death(|processes| {
        let post = leasing(processes, 2, 0);
        processes.victim(
            &post,
            |post, me| {
                post.send(me, 10);
                work(post, me);
            },
            |_, _| (),
        );
        processes.spawn(&post, |post, me| post.send(me, 20));
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

#[test]
fn who_gives_back_dies() {
    Proof::of("lease: who gives back dies").preemptions(2).for_each_death(|processes| {
        let post = leasing(processes, 1, 1);
        processes.victim(&post, give_up, |_, _| ());
        processes.spawn(&post, |post, me| assert_eq!(post.recv(me), 0));
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

/// A lease was left by a first death; its rescuer is the second.
#[test]
fn a_rescuer_dies() {
    Proof::of("lease: a rescuer dies").preemptions(2).for_each_death(|processes| {
        let post = leasing(processes, 2, 1);
        // Leased by somebody, given back: for a rescuer it is as if it had died.
        processes.afterwards(&post, give_up);
        processes.victim(&post, try_work, |_, _| ());
        processes.spawn(&post, try_work);
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}
