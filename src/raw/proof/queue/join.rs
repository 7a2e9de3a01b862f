//! Joining: nobody is told that all is done before it is, and whoever waits is
//! woken by the last, or goes on after its death.

use std::sync::Arc;

use super::lease::{give_up, leasing, try_work, work};
use super::letter::{give_up_all, try_give_up};
use super::over::receive_all;
use super::post::Post;
use super::words::Size;
use crate::deadline::Deadline;
use crate::primitive::{Process, Processes, Proof};
use crate::raw::queue::{Side, Stop};

fn join(post: &Post, _me: Process) {
    assert_eq!(post.queue.join(Deadline::Never), Ok(()));
}

/// The messages from 0, all of them in somebody's hands for good.
fn join_all<const N: u64>(post: &Post, me: Process) {
    join(post, me);
    assert!((0..N).all(|value| post.ledger.is_in_hand(value)), "told while something is undone");
}

#[test]
fn the_last_done_wakes_who_joins() {
    Proof::of("join: one works").preemptions(3).explore(|processes| {
        let post = leasing(processes, 1, 1);
        processes.spawn(&post, work);
        processes.spawn(&post, join_all::<1>);
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

#[test]
fn the_last_of_two_wakes_who_joins() {
    let proof = Proof::of("join: two work").with_fresh_loads_only();
    proof.preemptions(3).explore(|processes| {
        let post = leasing(processes, 2, 2);
        processes.spawn(&post, work);
        processes.spawn(&post, work);
        processes.spawn(&post, join_all::<2>);
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

/// One works and one receives: they look at each other's words.
#[test]
fn the_last_of_two_kinds_wakes_who_joins() {
    let proof = Proof::of("join: one works, one receives").with_fresh_loads_only();
    proof.preemptions(3).explore(|processes| {
        let post = leasing(processes, 2, 2);
        processes.spawn(&post, work);
        processes.spawn(&post, Post::recv);
        processes.spawn(&post, join_all::<2>);
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

/// The first task sends another before it is done: at no moment is all done but
/// at the end.
#[test]
fn a_task_that_sends_another_is_not_slipped_past() {
    fn work_on(post: &Post, me: Process) {
        let task = post.lease(me);
        if task.value == 0 {
            post.send(me, 1);
        }
        post.done(me, task);
    }
    let proof = Proof::of("join: a task sends a task").with_fresh_loads_only();
    proof.preemptions(2).explore(|processes| {
        let post = leasing(processes, 1, 1);
        processes.spawn(&post, work_on);
        processes.spawn(&post, work_on);
        processes.spawn(&post, join_all::<2>);
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

/// What the dead had is done by another, and waited for.
#[test]
fn a_worker_dies() {
    let proof = Proof::of("join: a worker dies").with_fresh_loads_only();
    proof.preemptions(1).for_each_death(|processes| {
        let post = leasing(processes, 1, 1);
        processes.victim(&post, try_work, |_, _| ());
        processes.spawn(&post, receive_all);
        processes.spawn(&post, |post, me| {
            join_all::<1>(post, me);
            post.queue.close();
        });
        processes.run();
        processes.afterwards(&post, |post, _| post.ledger.check());
    });
}

/// Nobody is left who could finish it.
#[test]
fn the_only_worker_dies() {
    let proof = Proof::of("join: the only worker dies").with_fresh_loads_only();
    proof.preemptions(2).for_each_death(|processes| {
        let post = Arc::new(Post::new(Size { capacity: 1, cells: 1, blocks: 0, seats: 1 }));
        processes.afterwards(&post, |post, me| {
            assert_eq!(post.queue.enter(Side::Receive, me.stamp), Some(0));
            post.send(me, 0);
            post.queue.leave(Side::Receive, 0, me.stamp);
        });
        let worker = processes.victim(&post, work, |_, _| ());
        assert_eq!(post.queue.enter(Side::Receive, worker), Some(0));
        processes.spawn(&post, |post, me| match post.queue.join(Deadline::Never) {
            Ok(()) => assert!(post.ledger.is_in_hand(0)),
            Err(stop) => {
                assert_eq!(stop, Stop::Disconnected);
                assert!(!post.ledger.all_received());
                // The next one to come finds it.
                assert_eq!(post.try_recv(me), Ok(0));
            }
        });
        processes.run();
        processes.afterwards(&post, |post, _| post.ledger.check());
    });
}

/// A letter is not waited for, whether its last attempt was given up or its
/// holder died.
#[test]
fn a_last_attempt_ends() {
    fn once(processes: &Processes) -> Arc<Post> {
        let size = Size { capacity: 1, cells: 1, blocks: 0, seats: 1 };
        let post = Arc::new(Post::limited(size, 1));
        processes.afterwards(&post, |post, me| {
            post.enter(me);
            post.send(me, 0);
        });
        post
    }
    Proof::of("join: a last attempt is given up").preemptions(3).explore(|processes| {
        let post = once(processes);
        processes.spawn(&post, give_up);
        processes.spawn(&post, join);
        processes.run();
        processes.afterwards(&post, |post, me| {
            assert_eq!(post.queue.letters(), 1);
            post.settle(me);
        });
    });
    let proof = Proof::of("join: a last attempt ends in death").with_fresh_loads_only();
    proof.preemptions(1).for_each_death(|processes| {
        let post = once(processes);
        processes.victim(&post, try_give_up, |_, _| ());
        processes.spawn(&post, give_up_all);
        processes.spawn(&post, |post, me| {
            join(post, me);
            post.queue.close();
        });
        processes.run();
        processes.afterwards(&post, |post, _| assert_eq!(post.queue.letters(), 1));
    });
}
