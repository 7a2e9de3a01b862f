//! Waits at the condition variable, the barrier and the once while a timer
//! interrupts every sleep: the time given passes all the same, a wake comes through,
//! and so does a death.

use std::mem;
use std::time::{Duration, Instant};

use killproof::sync::{Barrier, Broken, Condvar, LockError, Mutex, OnceLock};
use killproof::{Shared, shareable};

use crate::common::case::Case;
use crate::common::child::{Child, fork, until};
use crate::common::interruptions;
use crate::common::mapped::{Gate, Mapped};
use crate::{STUCK, expect, finish, kill, scenario};

/// Ten of these are in the shortest slice.
const EACH: Duration = Duration::from_millis(1);
/// More than a slice.
const TIME: Duration = Duration::from_millis(30);
const ENOUGH: u32 = 20;

shareable! {
    struct Hall { open: Mutex<u64>, moved: Condvar, value: OnceLock<u64> }
}

pub fn cases() -> Vec<Case> {
    vec![
        scenario("interrupted, the time given", time_given),
        scenario("interrupted, a wake", woken),
        scenario("interrupted, a death", told_of_a_death),
    ]
}

fn hall() -> Shared<Hall> {
    let hall = Hall { open: Mutex::new(0), moved: Condvar::new(), value: OnceLock::new() };
    Shared::new(hall).expect("memory")
}

fn barrier() -> Shared<Barrier> {
    Shared::new(Barrier::new(2)).expect("memory")
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

/// A process whose every sleep is interrupted.
fn interrupted(body: impl FnOnce() -> Result<(), String>) -> Child {
    // From here on they are counted together.
    interruptions::count();
    fork(|| {
        interruptions::start(EACH);
        body()
    })
}

/// Waits until those who sleep have been interrupted often.
fn until_interrupted() -> Result<(), String> {
    interruptions::await_more(ENOUGH, STUCK)
}

fn time_given() -> Result<String, String> {
    let (hall, barrier) = (hall(), barrier());
    let child = interrupted(|| {
        let mut waited = Vec::new();
        let mut wait = |name, wait: &dyn Fn() -> Result<bool, String>| {
            let before = Instant::now();
            let timed_out = wait()?;
            waited.push((name, timed_out && before.elapsed() >= TIME));
            Ok::<(), String>(())
        };
        wait("wait_timeout", &|| {
            let guard = hall.open.lock().map_err(text)?;
            Ok(hall.moved.wait_timeout(guard, TIME).map_err(text)?.1.timed_out())
        })?;
        wait("wait_timeout_while", &|| {
            let guard = hall.open.lock().map_err(text)?;
            let waited = hall.moved.wait_timeout_while(guard, TIME, |open| *open == 0);
            Ok(waited.map_err(text)?.1.timed_out())
        })?;
        wait("Party::wait_timeout", &|| {
            let mut party = barrier.party().map_err(text)?;
            Ok(matches!(party.wait_timeout(TIME), Err(Broken::TimedOut(_))))
        })?;
        let expected = waited.iter().map(|(name, _)| (*name, true)).collect();
        expect("what timed out, and not before", waited, expected)
    });
    until_interrupted()?;
    finish("the waiter", &child).map(|()| String::new())
}

fn woken() -> Result<String, String> {
    let (hall, barrier) = (hall(), barrier());
    let mut ours = barrier.party().map_err(text)?;
    let may_end = Mapped::new(Gate::default());
    let begun = Mapped::new(Gate::default());
    let maker = fork(|| {
        let make = || {
            begun.open();
            may_end.pass();
            7
        };
        hall.value.get_or_init(make).map(drop).map_err(text)
    });
    begun.pass();
    let waiters = [
        interrupted(|| {
            let mut guard = hall.open.lock().map_err(text)?;
            while *guard == 0 {
                guard = hall.moved.wait(guard).map_err(text)?;
            }
            Ok(())
        }),
        interrupted(|| {
            let mut its = barrier.party().map_err(text)?;
            let waited = its.wait().map(drop).map_err(text);
            mem::forget(its);
            waited
        }),
        interrupted(|| expect("the value", hall.value.get_or_init(|| 8), Ok(&7))),
    ];
    until_interrupted()?;
    *hall.open.lock().map_err(text)? = 1;
    hall.moved.notify_one();
    may_end.open();
    ours.wait().map_err(text)?;
    for waiter in &waiters {
        finish("a waiter", waiter)?;
    }
    finish("the maker", &maker).map(|()| String::new())
}

/// One process has the mutex and a party, and is at making the value. Killed, it is
/// found out by those who wait, although none of their sleeps lasts for a slice.
fn told_of_a_death() -> Result<String, String> {
    let (hall, barrier) = (hall(), barrier());
    let begun = Mapped::new(Gate::default());
    let wait_for_it = Mapped::new(Gate::default());
    let waiter = interrupted(|| {
        let guard = hall.open.lock().map_err(text)?;
        match hall.moved.wait(guard) {
            Err(LockError::Abandoned(_)) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    // It has given the mutex back.
    let waits = format!("waiting: [{} (", waiter.pid());
    if !until(Instant::now() + STUCK, || format!("{:?}", hall.moved).contains(&waits)) {
        return Err("the waiter does not wait".into());
    }
    let dies = fork(|| {
        mem::forget(barrier.party().map_err(text)?);
        mem::forget(hall.open.lock().map_err(text)?);
        let make = || {
            begun.open();
            wait_for_it.pass();
            7
        };
        hall.value.get_or_init(make).map(drop).map_err(text)
    });
    begun.pass();
    let died = Broken::Died(dies.pid().as_raw() as u32);
    let others = [
        interrupted(|| {
            let mut its = barrier.party().map_err(text)?;
            expect("the barrier", its.wait().map(drop), Err(died))
        }),
        interrupted(|| expect("the value", hall.value.get_or_init(|| 8), Ok(&8))),
    ];
    until_interrupted()?;
    kill(&dies);
    for other in &others {
        finish("who waits", other)?;
    }
    finish("the waiter", &waiter).map(|()| String::new())
}
