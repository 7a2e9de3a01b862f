//! `set` followed at once by `clear` releases everybody who waited at the `set`.
//! The waits have no timeout, and nobody is killed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use killproof::sync::Event;

use crate::common::case::Case;
use crate::common::child::{Child, fork, until};
use crate::common::mapped::Mapped;
use crate::{STUCK, finish, scenario};

const WAITERS: usize = 4;
const ROUNDS: usize = 100;

pub fn cases() -> Vec<Case> {
    vec![scenario("set and clear at once", set_and_clear)]
}

/// Of one waiter, in rounds.
#[derive(Default)]
struct Progress {
    may_wait: AtomicUsize,
    waits: AtomicUsize,
    through: AtomicUsize,
}

fn set_and_clear() -> Result<String, String> {
    let event = Event::new().map_err(|e| e.to_string())?;
    let progress = Mapped::new(<[Progress; WAITERS]>::default());
    let waiter = |index: usize| {
        let (event, own) = (&event, &progress[index]);
        fork(move || {
            for round in 1..=ROUNDS {
                // Awake, so that whoever is seen asleep waits for the event; and
                // not before the flag of the last round is cleared.
                while own.may_wait.load(Ordering::Acquire) < round {
                    thread::yield_now();
                }
                own.waits.store(round, Ordering::Release);
                event.wait();
                own.through.store(round, Ordering::Release);
            }
            Ok(())
        })
    };
    let waiters: [Child; WAITERS] = std::array::from_fn(waiter);
    for round in 1..=ROUNDS {
        progress.iter().for_each(|own| own.may_wait.store(round, Ordering::Release));
        let all =
            |done: &dyn Fn(usize) -> bool| until(Instant::now() + STUCK, || (0..WAITERS).all(done));
        let waits = |index: usize| {
            progress[index].waits.load(Ordering::Acquire) == round && waiters[index].is_asleep()
        };
        if !all(&waits) {
            return Err(format!("round {round}: they do not wait"));
        }
        event.set();
        event.clear();
        if !all(&|index| progress[index].through.load(Ordering::Acquire) == round) {
            return Err(format!("round {round}: not all are released"));
        }
    }
    waiters.iter().try_for_each(|waiter| finish("a waiter", waiter))?;
    Ok(format!("ok, {ROUNDS} rounds of {WAITERS} waiters"))
}
