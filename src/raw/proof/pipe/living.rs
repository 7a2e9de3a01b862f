//! The pipe while nobody dies: order, no lost wake, and how it ends.

use super::tube;
use crate::primitive::Proof;
use crate::raw::pipe::Stop;

#[test]
fn records_arrive_whole_and_in_order() {
    for (records, count) in [(1, 2), (2, 3)] {
        let proof = Proof::of("pipe: records across").preemptions(3);
        proof.explore(move |processes| {
            let tube = tube(records);
            let sender = processes.spawn(&tube, move |tube, me| {
                assert_eq!(tube.send_all(me, count), Ok(()));
            });
            let receiver = processes.spawn(&tube, |tube, me| tube.recv_all(me));
            tube.place(sender, receiver);
            processes.run();
            tube.check_all();
            assert_eq!(tube.check_order(), count);
        });
    }
}

/// Who sleeps at an end that was given up is woken.
#[test]
fn nobody_waits_for_an_end_that_was_given_up() {
    Proof::of("pipe: the sender leaves").explore(|processes| {
        let tube = tube(1);
        let sender = processes.spawn(&tube, |tube, me| tube.send_all(me, 0));
        let receiver = processes.spawn(&tube, |tube, me| tube.recv_all(me));
        tube.place(sender, receiver);
        processes.run();
    });
    Proof::of("pipe: the receiver leaves").preemptions(3).explore(|processes| {
        let tube = tube(1);
        let sender = processes.spawn(&tube, |tube, me| {
            assert_eq!(tube.send_all(me, 3), Err(Stop::Disconnected));
        });
        let receiver = processes.spawn(&tube, |tube, me| tube.recv_some(me, 1));
        tube.place(sender, receiver);
        processes.run();
        tube.check_order();
    });
}
