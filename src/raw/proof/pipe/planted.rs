//! A planted bug: that the proofs would see it, by a death.

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
