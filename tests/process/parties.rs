//! Parties of a barrier: whose they are after a fork, and after the end of whoever
//! had them.

use std::process::exit;
use std::sync::Arc;

use killproof::Shared;
use killproof::process::spawn;
use killproof::sync::{Barrier, Broken, Party};

use crate::common::case::Case;
use crate::{case, gate};

pub fn cases() -> Vec<Case> {
    vec![
        case("parties::moved_into_a_child", moved_into_a_child),
        case("parties::moved_on_into_a_grandchild", moved_on_into_a_grandchild),
        case("parties::a_copy_is_nobodys", a_copy_is_nobodys),
        case("parties::a_child_that_ends_has_left", a_child_that_ends_has_left),
        case("parties::a_child_that_panics_has_left", a_child_that_panics_has_left),
        case("parties::a_child_that_exits_is_dead", a_child_that_exits_is_dead),
        case("parties::two_crews_one_after_the_other", two_crews_one_after_the_other),
    ]
}

fn barrier(parties: usize) -> Shared<Barrier> {
    Shared::new(Barrier::new(parties)).unwrap()
}

/// All of them, in this process.
fn parties<const N: usize>(barrier: &Shared<Barrier>) -> [Party; N] {
    let parties = [(); N].map(|()| barrier.party().unwrap());
    assert!(barrier.party().unwrap_err().is_limit());
    parties
}

fn moved_into_a_child() {
    let [mut ours, mut its] = parties(&barrier(2));
    let child = spawn(move || its.wait().unwrap().is_leader()).unwrap();
    let leads = ours.wait().unwrap().is_leader();
    assert_eq!(child.join(), Ok(!leads));
}

fn moved_on_into_a_grandchild() {
    let [mut ours, mut its] = parties(&barrier(2));
    let child = spawn(move || spawn(move || its.wait().is_ok()).unwrap().join().unwrap()).unwrap();
    assert!(ours.wait().is_ok());
    assert_eq!(child.join(), Ok(true));
}

/// What sits behind an `Arc` is not handed over: the copy changes nothing.
fn a_copy_is_nobodys() {
    let [mut ours, its] = parties(&barrier(2));
    let its = Arc::new(std::sync::Mutex::new(its));
    let copy = Arc::clone(&its);
    let child = spawn(move || match copy.lock().unwrap().wait() {
        Err(Broken::Failed(error)) => error.is_not_owner(),
        _ => false,
    });
    assert_eq!(child.unwrap().join(), Ok(true));
    assert_eq!(ours.broken(), None);
    let other = spawn(move || ours.wait().is_ok()).unwrap();
    assert!(its.lock().unwrap().wait().is_ok());
    assert_eq!(other.join(), Ok(true));
}

fn a_child_that_ends_has_left() {
    let [mut ours, its] = parties(&barrier(2));
    let child = spawn(move || drop(its)).unwrap();
    assert_eq!(ours.wait(), Err(Broken::Left(child.pid())));
    // It stays so, also for a reset: nobody has taken its place.
    ours.reset();
    assert_eq!(ours.wait(), Err(Broken::Left(child.pid())));
}

fn a_child_that_panics_has_left() {
    let [mut ours, its] = parties(&barrier(2));
    let child = spawn(move || -> () {
        let _its = its;
        std::panic::resume_unwind(Box::new("on purpose"));
    });
    assert_eq!(ours.wait(), Err(Broken::Left(child.unwrap().pid())));
}

fn a_child_that_exits_is_dead() {
    let [mut ours, its] = parties(&barrier(2));
    let child = spawn(move || -> () {
        let _its = its;
        exit(0)
    });
    assert_eq!(ours.wait(), Err(Broken::Died(child.unwrap().pid())));
}

/// Without a reset; the first crew ends one by one, as it likes.
fn two_crews_one_after_the_other() {
    let barrier = barrier(3);
    for crew in 0..3 {
        let go = gate();
        let crew: Vec<_> = parties::<3>(&barrier)
            .into_iter()
            .enumerate()
            .map(|(index, mut party)| {
                let go = Arc::clone(&go);
                spawn(move || {
                    party.wait().unwrap();
                    go.pass();
                    if index == crew {
                        std::mem::forget(party);
                    }
                })
            })
            .collect();
        go.open();
        for child in crew {
            assert_eq!(child.unwrap().join(), Ok(()));
        }
    }
}
