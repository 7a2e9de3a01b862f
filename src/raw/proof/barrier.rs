//! The barrier: let through all or none, and a death keeps nobody waiting.

use std::sync::Arc;
use std::sync::atomic::AtomicU64 as Count;
#[cfg(loom)]
use std::time::Duration;

use crate::deadline::Deadline;
#[cfg(loom)]
use crate::primitive::pass_time;
use crate::primitive::{AtomicU64, Ordering::Relaxed, Patience, Process, Proof, Stamp};
use crate::raw::barrier::{Cause, Stop};
use crate::raw::{Barrier, Event};

/// A barrier of `N` parties, each of which shows the others what it has done.
struct Meeting<const N: usize> {
    barrier: Barrier<N>,
    /// How many rounds each party has begun.
    begun: [AtomicU64; N],
    leaders: Count,
    through: Count,
    broken: Count,
}

type Outcome = Result<bool, Stop>;

impl<const N: usize> Meeting<N> {
    fn new() -> Meeting<N> {
        let barrier = Barrier::new();
        barrier.place(N);
        let begun = core::array::from_fn(|_| AtomicU64::new(0));
        let count = || Count::new(0);
        Meeting { barrier, begun, leaders: count(), through: count(), broken: count() }
    }

    /// Everybody has a seat before anybody begins: in this order.
    fn seat(&self, parties: &[Stamp]) {
        for (index, party) in parties.iter().enumerate() {
            assert_eq!(self.barrier.take_seat(*party), Ok(index));
        }
    }

    fn wait(&self, me: Process, seat: usize, deadline: Deadline) -> Outcome {
        let outcome = self.barrier.wait(seat, me.stamp, deadline, &Patience::new());
        let count = match outcome {
            Ok(is_leader) => {
                self.leaders.fetch_add(is_leader.into(), Relaxed);
                &self.through
            }
            Err(_) => &self.broken,
        };
        count.fetch_add(1, Relaxed);
        outcome
    }

    /// One round; who is let through sees that all have begun it.
    fn meet(&self, me: Process, seat: usize) -> Outcome {
        let round = self.begun[seat].load(Relaxed) + 1;
        self.begun[seat].store(round, Relaxed);
        let outcome = self.wait(me, seat, Deadline::Never);
        if outcome.is_ok() {
            for begun in &self.begun {
                assert!(begun.load(Relaxed) >= round, "let through before somebody came");
            }
        }
        outcome
    }

    fn counts(&self) -> [u64; 3] {
        [&self.through, &self.leaders, &self.broken].map(|count| count.load(Relaxed))
    }
}

#[test]
fn two_meet_twice() {
    Proof::of("barrier: two meet twice").preemptions(4).explore(|processes| {
        let meeting = Arc::new(Meeting::<2>::new());
        let parties = [0, 1].map(|seat| {
            processes.spawn(&meeting, move |meeting, me| {
                assert!(meeting.meet(me, seat).is_ok());
                assert!(meeting.meet(me, seat).is_ok());
            })
        });
        meeting.seat(&parties);
        processes.run();
        assert_eq!(meeting.counts(), [4, 2, 0]);
    });
}

#[test]
fn three_meet() {
    Proof::of("barrier: three meet").preemptions(3).explore(|processes| {
        let meeting = Arc::new(Meeting::<3>::new());
        let parties = [0, 1, 2].map(|seat| {
            processes.spawn(&meeting, move |meeting, me| {
                assert!(meeting.meet(me, seat).is_ok());
            })
        });
        meeting.seat(&parties);
        processes.run();
        assert_eq!(meeting.counts(), [3, 1, 0]);
    });
}

/// The survivor's first round may be completed; in the second nobody comes.
#[test]
fn a_death_breaks_it_for_one() {
    Proof::of("barrier: one of two dies").for_each_death(|processes| {
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
    Proof::of("barrier: one of three dies").preemptions(2).for_each_death(|processes| {
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
    });
}

#[test]
fn who_leaves_is_not_waited_for() {
    Proof::of("barrier: one of two leaves").explore(|processes| {
        let meeting = Arc::new(Meeting::<2>::new());
        let leaves = processes.spawn(&meeting, |meeting, me| meeting.barrier.leave(0, me.stamp));
        let waits = processes.spawn(&meeting, move |meeting, me| {
            assert_eq!(meeting.meet(me, 1), Err(Stop::Broken(Cause::Left, leaves.pid())));
        });
        meeting.seat(&[leaves, waits]);
        processes.run();
    });
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

#[test]
fn an_abort_reaches_everybody() {
    Proof::of("barrier: abort").preemptions(3).explore(|processes| {
        let meeting = Arc::new(Meeting::<3>::new());
        let waits = [0, 1].map(|seat| {
            processes.spawn(&meeting, move |meeting, me| {
                assert!(matches!(meeting.meet(me, seat), Err(Stop::Broken(Cause::Aborted, _))));
            })
        });
        let aborts = processes.spawn(&meeting, |meeting, me| meeting.barrier.abort(me.stamp));
        meeting.seat(&[waits[0], waits[1], aborts]);
        processes.run();
        assert_eq!(meeting.counts(), [0, 0, 2]);
    });
}

/// The time of one is up as the other arrives: both are through, or neither.
#[cfg(loom)]
#[test]
fn a_late_party_is_through_with_all_or_with_nobody() {
    Proof::of("barrier: time is up").explore(|processes| {
        let meeting = Arc::new(Meeting::<2>::new());
        let timed = processes.spawn(&meeting, |meeting, me| {
            let deadline = Deadline::after(Duration::from_secs(1));
            pass_time(Duration::from_secs(1));
            meeting.wait(me, 0, deadline)
        });
        let waits = processes.spawn(&meeting, |meeting, me| {
            if let Err(stop) = meeting.wait(me, 1, Deadline::Never) {
                assert!(matches!(stop, Stop::Broken(Cause::TimedOut, _)));
            }
        });
        meeting.seat(&[timed, waits]);
        processes.run();
        let [through, _, broken] = meeting.counts();
        assert!(through == 2 || broken == 2, "{through} through, {broken} broken");
    });
}

#[test]
fn a_reset_sends_everybody_away_and_opens_the_next_round() {
    Proof::of("barrier: reset").preemptions(3).explore(|processes| {
        let meeting = Arc::new(Meeting::<2>::new());
        let parties = [0, 1].map(|seat| {
            processes.spawn(&meeting, move |meeting, me| {
                if seat == 1 {
                    meeting.barrier.reset();
                }
                // Only who is inside is sent away.
                let mut outcome = meeting.wait(me, seat, Deadline::Never);
                if outcome.is_err() {
                    assert_eq!(seat, 0, "sent away by its own reset");
                    assert!(matches!(outcome, Err(Stop::Broken(Cause::Reset, _))));
                    outcome = meeting.wait(me, seat, Deadline::Never);
                }
                assert!(outcome.is_ok());
            })
        });
        meeting.seat(&parties);
        processes.run();
        assert_eq!(meeting.counts()[..2], [2, 1]);
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
            crew.over.set();
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
                crew.replaced.set();
                crew.meeting.begun[0].store(2, Relaxed);
                assert!(crew.meeting.wait(me, 0, Deadline::Never).is_ok());
            }
        });
        processes.run();
    });
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
