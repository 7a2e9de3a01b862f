//! Seats change hands: whoever comes waits for those who are there, and nobody is
//! told of a party whose seat was taken before the round began.

use std::sync::Arc;

use super::Meeting;
use crate::deadline::Deadline;
use crate::primitive::{Patience, Process, Proof, Stamp};
use crate::raw::barrier::{Cause, Seat, Stop};

type Outcome = Result<bool, Stop>;

/// Comes, and has no time.
fn look_in(meeting: &Meeting<2>, me: Process, seat: usize) -> Outcome {
    meeting.barrier.wait(seat, me.stamp, Deadline::Now, &Patience::new())
}

fn is_taken_by(meeting: &Meeting<2>, owner: Stamp) -> bool {
    meeting.barrier.seats().next() == Some(Seat::Taken(owner))
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

/// A round that begins with another in the place of the dead is sound, whoever is
/// still at telling those of the one before.
#[test]
fn who_replaces_the_dead_breaks_no_later_round() {
    Proof::of("barrier: the dead is replaced between rounds")
        .preemptions(2)
        .with_fresh_loads_only()
        .for_each_death(|processes| {
            let meeting = Arc::new(Meeting::<2>::new());
            let arrives = |meeting: &Meeting<2>, me: Process| meeting.wait(me, 0, Deadline::Never);
            let victim = processes.victim(&meeting, arrives, |_, _| ());
            let newcomer =
                processes.spawn(&meeting, |meeting, me| meeting.barrier.take_seat(me.stamp));
            let survivor = processes.spawn(&meeting, move |meeting, me| {
                if look_in(meeting, me, 1).is_ok() && is_taken_by(meeting, newcomer) {
                    let late = Stop::Broken(Cause::TimedOut, me.stamp.pid());
                    assert_eq!(look_in(meeting, me, 1), Err(late));
                }
            });
            meeting.seat(&[victim, survivor]);
            processes.run();
        });
}

#[test]
fn who_leaves_breaks_no_round_with_another_in_its_place() {
    Proof::of("barrier: who left is replaced").preemptions(2).with_fresh_loads_only().explore(
        |processes| {
            let meeting = Arc::new(Meeting::<2>::new());
            let leaves =
                processes.spawn(&meeting, |meeting, me| meeting.barrier.leave(0, me.stamp));
            let newcomer =
                processes.spawn(&meeting, |meeting, me| meeting.barrier.take_seat(me.stamp));
            let stays = processes.spawn(&meeting, move |meeting, me| {
                if cfg!(loom) && is_taken_by(meeting, newcomer) {
                    let late = Stop::Broken(Cause::TimedOut, me.stamp.pid());
                    assert_eq!(look_in(meeting, me, 1), Err(late));
                }
            });
            meeting.seat(&[leaves, stays]);
            processes.run();
        },
    );
}
