//! The ring: each message once, in order and whole, and nobody sleeps on.

use std::sync::Arc;

use super::post::Post;
use super::words::ring_of;
use crate::primitive::{AtomicU64, Ordering::Relaxed, Process, Processes, Proof};

/// A ring, with somebody at each side who stays, and `full` messages in it.
pub(super) fn ring(processes: &Processes, capacity: usize, full: u64) -> Arc<Post> {
    let post = Arc::new(Post::new(ring_of(capacity)));
    processes.afterwards(&post, move |post, me| {
        post.enter(me);
        (0..full).for_each(|n| post.send(me, n));
    });
    post
}

pub(super) fn send(value: u64) -> impl Fn(&Post, Process) + Send {
    move |post, me| post.send(me, value)
}

fn settle(processes: &Processes, post: &Arc<Post>) {
    processes.afterwards(post, |post, me| {
        post.ledger.check_order();
        post.settle(me);
    });
}

#[test]
fn who_finds_it_empty_is_woken() {
    Proof::of("ring of 1: empty").preemptions(3).explore(|processes| {
        let post = ring(processes, 1, 0);
        processes.spawn(&post, send(10));
        processes.spawn(&post, Post::recv);
        processes.run();
        settle(processes, &post);
    });
}

#[test]
fn who_finds_it_full_is_woken() {
    Proof::of("ring of 1: full").preemptions(3).explore(|processes| {
        let post = ring(processes, 1, 1);
        processes.spawn(&post, send(10));
        processes.spawn(&post, Post::recv);
        processes.run();
        settle(processes, &post);
    });
}

/// Three of four slots may be full: room is decided by another slot than the one
/// to be written.
#[test]
fn who_finds_it_full_with_a_slot_free_is_woken() {
    Proof::of("ring of 3: full").preemptions(3).explore(|processes| {
        let post = ring(processes, 3, 3);
        processes.spawn(&post, send(10));
        processes.spawn(&post, Post::recv);
        processes.run();
        settle(processes, &post);
    });
}

#[test]
fn messages_keep_their_order() {
    Proof::of("ring of 1: two of each").preemptions(2).explore(|processes| {
        let post = ring(processes, 1, 0);
        processes.spawn(&post, |post, me| {
            post.send(me, 10);
            post.send(me, 11);
        });
        processes.spawn(&post, |post, me| {
            assert_eq!(post.recv(me), 10);
            assert_eq!(post.recv(me), 11);
        });
        processes.run();
        settle(processes, &post);
    });
}

#[test]
fn two_senders_find_it_full() {
    Proof::of("ring of 1: full for two").with_fresh_loads_only().preemptions(2).explore(
        |processes| {
            let post = ring(processes, 1, 1);
            processes.spawn(&post, send(10));
            processes.spawn(&post, send(20));
            processes.spawn(&post, |post, me| {
                post.recv(me);
                post.recv(me);
            });
            processes.run();
            settle(processes, &post);
        },
    );
}

#[test]
fn two_receivers_find_it_empty() {
    Proof::of("ring of 2: empty for two").with_fresh_loads_only().preemptions(2).explore(
        |processes| {
            let post = ring(processes, 2, 0);
            processes.spawn(&post, Post::recv);
            processes.spawn(&post, Post::recv);
            processes.spawn(&post, |post, me| {
                post.send(me, 10);
                post.send(me, 11);
            });
            processes.run();
            settle(processes, &post);
        },
    );
}

#[test]
fn two_send_and_two_receive() {
    let proof = Proof::of("ring of 1: two and two").with_fresh_loads_only();
    proof.preemptions(2).takes_long().explore(|processes| {
        let post = ring(processes, 1, 0);
        processes.spawn(&post, send(10));
        processes.spawn(&post, send(20));
        processes.spawn(&post, Post::recv);
        processes.spawn(&post, Post::recv);
        processes.run();
        settle(processes, &post);
    });
}

/// Who was woken may find that somebody who did not sleep was faster.
#[test]
fn who_barges_in_costs_nobody_a_wake() {
    Proof::of("ring of 2: a barging receiver").with_fresh_loads_only().preemptions(2).explore(
        |processes| {
            let post = ring(processes, 2, 0);
            processes.spawn(&post, Post::recv);
            processes.spawn(&post, Post::try_recv);
            processes.spawn(&post, |post, me| {
                post.send(me, 10);
                post.send(me, 11);
            });
            processes.run();
            settle(processes, &post);
        },
    );
}

/// A send that returned is seen by every later answer, however it is learnt of.
#[test]
fn an_empty_answer_is_exact() {
    Proof::of("ring of 2: empty is exact").preemptions(2).explore(|processes| {
        let post = Arc::new((ring(processes, 2, 0), AtomicU64::new(0)));
        processes.spawn(&post, |(post, sent), me| {
            post.send(me, 10);
            sent.store(1, Relaxed);
        });
        processes.spawn(&post, |(post, sent), me| {
            post.send(me, 20);
            if sent.load(Relaxed) == 1 {
                assert!(post.try_recv(me).is_ok(), "empty, with two messages in it");
            }
        });
        processes.run();
        settle(processes, &post.0);
    });
}

#[test]
fn no_more_than_the_capacity_is_taken() {
    Proof::of("ring of 3: full is exact").preemptions(2).explore(|processes| {
        let post = ring(processes, 3, 0);
        processes.spawn(&post, |post, me| {
            for value in 10..13 {
                let _ = post.try_send(me, value);
            }
        });
        processes.spawn(&post, |post, me| post.try_send(me, 20));
        processes.run();
        processes.afterwards(&post, |post, me| {
            assert!(post.queue.len() <= 3, "{} messages in a queue for 3", post.queue.len());
            post.settle(me);
        });
    });
}
