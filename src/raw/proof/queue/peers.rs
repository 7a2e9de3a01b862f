//! Peers: nobody hears "nobody is left" while somebody is, and everybody does
//! once nobody is.

use std::sync::Arc;

use super::post::Post;
use super::words::Size;
use crate::deadline::Deadline;
use crate::primitive::{Process, Processes, Proof, Stamp};
use crate::raw::queue::{Side, Stop};

/// A queue at whose sides nobody is yet.
fn nobody(seats: usize) -> Arc<Post> {
    Arc::new(Post::new(Size { capacity: 1, cells: 0, blocks: 1, seats }))
}

/// `stamp` is at `side`; its seat.
fn seat(post: &Post, side: Side, stamp: Stamp) -> usize {
    post.queue.enter(side, stamp).expect("a seat is free")
}

/// Somebody is at both sides, and a sibling will leave `side` while others run.
fn leaving(processes: &Processes, post: &Arc<Post>, side: Side) {
    let process = processes.afterwards(post, |_, _| ());
    let seats = [Side::Send, Side::Receive].map(|side| seat(post, side, process));
    processes.spawn_thread(process, post, move |post, me| {
        post.queue.leave(side, seats[side as usize], me.stamp);
    });
}

fn hear_that_nobody_is_left(post: &Post, me: Process) {
    assert_eq!(post.recv_until(me, Deadline::Never, false), Err(Stop::Disconnected));
}

#[test]
fn a_receiver_is_told() {
    Proof::of("peers: the last sender leaves").preemptions(3).explore(|processes| {
        let post = nobody(1);
        leaving(processes, &post, Side::Send);
        processes.spawn(&post, hear_that_nobody_is_left);
        processes.run();
    });
}

#[test]
fn two_receivers_are_told() {
    let proof = Proof::of("peers: two receivers are told").with_fresh_loads_only();
    proof.preemptions(2).explore(|processes| {
        let post = nobody(1);
        leaving(processes, &post, Side::Send);
        processes.spawn(&post, hear_that_nobody_is_left);
        processes.spawn(&post, hear_that_nobody_is_left);
        processes.run();
    });
}

#[test]
fn the_last_of_two_counts() {
    Proof::of("peers: two senders leave").with_fresh_loads_only().preemptions(3).explore(
        |processes| {
            let post = nobody(2);
            leaving(processes, &post, Side::Send);
            leaving(processes, &post, Side::Send);
            processes.spawn(&post, hear_that_nobody_is_left);
            processes.run();
        },
    );
}

#[test]
fn a_sender_is_told() {
    Proof::of("peers: the last receiver leaves").preemptions(3).explore(|processes| {
        let post = nobody(1);
        leaving(processes, &post, Side::Receive);
        processes.spawn(&post, |post, me| {
            let mut sent = (0..).map(|n| post.send_until(me, n, Deadline::Never));
            assert_eq!(sent.find(|sent| sent.is_err()), Some(Err(Stop::Disconnected)));
        });
        processes.run();
    });
}

#[test]
fn a_sender_that_waits_for_a_block_is_told() {
    Proof::of("peers: left without a block").preemptions(3).explore(|processes| {
        let post = nobody(1);
        leaving(processes, &post, Side::Receive);
        processes.spawn(&post, |post, me| {
            let mut sent = (0..).map(|n| post.send_large_until(me, n, Deadline::Never));
            assert_eq!(sent.find(|sent| sent.is_err()), Some(Err(Stop::Disconnected)));
        });
        processes.run();
    });
}

#[test]
fn what_was_sent_is_received_first() {
    Proof::of("peers: send and leave").preemptions(2).explore(|processes| {
        let post = nobody(1);
        let sender = processes.spawn(&post, |post, me| {
            post.send(me, 10);
            post.queue.leave(Side::Send, 0, me.stamp);
        });
        let receiver = processes.spawn(&post, |post, me| {
            assert_eq!(post.recv(me), 10);
            hear_that_nobody_is_left(post, me);
        });
        seat(&post, Side::Send, sender);
        seat(&post, Side::Receive, receiver);
        processes.run();
    });
}

#[test]
fn who_dies_has_left() {
    Proof::of("peers: the last sender dies").preemptions(2).for_each_death(|processes| {
        let post = nobody(1);
        let victim = processes.victim(
            &post,
            |post, me| {
                post.send(me, 10);
                post.queue.leave(Side::Send, 0, me.stamp);
            },
            |_, _| (),
        );
        seat(&post, Side::Send, victim);
        let receiver = processes.spawn(&post, |post, me| {
            let received = post.recv_until(me, Deadline::Never, false);
            if received.is_ok() {
                hear_that_nobody_is_left(post, me);
            } else {
                assert_eq!(received, Err(Stop::Disconnected));
            }
        });
        seat(&post, Side::Receive, receiver);
        processes.run();
        post.ledger.check();
    });
}

/// Each of several newcomers finds a seat that is free or a dead process's, and
/// none finds the same.
#[test]
fn newcomers_take_the_seats_of_the_dead() {
    let proof = Proof::of("peers: two newcomers").with_fresh_loads_only().preemptions(3);
    proof.for_each_death(|processes| {
        let post = nobody(2);
        let come_and_go = |post: &Post, me: Process| {
            let seat = seat(post, Side::Send, me.stamp);
            assert!(!post.queue.is_deserted(Side::Send, true));
            post.queue.leave(Side::Send, seat, me.stamp);
        };
        processes.victim(&post, come_and_go, |_, _| ());
        processes.run();
        processes.spawn(&post, come_and_go);
        processes.spawn(&post, come_and_go);
        processes.run();
        processes.afterwards(&post, |post, _| {
            assert!(post.queue.is_deserted(Side::Send, true), "a handle is left over");
        });
    });
}

#[test]
fn one_seat_has_one_owner() {
    let proof = Proof::of("peers: one seat for two").with_fresh_loads_only().preemptions(3);
    proof.for_each_death(|processes| {
        let post = nobody(1);
        processes.victim(&post, |post, me| post.queue.enter(Side::Send, me.stamp), |_, _| ());
        processes.run();
        let stamps = [(); 2]
            .map(|()| processes.spawn(&post, |post, me| post.queue.enter(Side::Send, me.stamp)));
        processes.run();
        let left = stamps.map(|stamp| {
            let before = post.queue.is_deserted(Side::Send, true);
            post.queue.leave(Side::Send, 0, stamp);
            before != post.queue.is_deserted(Side::Send, true)
        });
        assert!(left.iter().filter(|left| **left).count() <= 1);
    });
}

/// Handles of threads are counted in one seat or several, but all are counted.
#[test]
fn siblings_are_counted() {
    let proof = Proof::of("peers: siblings").preemptions(2);
    proof.explore(|processes| {
        let post = nobody(2);
        let come_and_go = |post: &Post, me: Process| {
            let first = seat(post, Side::Send, me.stamp);
            let second = seat(post, Side::Send, me.stamp);
            post.queue.leave(Side::Send, first, me.stamp);
            assert!(!post.queue.is_deserted(Side::Send, false), "one handle is left");
            post.queue.leave(Side::Send, second, me.stamp);
        };
        let process = processes.spawn(&post, come_and_go);
        processes.spawn_thread(process, &post, come_and_go);
        processes.run();
        processes.afterwards(&post, |post, _| {
            assert!(post.queue.is_deserted(Side::Send, false), "a handle is left over");
        });
    });
}

/// A parent hands its place over to a child; whoever looks sees one or the
/// other, wherever they sit.
#[test]
fn who_is_replaced_is_not_missed() {
    Proof::of("peers: a parent gives").preemptions(3).explore(|processes| {
        let post = nobody(2);
        let [earlier, parent] = [(); 2].map(|()| processes.afterwards(&post, |_, _| ()));
        let seats = [earlier, parent].map(|stamp| seat(&post, Side::Send, stamp));
        // So the child's place is before its parent's, and looked at first.
        post.queue.leave(Side::Send, seats[0], earlier);
        let child = processes.spawn(&post, |_, _| ());
        processes.spawn_thread(parent, &post, move |post, me| {
            post.queue.give(Side::Send, child);
            post.queue.leave(Side::Send, seats[1], me.stamp);
        });
        processes.spawn(&post, |post, me| {
            assert_eq!(post.recv_until(me, Deadline::Now, false), Err(Stop::TimedOut));
        });
        processes.run();
        assert_eq!(post.queue.claim_credit(Side::Send, child), Some(0));
        assert_eq!(post.queue.claim_credit(Side::Send, child), None);
    });
}
