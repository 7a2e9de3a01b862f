//! Seats change hands: whoever comes waits for those who are there, and not for those
//! of before.

use std::sync::Arc;

use super::Meeting;
use crate::deadline::Deadline;
use crate::primitive::{Patience, Process, Proof, Stamp};
use crate::raw::barrier::{Cause, Stop};

type Outcome = Result<bool, Stop>;

/// Comes, and has no time.
fn look_in(meeting: &Meeting<2>, me: Process, seat: usize) -> Outcome {
    meeting.barrier.wait(seat, me.stamp, Deadline::Now, &Patience::new())
}

/// Two come when all are gone: they get a seat each, and nobody is sent away.
#[test]
fn all_who_are_gone_are_replaced_at_once() {
    Proof::of("barrier: a new crew").preemptions(3).explore(|processes| {
        let meeting = Arc::new(Meeting::<2>::new());
        let gone = [Stamp::new(7, 70), Stamp::new(7, 71)];
        meeting.seat(&gone);
        meeting.barrier.leave(0, gone[0]);
        for _ in 0..2 {
            processes.spawn(&meeting, |meeting, me| {
                let seat = meeting.barrier.take_seat(me.stamp).expect("two seats for two");
                assert!(meeting.wait(me, seat, Deadline::Never).is_ok());
            });
        }
        processes.run();
        assert_eq!(meeting.counts(), [2, 1, 0]);
    });
}

/// Whoever comes after it waits for the newcomers, and not for those of before.
#[test]
fn who_dies_beginning_anew_leaves_nobody_of_before() {
    Proof::of("barrier: one dies beginning anew").for_each_death(|processes| {
        let meeting = Arc::new(Meeting::<2>::new());
        let gone = [Stamp::new(7, 70), Stamp::new(7, 71)];
        meeting.seat(&gone);
        meeting.barrier.leave(0, gone[0]);
        let sits = |meeting: &Meeting<2>, me: Process| meeting.barrier.take_seat(me.stamp);
        let victim = processes.victim(&meeting, sits, |_, _| ());
        processes.run();
        processes.afterwards(&meeting, move |meeting, me| {
            let seat = meeting.barrier.take_seat(me.stamp).expect("two seats for two");
            let [late, died] = [(Cause::TimedOut, me.stamp), (Cause::Died, victim)]
                .map(|(cause, blamed)| Err(Stop::Broken(cause, blamed.pid())));
            let waited = look_in(meeting, me, seat);
            assert!(waited == late || waited == died, "{waited:?}");
        });
    });
}
