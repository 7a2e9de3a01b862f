//! Leases when somebody dies: nothing is lost, and what is finished is gone.

use super::lease::{give_up, leasing, try_work, work};
use super::post::Post;
use crate::primitive::{Process, Processes, Proof};

fn receive(post: &Post, me: Process) {
    let _ = post.try_recv(me);
}

#[test]
fn a_leaser_dies() {
    Proof::of("lease: a leaser dies").preemptions(2).takes_long().for_each_death(|processes| {
        let post = leasing(processes, 1, 1);
        processes.victim(&post, try_work, |_, _| ());
        processes.spawn(&post, |post, me| {
            receive(post, me);
            receive(post, me);
        });
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

/// Whoever waits is given what the dead leased.
#[test]
fn who_waits_inherits() {
    let proof = Proof::of("lease: somebody waits").with_fresh_loads_only();
    proof.preemptions(2).for_each_death(|processes| {
        let post = leasing(processes, 2, 1);
        processes.victim(
            &post,
            |post, me| {
                // Given back in the end, so that the other one always gets it.
                if let Ok(task) = post.try_lease(me) {
                    post.give_back(me, task);
                }
            },
            |_, _| (),
        );
        processes.spawn(&post, |post, me| assert_eq!(post.recv(me), 0));
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

/// The victim is dead when two others come and find what it left.
fn two_rescue(
    processes: &Processes,
    victim: fn(&Post, Process),
    rescuers: [fn(&Post, Process); 2],
) {
    let post = leasing(processes, 2, 1);
    processes.victim(&post, victim, |_, _| ());
    processes.run();
    for rescuer in rescuers {
        processes.spawn(&post, rescuer);
    }
    processes.run();
    processes.afterwards(&post, Post::settle);
}

#[test]
fn two_rescue_one_lease() {
    let proof = Proof::of("lease: receiver and leaser rescue");
    proof.with_fresh_loads_only().preemptions(3).for_each_death(|processes| {
        two_rescue(processes, work, [receive, try_work]);
    });
    proof.preemptions(1).for_each_death(|processes| {
        two_rescue(processes, work, [receive, receive]);
    });
}

#[test]
fn two_lease_after_a_leaser() {
    let proof = Proof::of("lease: two leasers rescue");
    proof.with_fresh_loads_only().preemptions(3).for_each_death(|processes| {
        two_rescue(processes, work, [try_work, try_work]);
    });
}

#[test]
fn two_rescue_after_who_gives_back() {
    let proof = Proof::of("lease: two after who gave back");
    proof.with_fresh_loads_only().preemptions(3).for_each_death(|processes| {
        two_rescue(processes, give_up, [receive, try_work]);
    });
}

/// A process at both sides sends a message and dies leasing it, while a sender
/// that saw it send waits for its slot.
pub(super) fn a_sender_waits_for_a_leaser(processes: &Processes) {
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
}

#[test]
fn a_sender_rescues_a_leasers_slot() {
    let proof = Proof::of("lease: a sender rescues").with_fresh_loads_only();
    proof.preemptions(2).for_each_death(a_sender_waits_for_a_leaser);
}

/// Whatever the first one left, its rescuer dies over it.
#[test]
fn a_rescuer_dies() {
    let proof = Proof::of("lease: a rescuer dies").with_fresh_loads_only();
    proof.for_each_two_deaths(|processes| {
        let post = leasing(processes, 2, 1);
        for _ in 0..2 {
            processes.victim(&post, try_work, |_, _| ());
            processes.run();
        }
        processes.afterwards(&post, Post::settle);
    });
}
