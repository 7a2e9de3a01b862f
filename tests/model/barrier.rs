//! `Barrier`: rounds of threads that one of them may spoil, and what each way to
//! wait says.

use std::thread;
use std::time::Duration;

use killproof::Shared;
use killproof::sync::{Barrier, Broken, Party};
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_assert, prop_oneof, proptest};

/// What one party does in place of waiting.
#[derive(Clone, Copy, Debug)]
enum Spoils {
    Abort,
    Leave,
    HasNoTime,
    Reset,
}

fn spoils() -> impl Strategy<Value = Spoils> {
    prop_oneof![
        Just(Spoils::Abort),
        Just(Spoils::Leave),
        Just(Spoils::HasNoTime),
        Just(Spoils::Reset),
    ]
}

fn barrier(parties: usize) -> (Shared<Barrier<8>>, Vec<Party<8>>) {
    let barrier = Shared::new(Barrier::with_capacity(parties)).unwrap();
    let all = (0..parties).map(|_| barrier.party().unwrap()).collect();
    (barrier, all)
}

/// Whether it led the round, if that was completed all the same.
fn spoil(mut party: Party<8>, how: Spoils, others: usize) -> Option<bool> {
    match how {
        Spoils::Abort => party.abort().unwrap(),
        Spoils::Leave => drop(party),
        // Unless it comes last, or the others come while it looks.
        Spoils::HasNoTime => match party.wait_timeout(Duration::ZERO) {
            Ok(result) => return Some(result.is_leader()),
            Err(broken) => assert!(is_due_to(&broken, how), "{broken:?}"),
        },
        // Only who is inside is sent away.
        Spoils::Reset => {
            while party.waiting() < others {
                thread::yield_now();
            }
            party.reset();
        }
    }
    None
}

fn is_due_to(broken: &Broken, how: Spoils) -> bool {
    let pid = std::process::id();
    *broken
        == match how {
            Spoils::Abort => Broken::Aborted(pid),
            Spoils::Leave => Broken::Left(pid),
            Spoils::HasNoTime => Broken::TimedOut(pid),
            Spoils::Reset => Broken::Reset,
        }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// All get through the rounds before, with one leader each; in the one that is
    /// spoilt all the others are told, and by whom.
    #[test]
    fn a_round_is_for_all_or_for_nobody(
        parties in 2..6_usize,
        whole in 0..10_usize,
        how in spoils(),
    ) {
        let (barrier, mut all) = barrier(parties);
        let mut spoiler = all.pop().unwrap();
        let others = all.len();
        let leads = |party: &mut Party<8>| party.wait().unwrap().is_leader();
        let (leaders, rounds) = thread::scope(|scope| {
            let waiting: Vec<_> = all
                .into_iter()
                .map(|mut party| {
                    scope.spawn(move || {
                        let led = (0..whole).filter(|_| leads(&mut party)).count();
                        // Kept: dropped now, it would be to blame as well.
                        (led, party.wait(), party)
                    })
                })
                .collect();
            let mut led = (0..whole).filter(|_| leads(&mut spoiler)).count();
            let leads_last = spoil(spoiler, how, others);
            led += usize::from(leads_last == Some(true));
            let ends: Vec<_> = waiting.into_iter().map(|thread| thread.join().unwrap()).collect();
            for (its, end, _party) in &ends {
                led += its;
                match end {
                    Ok(result) => {
                        assert!(leads_last.is_some());
                        led += usize::from(result.is_leader());
                    }
                    Err(broken) => {
                        assert!(leads_last.is_none() && is_due_to(broken, how), "{broken:?}");
                    }
                }
            }
            (led, whole + usize::from(leads_last.is_some()))
        });
        prop_assert!(leaders == rounds, "{leaders} leaders in {rounds} rounds");
        prop_assert!(barrier.waiting() == 0);
    }
}

#[test]
fn no_time_breaks_it_and_who_comes_last_needs_none() {
    let (barrier, mut all) = barrier(1);
    assert!(all[0].wait_timeout(Duration::ZERO).unwrap().is_leader());
    drop((barrier, all));
    let (barrier, mut all) = self::barrier(2);
    let timed_out = Broken::TimedOut(std::process::id());
    assert_eq!(all[0].wait_timeout(Duration::ZERO), Err(timed_out.clone()));
    assert_eq!(all[1].wait(), Err(timed_out.clone()), "it stays so");
    assert_eq!(barrier.broken(), Some(timed_out));
}

#[test]
fn all_the_time_there_is_is_not_over() {
    let (barrier, mut all) = barrier(2);
    let mut ours = all.pop().unwrap();
    thread::scope(|scope| {
        let waits = scope.spawn(|| all[0].wait_timeout(Duration::MAX).map(drop));
        while barrier.waiting() == 0 {
            thread::yield_now();
        }
        assert!(ours.wait_timeout(Duration::MAX).unwrap().is_leader());
        assert_eq!(waits.join().unwrap(), Ok(()));
    });
}

#[test]
fn there_are_as_many_parties_as_it_says() {
    let (barrier, mut all) = barrier(3);
    assert!(barrier.party().unwrap_err().is_limit());
    drop(all.pop());
    all.push(barrier.party().unwrap());
    assert!(barrier.party().unwrap_err().is_limit());
    assert_eq!(barrier.parties(), 3);
}

#[test]
#[should_panic = "65 parties at a barrier of 64"]
fn too_many_parties() {
    Barrier::new(65);
}

#[test]
#[should_panic = "a barrier of no parties"]
fn no_parties() {
    Barrier::new(0);
}

#[test]
fn outside_shared_memory_it_says_so() {
    let barrier = Barrier::new(2);
    assert_eq!(format!("{barrier:?}"), "Barrier(unplaced)");
    assert!(barrier.abort().unwrap_err().is_unplaced());
    barrier.reset();
    assert_eq!((barrier.waiting(), barrier.broken()), (0, None));
    let placed = Shared::new(barrier).unwrap();
    let _parties = [placed.party().unwrap(), placed.party().unwrap()];
}

#[test]
fn it_shows_whose_its_parties_are() {
    let (barrier, mut all) = barrier(3);
    let pid = std::process::id();
    drop(all.pop());
    let wanted =
        format!("parties: 3, owners: [{pid} (alive), {pid} (alive)], left: [{pid}], waiting: 0");
    assert!(format!("{barrier:?}").contains(&wanted), "{barrier:?}");
    assert!(format!("{:?}", all[0]).contains(&wanted), "{:?}", all[0]);
}
