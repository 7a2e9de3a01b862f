//! The barrier: let through all or none. That a death keeps nobody waiting is shown
//! in `deaths`, who may sit where in `seats`.

mod deaths;
mod seats;

use std::sync::Arc;
use std::sync::atomic::AtomicU64 as Count;
#[cfg(loom)]
use std::time::Duration;

use crate::deadline::Deadline;
#[cfg(loom)]
use crate::primitive::pass_time;
use crate::primitive::{AtomicU64, Ordering::Relaxed, Patience, Process, Proof, Stamp};
use crate::raw::Barrier;
use crate::raw::barrier::{Cause, Stop};

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
    Proof::of("barrier: three meet").preemptions(2).explore(|processes| {
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

/// The one that completes a round resets the next one at once: the other, who has
/// not looked yet, is through all the same.
#[test]
fn a_reset_takes_nothing_back() {
    Proof::of("barrier: a reset after the round").preemptions(3).explore(|processes| {
        let meeting = Arc::new(Meeting::<2>::new());
        let parties = [0, 1].map(|seat| {
            processes.spawn(&meeting, move |meeting, me| {
                let outcome = meeting.meet(me, seat);
                assert!(outcome.is_ok(), "sent away from a round that was completed");
                if outcome == Ok(true) {
                    meeting.barrier.reset();
                }
            })
        });
        meeting.seat(&parties);
        processes.run();
        assert_eq!(meeting.counts(), [2, 1, 0]);
    });
}
