//! Coming to a pipe by its name: an end is one process's, the next goes on after the
//! dead, and whoever is first waits for the other.

use super::{Side, Tube, tube};
use crate::deadline::Deadline;
use crate::primitive::{Process, Proof};
use crate::raw::pipe::Cursor;

fn join_and_send(tube: &Tube, me: Process, number: u64) {
    assert!(tube.pipe.join(Side::Send, me.stamp), "nobody alive has it");
    assert_eq!(tube.send(&mut Cursor::new(), me, number), Ok(()));
}

/// Whichever comes first, and though the sender is gone when the other comes.
#[test]
fn the_first_waits_for_the_other() {
    Proof::of("pipe joined: in any order").preemptions(3).explore(|processes| {
        let tube = tube(1);
        processes.spawn(&tube, |tube, me| {
            join_and_send(tube, me, 1);
            tube.pipe.leave(Side::Send, me.stamp);
        });
        processes.spawn(&tube, |tube, me| {
            assert!(tube.pipe.join(Side::Receive, me.stamp));
            assert_eq!(tube.recv(&mut Cursor::new(), me, Deadline::Never), Ok(1));
        });
        processes.run();
    });
}

#[test]
fn of_two_one_has_it() {
    Proof::of("pipe joined: two at once").preemptions(3).explore(|processes| {
        let tube = tube(1);
        let join = |tube: &Tube, me: Process| {
            if tube.pipe.join(Side::Send, me.stamp) {
                *tube.sent.lock().unwrap() += 1;
            }
        };
        processes.spawn(&tube, join);
        processes.spawn(&tube, join);
        processes.run();
        assert_eq!(*tube.sent.lock().unwrap(), 1);
    });
}

/// A sender dies at any step of coming and sending. The next one has its end, and whoever
/// receives gets what the first committed, and then what the next sends.
#[test]
fn the_next_goes_on_after_the_dead() {
    Proof::of("pipe joined: a sender dies").preemptions(2).for_each_death(|processes| {
        let tube = tube(2);
        processes.victim(&tube, |tube, me| join_and_send(tube, me, 1), |_, _| ());
        processes.run();
        processes.afterwards(&tube, |tube, me| {
            // Where nobody died, the first has it still.
            if tube.pipe.join(Side::Send, me.stamp) {
                assert_eq!(tube.send(&mut Cursor::new(), me, 2), Ok(()));
            }
        });
        processes.afterwards(&tube, |tube, me| {
            assert!(tube.pipe.join(Side::Receive, me.stamp));
            let mut cursor = Cursor::new();
            while tube.recv(&mut cursor, me, Deadline::Now).is_ok() {}
        });
        let received = tube.received.lock().unwrap().clone();
        let may_be: [&[u64]; 3] = [&[1], &[2], &[1, 2]];
        assert!(may_be.contains(&&*received), "{received:?}");
    });
}
