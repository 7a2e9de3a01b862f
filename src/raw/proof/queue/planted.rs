//! Queues with a planted bug each: that the proofs would see it.

use super::lease::{leasing, try_work};
use super::lease_death::a_sender_waits_for_a_leaser;
use super::post::{Post, value_of};
use super::rank::behind_the_look;
use super::recall::back_behind_the_look;
use super::ring::ring;
use super::wait::{receivers_give_up, senders_give_up};
use crate::primitive::{Mutant, Process, Processes, Proof};

fn receive(post: &Post, me: Process) {
    let _ = post.try_recv(me);
}

fn send_one(post: &Post, me: Process) {
    let _ = post.try_send(me, value_of(me));
}

/// One dies, two come after it.
fn two_come_after(
    victim: fn(&Post, Process),
    two: [fn(&Post, Process); 2],
) -> impl Fn(&Processes) + Send + Sync + Clone {
    move |processes| {
        let post = leasing(processes, 2, 1);
        processes.victim(&post, victim, |_, _| ());
        processes.run();
        for one in two {
            processes.spawn(&post, one);
        }
        processes.run();
        processes.afterwards(&post, Post::settle);
    }
}

/// Without a death the bug is not seen; with one it is.
fn only_a_death_shows(
    mutant: Mutant,
    name: &'static str,
    message: &str,
    body: impl Fn(&Processes) + Send + Sync + Clone + 'static,
) {
    let proof = Proof::of(name).with_fresh_loads_only().preemptions(2);
    proof.for_each_death(body.clone());
    mutant.plant(|| {
        proof.with_timeouts().explore(body.clone());
        proof.finds(message, |proof| proof.for_each_death(body));
    });
}

#[test]
fn a_look_behind_which_something_comes() {
    let proof = Proof::of("rank: no second look at the tickets").with_fresh_loads_only();
    for body in [behind_the_look, back_behind_the_look] {
        Mutant::NoTicketCheck.plant(|| {
            proof.preemptions(2).finds("there is a smaller one", |proof| proof.explore(body));
        });
    }
}

#[test]
fn a_slot_that_nobody_inherits() {
    let body = |processes: &Processes| {
        let post = ring(processes, 1, 0);
        processes.victim(&post, send_one, |_, _| ());
        processes.run();
        processes.spawn(&post, |post, me| {
            receive(post, me);
            post.send(me, 10);
        });
        processes.run();
    };
    only_a_death_shows(Mutant::NoSlotRescue, "planted: no heir of a slot", "not healed", body);
}

#[test]
fn a_slot_that_two_inherit() {
    let body = two_come_after(send_one, [send_one, send_one]);
    only_a_death_shows(Mutant::StoreForCas, "planted: two heirs of a slot", "lost", body);
}

#[test]
fn an_heir_that_does_not_look_again() {
    // It came for a slot that was free, and writes over what was sent meanwhile.
    let body = a_sender_waits_for_a_leaser;
    only_a_death_shows(Mutant::NoSecondLook, "planted: no second look", "lost", body);
}

#[test]
fn a_lease_that_is_not_voided() {
    let body = two_come_after(try_work, [receive, receive]);
    only_a_death_shows(Mutant::NoVoiding, "planted: no voiding", "twice", body);
}

/// This one needs no death.
#[test]
fn a_wake_that_is_kept() {
    let proof = Proof::of("planted: a kept wake").with_fresh_loads_only().preemptions(1);
    for body in [receivers_give_up, senders_give_up] {
        Mutant::KeepsItsWake.plant(|| proof.finds("lost wake", |proof| proof.explore(body)));
    }
}
