//! One of the two dies at each of its steps. The other one comes to the end, after
//! what was committed, and is not held up.

use super::{Cursor, Side, Stop, tube};
use crate::deadline::Deadline;
use crate::primitive::{Processes, Proof};

#[test]
fn a_sender_dies() {
    for (records, count) in [(1, 2), (2, 2)] {
        let proof = Proof::of("pipe: a sender dies").preemptions(2).takes_long();
        proof.for_each_death(move |processes| {
            let tube = tube(records);
            let sender =
                processes.victim(&tube, move |tube, me| tube.send_all(me, count), |_, _| ());
            let receiver = processes.spawn(&tube, |tube, me| tube.recv_all(me));
            tube.place(sender, receiver);
            processes.run();
            tube.check_all();
        });
    }
}

#[test]
fn a_receiver_dies() {
    Proof::of("pipe: a receiver dies").preemptions(2).for_each_death(one_is_taken);
}

/// The receiver would take one record, and the sender sends two more.
pub(super) fn one_is_taken(processes: &Processes) {
    let tube = tube(1);
    let sender = processes.spawn(&tube, |tube, me| {
        let mut cursor = Cursor::new();
        let sent = (1..=3).try_for_each(|number| tube.send(&mut cursor, me, number));
        assert_eq!(sent, Err(Stop::Disconnected), "sent to nobody");
        // Also where the last deed of the dead made room.
        let sent = tube.send_until(&mut cursor, me, 4, Deadline::Now);
        assert_eq!(sent, Err(Stop::Disconnected), "it stays so");
        assert!(tube.pipe.is_alone(Side::Send, &cursor, false), "it stays so, unasked");
        tube.pipe.leave(Side::Send, me.stamp);
    });
    let receiver = processes.victim(&tube, |tube, me| tube.recv_some(me, 1), |_, _| ());
    tube.place(sender, receiver);
    processes.run();
    tube.check_order();
}

/// Who gave its end to another and then died was not the last to have it.
#[cfg(loom)]
#[test]
fn a_giver_dies() {
    let proof = Proof::of("pipe: a giver dies").preemptions(3);
    proof.for_each_death(|processes| {
        let tube = tube(1);
        let heir = processes.spawn(&tube, |_, _| ());
        let giver = processes.victim(
            &tube,
            move |tube, me| tube.pipe.give(Side::Send, me.stamp, heir),
            |_, _| (),
        );
        let receiver = processes.spawn(&tube, |tube, me| {
            let stop = tube.recv(&mut Cursor::new(), me, Deadline::Now).unwrap_err();
            *tube.end.lock().unwrap() = Some(stop);
        });
        tube.place(giver, receiver);
        processes.run();
        let end = *tube.end.lock().unwrap();
        let is_given = tube.pipe.owner(Side::Send) == Some(heir);
        assert!(end == Some(Stop::TimedOut) || !is_given, "{end:?}, and somebody has the end");
    });
}
