//! A party dies at each of its steps.

use std::sync::Arc;

use super::Meeting;
use crate::deadline::Deadline;
use crate::primitive::{Ordering::Relaxed, Patience, Process, Proof};
use crate::raw::Event;
use crate::raw::barrier::{Cause, Stop};
use crate::raw::proof::event::NobodyPolls;

/// The survivor's first round may be completed; in the second nobody comes.
#[test]
fn a_death_breaks_it_for_one() {
    Proof::of("barrier: one of two dies").preemptions(4).for_each_death(|processes| {
        let meeting = Arc::new(Meeting::<2>::new());
        let victim = processes.victim(&meeting, |meeting, me| meeting.meet(me, 0), |_, _| ());
        let survivor = processes.spawn(&meeting, move |meeting, me| {
            let first = meeting.meet(me, 1);
            if first.is_err() {
                assert_eq!(first, Err(Stop::Broken(Cause::Died, victim.pid())));
                assert_eq!(meeting.meet(me, 1), first, "it stays broken");
            }
        });
        meeting.seat(&[victim, survivor]);
        processes.run();
    });
}

#[test]
fn a_death_breaks_it_for_both_or_neither() {
    Proof::of("barrier: one of three dies").preemptions(2).takes_long().for_each_death(
        |processes| {
            let meeting = Arc::new(Meeting::<3>::new());
            // Does not count what becomes of itself.
            let dies = |meeting: &Meeting<3>, me: Process| {
                meeting.begun[0].store(1, Relaxed);
                meeting.barrier.wait(0, me.stamp, Deadline::Never, &Patience::new())
            };
            let victim = processes.victim(&meeting, dies, |_, _| ());
            let survivors = [1, 2].map(|seat| {
                processes.spawn(&meeting, move |meeting, me| {
                    if let Err(stop) = meeting.meet(me, seat) {
                        assert_eq!(stop, Stop::Broken(Cause::Died, victim.pid()));
                    }
                })
            });
            meeting.seat(&[victim, survivors[0], survivors[1]]);
            processes.run();
            let [through, _, broken] = meeting.counts();
            assert!(through == 2 || broken == 2, "{through} through, {broken} broken");
        },
    );
}

/// Each of the two dies at each of its steps, in the round or in the way it ends.
#[test]
fn two_deaths_are_told_like_one() {
    Proof::of("barrier: two of three die").preemptions(1).takes_long().for_each_two_deaths(
        |processes| {
            let meeting = Arc::new(Meeting::<3>::new());
            let victims = [0, 1].map(|seat| {
                let dies = move |meeting: &Meeting<3>, me: Process| {
                    meeting.begun[seat].store(1, Relaxed);
                    meeting.barrier.wait(seat, me.stamp, Deadline::Never, &Patience::new())
                };
                processes.victim(&meeting, dies, |_, _| ())
            });
            let survivor = processes.spawn(&meeting, move |meeting, me| {
                if let Err(stop) = meeting.meet(me, 2) {
                    let died = victims.map(|victim| Stop::Broken(Cause::Died, victim.pid()));
                    assert!(died.contains(&stop), "{stop:?}");
                }
            });
            meeting.seat(&[victims[0], victims[1], survivor]);
            processes.run();
        },
    );
}

#[test]
fn who_dies_as_it_leaves_is_not_waited_for() {
    Proof::of("barrier: one dies leaving").for_each_death(|processes| {
        let meeting = Arc::new(Meeting::<2>::new());
        let leaves = |meeting: &Meeting<2>, me: Process| meeting.barrier.leave(0, me.stamp);
        let victim = processes.victim(&meeting, leaves, |_, _| ());
        let waits = processes.spawn(&meeting, move |meeting, me| {
            let stop = meeting.meet(me, 1).unwrap_err();
            let [died, left] =
                [Cause::Died, Cause::Left].map(|cause| Stop::Broken(cause, victim.pid()));
            assert!(stop == died || stop == left, "{stop:?}");
        });
        meeting.seat(&[victim, waits]);
        processes.run();
    });
}

/// Whether it came to its reset or not, its survivor is told, and when all are
/// gone the barrier is as new.
#[test]
fn who_dies_in_a_reset_is_not_waited_for() {
    Proof::of("barrier: one dies in a reset").preemptions(3).for_each_death(|processes| {
        let meeting = Arc::new(Meeting::<2>::new());
        let resets = |meeting: &Meeting<2>, me: Process| {
            meeting.barrier.reset();
            meeting.barrier.abort(me.stamp);
        };
        let victim = processes.victim(&meeting, resets, |_, _| ());
        let waits = processes.spawn(&meeting, |meeting, me| {
            assert!(meeting.meet(me, 1).is_err(), "nobody else came");
            meeting.barrier.leave(1, me.stamp);
        });
        meeting.seat(&[victim, waits]);
        processes.run();
        processes.afterwards(&meeting, move |meeting, me| {
            meeting.barrier.leave(0, victim);
            for seat in 0..2 {
                assert_eq!(meeting.barrier.take_seat(me.stamp), Ok(seat));
            }
            assert_eq!(meeting.barrier.waiting(), 0);
            assert_eq!(meeting.barrier.broken(), None);
        });
    });
}

/// Whether the dead party had arrived or not, with another in its place the
/// next round is one of the living.
#[test]
fn the_dead_can_be_replaced() {
    struct Crew {
        meeting: Meeting<2>,
        over: Event,
        replaced: Event,
    }
    Proof::of("barrier: the dead is replaced").preemptions(1).for_each_death(|processes| {
        let (over, replaced) = (Event::new(), Event::new());
        let crew = Arc::new(Crew { meeting: Meeting::new(), over, replaced });
        let meets = |crew: &Crew, me: Process| crew.meeting.meet(me, 0);
        let victim = processes.victim(&crew, meets, |_, _| ());
        let survivor = processes.spawn(&crew, |crew, me| {
            let first = crew.meeting.meet(me, 1);
            crew.over.set(&NobodyPolls);
            if first.is_err() {
                assert!(crew.replaced.wait(Deadline::Never));
                assert!(crew.meeting.meet(me, 1).is_ok());
            }
        });
        crew.meeting.seat(&[victim, survivor]);
        processes.spawn(&crew, |crew, me| {
            assert!(crew.over.wait(Deadline::Never));
            if crew.meeting.broken.load(Relaxed) > 0 {
                assert_eq!(crew.meeting.barrier.take_seat(me.stamp), Ok(0));
                crew.meeting.barrier.reset();
                crew.replaced.set(&NobodyPolls);
                crew.meeting.begun[0].store(2, Relaxed);
                assert!(crew.meeting.wait(me, 0, Deadline::Never).is_ok());
            }
        });
        processes.run();
    });
}
