//! Dead letters: a message has no more attempts than it may, and after the last
//! is there for whoever looks for dead letters, once.

use std::sync::Arc;

use super::lease::give_up;
use super::post::Post;
use super::words::Size;
use crate::deadline::Deadline;
use crate::primitive::{Process, Processes, Proof};
use crate::raw::queue::Stop;

/// A queue with one message that may be tried once.
fn once(processes: &Processes) -> Arc<Post> {
    let size = Size { capacity: 1, cells: 2, blocks: 0, seats: 1 };
    let post = Arc::new(Post::limited(size, 1));
    processes.afterwards(&post, |post, me| {
        post.enter(me);
        post.send(me, 0);
    });
    post
}

pub(super) fn try_give_up(post: &Post, me: Process) {
    if let Ok(task) = post.try_lease(me) {
        post.give_back(me, task);
    }
}

/// Attempts in vain, until it is told that nothing comes any more.
pub(super) fn give_up_all(post: &Post, me: Process) {
    while let Ok(task) = post.lease_until(me, Deadline::Never, false) {
        post.give_back(me, task);
    }
}

fn bury(post: &Post, me: Process) {
    let letter = post.letter_until(me, Deadline::Never).expect("there will be one");
    assert_eq!(letter.value, 0);
    assert!(letter.attempts > 1, "an attempt was left");
    post.done(me, letter);
}

fn try_bury(post: &Post, me: Process) {
    if let Ok(letter) = post.letter_until(me, Deadline::Now) {
        post.done(me, letter);
    }
}

#[test]
fn who_waits_for_letters_is_woken() {
    Proof::of("letter: an attempt is given up").preemptions(3).explore(|processes| {
        let post = once(processes);
        processes.spawn(&post, give_up);
        processes.spawn(&post, bury);
        processes.run();
        processes.afterwards(&post, |post, me| {
            assert!(post.ledger.all_received());
            post.settle(me);
        });
    });
}

/// Whoever dies with the last attempt, or over the letter.
#[test]
fn the_last_attempt_dies() {
    let proof = Proof::of("letter: the last attempt dies").with_fresh_loads_only();
    proof.preemptions(1).for_each_death(|processes| {
        let post = once(processes);
        processes.victim(&post, try_give_up, |_, _| ());
        processes.spawn(&post, give_up_all);
        processes.spawn(&post, |post, me| {
            bury(post, me);
            post.queue.close();
        });
        processes.run();
        processes.afterwards(&post, |post, _| post.ledger.check());
    });
}

/// The victim looks at the letter; two others come for it afterwards.
#[test]
fn who_looks_at_a_letter_dies() {
    let proof = Proof::of("letter: its reader dies").with_fresh_loads_only();
    proof.preemptions(3).for_each_death(|processes| {
        let post = once(processes);
        processes.afterwards(&post, try_give_up);
        processes.victim(&post, try_bury, |_, _| ());
        processes.run();
        processes.spawn(&post, try_bury);
        processes.spawn(&post, |post, me| {
            assert_eq!(post.try_recv(me), Err(Stop::TimedOut), "an attempt too many");
            try_bury(post, me);
        });
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

/// A lease that never came about leaves its cell to whoever needs one, also where
/// one attempt is all there is.
#[test]
fn a_void_lease_is_no_letter() {
    let proof = Proof::of("letter: a void lease").with_fresh_loads_only();
    proof.preemptions(2).for_each_death(|processes| {
        let post = once(processes);
        processes.victim(&post, try_give_up, |_, _| ());
        processes.run();
        processes.spawn(&post, try_give_up);
        processes.spawn(&post, try_bury);
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

/// Nothing is left that could become a letter.
#[test]
fn who_waits_for_letters_is_told_the_end() {
    let proof = Proof::of("letter: there will be none").with_fresh_loads_only();
    proof.preemptions(2).explore(|processes| {
        let post = once(processes);
        processes.spawn(&post, |post, me| {
            let task = post.lease(me);
            post.done(me, task);
        });
        processes.spawn(&post, |post, _| post.queue.close());
        processes.spawn(&post, |post, me| {
            let end = post.letter_until(me, Deadline::Never).map(|letter| letter.value);
            assert_eq!(end, Err(Stop::Closed));
            // Run natively, the other is a thread of this process, which nobody in
            // it waits for.
            let is_of_one_process = cfg!(not(loom));
            assert!(is_of_one_process || post.ledger.is_in_hand(0), "told while somebody leases");
        });
        processes.run();
    });
}
