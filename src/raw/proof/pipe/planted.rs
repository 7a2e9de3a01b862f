//! Planted bugs: that the proofs would see them, by a death.

use super::deaths::one_is_taken;
use super::tube;
use crate::primitive::{Mutant, Processes, Proof};

/// The sender sends one record and keeps its end.
fn one_comes(processes: &Processes) {
    let tube = tube(1);
    let send = |tube: &super::Tube, me| tube.send(&mut super::Cursor::new(), me, 1);
    let sender = processes.victim(&tube, send, |_, _| ());
    let receiver = processes.spawn(&tube, |tube, me| {
        let _ = tube.recv(&mut super::Cursor::new(), me, super::Deadline::Never);
    });
    tube.place(sender, receiver);
    processes.run();
    assert_eq!(tube.pipe.filled(), 0, "lost: committed, and not received");
}

/// What a sender committed just before it died is lost on a receiver that does not
/// look again.
#[test]
fn a_receiver_that_does_not_look_again() {
    let proof = Proof::of("planted: no second look at a pipe").preemptions(2);
    proof.for_each_death(one_comes);
    Mutant::NoSecondLook.plant(|| {
        proof.with_timeouts().explore(one_comes);
        proof.finds("lost", |proof| proof.for_each_death(one_comes));
    });
}

/// Room that a receiver made as its last deed is found by a sender that was told already
/// that it is dead.
#[test]
fn a_sender_that_forgets_the_dead() {
    let proof = Proof::of("planted: a dead receiver forgotten").preemptions(2);
    Mutant::ForgetsTheDead.plant(|| {
        proof.with_timeouts().explore(one_is_taken);
        proof.finds("it stays so", |proof| proof.for_each_death(one_is_taken));
    });
}
