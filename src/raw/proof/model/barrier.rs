//! The barrier against a list of seats, and between threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::deadline::Deadline;
use crate::primitive::{Patience, Stamp, current};
use crate::raw::barrier::{Cause, Stop};
use crate::raw::{Barrier, Refused};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq};
use proptest::prelude::{ProptestConfig, prop_oneof, proptest};

const MOST: usize = 4;

#[derive(Clone, Copy, Debug)]
enum Step {
    Take,
    /// Somebody takes a seat who is killed.
    TakeAndDie,
    /// The party at this seat goes.
    Leave(usize),
    /// The party at this seat comes, and has no time.
    Wait(usize),
    Abort,
    Reset,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Take),
        1 => Just(Step::TakeAndDie),
        1 => (0..MOST).prop_map(Step::Leave),
        3 => (0..MOST).prop_map(Step::Wait),
        1 => Just(Step::Abort),
        1 => Just(Step::Reset),
    ]
}

/// A seat of the model.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Seat {
    Free,
    Mine,
    Dead,
    Left,
}

/// A life of pid 1 that is over.
fn dead() -> Stamp {
    Stamp::new(1 << 31, 1)
}

fn placed(parties: usize) -> Barrier<MOST> {
    let barrier = Barrier::new();
    barrier.place(parties);
    barrier
}

/// Which seat is given out next, in the model.
fn next_seat(seats: &mut [Seat], broken: &mut Option<Cause>) -> Option<usize> {
    let is_gone = |seat: &Seat| matches!(seat, Seat::Dead | Seat::Left);
    if seats.iter().all(is_gone) {
        seats.fill(Seat::Free);
        *broken = None;
    }
    let free = seats.iter().position(|seat| *seat == Seat::Free);
    free.or_else(|| seats.iter().position(is_gone))
}

proptest! {
    #[test]
    fn it_does_what_a_list_of_seats_does(
        parties in 1..=MOST,
        steps in proptest::collection::vec(step(), 0..40),
    ) {
        let (barrier, me) = (placed(parties), current().unwrap());
        let mut seats = vec![Seat::Free; parties];
        let mut broken = None;
        for step in steps {
            match step {
                Step::Take | Step::TakeAndDie => {
                    let dies = matches!(step, Step::TakeAndDie);
                    let taken = barrier.take_seat(if dies { dead() } else { me });
                    let expected = next_seat(&mut seats, &mut broken);
                    prop_assert_eq!(taken, expected.ok_or(Refused::Full));
                    if let Some(seat) = expected {
                        seats[seat] = if dies { Seat::Dead } else { Seat::Mine };
                    }
                }
                Step::Leave(seat) => {
                    barrier.leave(seat, me);
                    if seats.get(seat) == Some(&Seat::Mine) {
                        seats[seat] = Seat::Left;
                    }
                }
                Step::Wait(seat) => {
                    let waited = barrier.wait(seat, me, Deadline::Now, &Patience::new());
                    let first_gone = seats.iter().find_map(|seat| match seat {
                        Seat::Dead => Some(Cause::Died),
                        Seat::Left => Some(Cause::Left),
                        _ => None,
                    });
                    if seats.get(seat) != Some(&Seat::Mine) {
                        prop_assert_eq!(waited, Err(Stop::NotOwner));
                    } else if broken.is_none() && parties == 1 {
                        prop_assert_eq!(waited, Ok(true));
                    } else {
                        let late = first_gone.unwrap_or(Cause::TimedOut);
                        let cause = *broken.get_or_insert(late);
                        let is_it = matches!(waited, Err(Stop::Broken(told, _)) if told == cause);
                        prop_assert!(is_it, "{waited:?}, not {cause:?}");
                    }
                }
                Step::Abort => {
                    barrier.abort(me);
                    broken.get_or_insert(Cause::Aborted);
                }
                Step::Reset => {
                    barrier.reset();
                    broken = None;
                }
            }
            prop_assert_eq!(barrier.broken().is_some(), broken.is_some());
            prop_assert_eq!(barrier.waiting(), 0);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    /// Nobody begins a round before all have ended the one before it, and each
    /// round has one leader. Some come so late that the others sleep.
    #[test]
    fn nobody_is_ahead_of_the_others(
        parties in 1..=MOST,
        late in proptest::collection::vec(any::<u8>(), 20),
    ) {
        let (barrier, me) = (placed(parties), current().unwrap());
        let rounds: Vec<AtomicUsize> = late.iter().map(|_| AtomicUsize::new(0)).collect();
        let leaders = AtomicUsize::new(0);
        thread::scope(|scope| {
            for seat in 0..parties {
                assert_eq!(barrier.take_seat(me), Ok(seat));
                let (barrier, rounds, leaders, late) = (&barrier, &rounds, &leaders, &late);
                scope.spawn(move || {
                    let patience = Patience::new();
                    for (come, late) in rounds.iter().zip(late) {
                        if usize::from(*late) % MOST == seat {
                            (0..u32::from(*late) * 4).for_each(|_| thread::yield_now());
                        }
                        come.fetch_add(1, Ordering::Relaxed);
                        let waited = barrier.wait(seat, me, Deadline::Never, &patience);
                        assert_eq!(come.load(Ordering::Relaxed), parties, "somebody is missing");
                        leaders.fetch_add(usize::from(waited.unwrap()), Ordering::Relaxed);
                    }
                });
            }
        });
        prop_assert_eq!(leaders.into_inner(), rounds.len());
    }
}
