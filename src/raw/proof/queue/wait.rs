//! The waiting loops: who is woken and takes nothing wakes somebody else.

use std::time::Duration;

use super::post::{Post, value_of};
use super::ring::ring;
use crate::deadline::Deadline;
use crate::primitive::{Process, Processes, Proof, pass_time};
use crate::raw::queue::{Source, Stop};

const SECOND: Duration = Duration::from_secs(1);

/// The third one may have let everybody go already.
fn send_unless_closed(post: &Post, me: Process, value: u64) {
    let sent = post.send_until(me, value, Deadline::Never);
    assert!(matches!(sent, Ok(()) | Err(Stop::Closed)), "{sent:?}");
}

/// Two messages wake two receivers that run out of time while somebody else is
/// in their way. The third gets what is left, and then lets go whoever sleeps on
/// because there was nothing for it.
pub(super) fn receivers_give_up(processes: &Processes) {
    let post = ring(processes, 2, 0);
    let deadline = Deadline::after(SECOND);
    for _ in 0..2 {
        processes.spawn(&post, move |post, me| {
            if post.recv_until(me, deadline, false).is_ok() {
                // For the third.
                send_unless_closed(post, me, value_of(me));
            }
        });
    }
    processes.spawn(&post, |post, me| {
        post.recv(me);
        post.queue.close();
    });
    processes.spawn(&post, |post, me| {
        send_unless_closed(post, me, 10);
        send_unless_closed(post, me, 11);
        let claimed = post.queue.claim_ready(me.stamp, Deadline::Now, false);
        pass_time(SECOND);
        if let Ok(Source::Ring(position)) = claimed {
            post.queue.commit_received(position);
        }
    });
    processes.run();
}

/// One preemption, which is what it takes to lose the wake: two are millions of
/// executions.
#[test]
fn receivers_that_give_up_pass_the_wake_on() {
    let proof = Proof::of("wait: receivers give up").with_fresh_loads_only().preemptions(1);
    proof.explore(receivers_give_up);
}

/// The same for room.
pub(super) fn senders_give_up(processes: &Processes) {
    let post = ring(processes, 2, 2);
    let deadline = Deadline::after(SECOND);
    for _ in 0..2 {
        processes.spawn(&post, move |post, me| {
            if post.send_until(me, value_of(me), deadline).is_ok() {
                // Room for the third.
                post.recv(me);
            }
        });
    }
    processes.spawn(&post, |post, me| {
        post.send(me, 10);
        post.queue.close();
    });
    processes.spawn(&post, |post, me| {
        post.recv(me);
        post.recv(me);
        let claimed = post.queue.claim_free(me.stamp, Deadline::Now);
        pass_time(SECOND);
        if let Ok(position) = claimed {
            post.queue.commit_sent(position);
        }
    });
    processes.run();
}

/// One preemption, as above.
#[test]
fn senders_that_give_up_pass_the_wake_on() {
    let proof = Proof::of("wait: senders give up").with_fresh_loads_only().preemptions(1);
    proof.explore(senders_give_up);
}

/// Who was woken for a message and has no room for a lease leaves it to others.
#[test]
fn who_declines_passes_the_wake_on() {
    let proof = Proof::of("wait: a receiver declines").with_fresh_loads_only().preemptions(2);
    proof.explore(|processes| {
        let post = ring(processes, 1, 0);
        processes.spawn(&post, |post, me| {
            match post.queue.claim_ready(me.stamp, Deadline::Never, false) {
                Ok(Source::Ring(position)) => post.queue.decline(position),
                other => assert_eq!(other, Err(Stop::Closed)),
            }
        });
        processes.spawn(&post, |post, me| {
            post.recv(me);
            post.queue.close();
        });
        processes.spawn(&post, |post, me| post.send(me, 10));
        processes.run();
    });
}
