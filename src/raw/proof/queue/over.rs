//! When a queue is over: nothing that was sent, and nothing that may come back,
//! is missed by who is told that it is closed or that nobody is left.

use std::sync::Arc;

use super::lease::leasing;
use super::post::{Post, value_of};
use super::ring::ring;
use crate::deadline::Deadline;
use crate::primitive::{Process, Processes, Proof};
use crate::raw::queue::{Side, Stop};

/// Receives until it is told that nothing comes any more.
fn receive_all(post: &Post, me: Process) {
    let mut received = (0..).map(|_| post.recv_until(me, Deadline::Never, false));
    assert_eq!(received.find(|received| received.is_err()), Some(Err(Stop::Closed)));
}

fn receive_one(post: &Post, me: Process) {
    let _ = post.recv_until(me, Deadline::Never, false);
}

fn close(post: &Post, _me: Process) {
    post.queue.close();
}

fn send_one(post: &Post, me: Process) {
    let sent = post.send_until(me, value_of(me), Deadline::Never);
    assert!(matches!(sent, Ok(()) | Err(Stop::Closed)), "{sent:?}");
}

fn all_received(post: &Post, _me: Process) {
    post.ledger.check();
    assert!(post.ledger.all_received(), "sent, and not received, though somebody was told so");
}

#[test]
fn close_misses_nothing() {
    Proof::of("close: one sends").preemptions(2).explore(|processes| {
        let post = ring(processes, 2, 0);
        processes.spawn(&post, send_one);
        processes.spawn(&post, |post, me| {
            close(post, me);
            receive_all(post, me);
        });
        processes.run();
        processes.afterwards(&post, all_received);
    });
}

/// The other receiver leaves after one message.
#[test]
fn close_misses_nothing_of_two() {
    let proof = Proof::of("close: two send, two receive").with_fresh_loads_only();
    proof.preemptions(2).explore(|processes| {
        let post = ring(processes, 2, 0);
        processes.spawn(&post, send_one);
        processes.spawn(&post, send_one);
        processes.spawn(&post, receive_one);
        processes.spawn(&post, |post, me| {
            close(post, me);
            receive_all(post, me);
        });
        processes.run();
        processes.afterwards(&post, all_received);
    });
}

#[test]
fn close_wakes_everybody() {
    Proof::of("close: all sleep").with_fresh_loads_only().preemptions(2).explore(|processes| {
        let post = ring(processes, 1, 0);
        processes.spawn(&post, receive_all);
        processes.spawn(&post, receive_all);
        processes.spawn(&post, close);
        processes.run();
    });
}

#[test]
fn close_wakes_senders() {
    Proof::of("close: senders sleep").with_fresh_loads_only().preemptions(2).explore(|processes| {
        let post = ring(processes, 1, 1);
        processes.spawn(&post, send_one);
        processes.spawn(&post, send_one);
        processes.spawn(&post, close);
        processes.run();
    });
}

/// A sender that dies in its slot, or after its commit, holds up nobody's end.
#[test]
fn a_sender_that_dies_does_not_keep_it_open() {
    Proof::of("close: a sender dies").preemptions(2).for_each_death(|processes| {
        let post = ring(processes, 1, 0);
        processes.victim(&post, send_one, |_, _| ());
        processes.spawn(&post, |post, me| {
            close(post, me);
            receive_all(post, me);
        });
        processes.run();
        processes.afterwards(&post, all_received);
    });
}

#[test]
fn who_closes_dies() {
    Proof::of("close: who closes dies").preemptions(2).for_each_death(|processes| {
        let post = ring(processes, 1, 0);
        // Died before it was closed: somebody closes it in its place.
        processes.victim(&post, close, |post, _| {
            if !post.queue.is_closed() {
                post.queue.close();
            }
        });
        processes.spawn(&post, receive_all);
        processes.run();
    });
}

/// What another process leases, while the queue is closed.
#[cfg(loom)]
mod leased {
    use super::*;
    use crate::raw::proof::queue::post::Task;

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
}
