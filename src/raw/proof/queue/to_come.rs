//! Coming to a queue by its name: whoever is first waits for the next, and nobody waits
//! for those who have been there and are gone.

use std::sync::Arc;

use super::post::Post;
use super::words::Size;
use crate::deadline::Deadline;
use crate::primitive::{Process, Proof};
use crate::raw::queue::{Side, Stop};

fn nobody(seats: usize) -> Arc<Post> {
    Arc::new(Post::with_peers_to_come(Size { capacity: 1, cells: 0, blocks: 0, seats }))
}

fn come_and_go(post: &Post, me: Process) {
    let seat = post.queue.enter(Side::Send, me.stamp).expect("a seat is free");
    post.queue.leave(Side::Send, seat, me.stamp);
}

#[test]
fn the_first_is_waited_for() {
    Proof::of("peers to come: the first").preemptions(3).explore(|processes| {
        let post = nobody(1);
        processes.spawn(&post, |post, me| {
            let seat = post.queue.enter(Side::Send, me.stamp).expect("a seat is free");
            post.send(me, 10);
            post.queue.leave(Side::Send, seat, me.stamp);
        });
        let receiver = processes.spawn(&post, |post, me| {
            assert_eq!(post.recv(me), 10, "not before anybody has come");
            assert_eq!(post.recv_until(me, Deadline::Never, false), Err(Stop::Disconnected));
        });
        post.queue.enter(Side::Receive, receiver);
        processes.run();
    });
}

/// One who comes and dies at any step, and another who leaves: both have been there.
#[test]
fn the_dead_are_not_waited_for() {
    let proof = Proof::of("peers to come: one dies").with_fresh_loads_only();
    proof.preemptions(1).for_each_death(|processes| {
        let post = nobody(2);
        processes.victim(&post, come_and_go, |_, _| ());
        processes.spawn(&post, come_and_go);
        let receiver = processes.spawn(&post, |post, me| {
            assert_eq!(post.recv_until(me, Deadline::Never, false), Err(Stop::Disconnected));
        });
        post.queue.enter(Side::Receive, receiver);
        processes.run();
    });
}
