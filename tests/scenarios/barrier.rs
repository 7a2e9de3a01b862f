//! The barrier, several victims at once: one that never comes and one that is told
//! of it; one that completes the round and one that should be woken; a crowd.

use std::mem;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use killproof::Shared;
use killproof::sync::{Barrier, Broken};

use crate::common::case::Case;
use crate::common::child::{Child, fork};
use crate::common::mapped::{Gate, Mapped};
use crate::common::script::{Seen, put_to_sleep, wait_ended, wait_woken};
use crate::common::trace::{Stop, Traced, mark};
use crate::{STUCK, finish, kill, scenario};

/// Which sleeper comes to the end of its slice first cannot be chosen.
const TRIES: usize = 50;

const CROWD: usize = 200;
const ROUNDS: u32 = 10;

pub fn cases() -> Vec<Case> {
    vec![
        scenario("barrier, one that never comes and one that is told", never_comes),
        scenario("barrier, the last to come and one it should wake", last_to_come),
        scenario("barrier, a crowd", crowd),
    ]
}

fn soon() -> Instant {
    Instant::now() + STUCK
}

/// One round. The party is kept: given up, it would be to blame as well.
fn wait(barrier: &Shared<Barrier>) -> Result<Result<(), Broken>, String> {
    let mut party = barrier.party().map_err(|e| e.to_string())?;
    let waited = party.wait().map(drop);
    mem::forget(party);
    Ok(waited)
}

/// Of four parties one is killed before it comes. A waiter finds that out and
/// wakes the others, of whom one is killed as it leaves its futex call. All that
/// are left must be told of the one that did not come.
fn never_comes() -> Result<String, String> {
    for _ in 0..TRIES {
        let barrier = Shared::new(Barrier::new(4)).map_err(|e| e.to_string())?;
        let has_a_party = Mapped::new(Gate::default());
        let absent = fork(|| {
            mem::forget(barrier.party().map_err(|e| e.to_string())?);
            has_a_party.open();
            Mapped::new(Gate::default()).pass();
            Ok(())
        });
        has_a_party.pass();
        let blamed = Broken::Died(absent.pid().as_raw() as u32);
        let waiter = || {
            Traced::start(|| match wait(&barrier)? {
                Err(broken) if broken == blamed => Ok(()),
                other => Err(format!("{other:?}, not {blamed:?}")),
            })
        };
        let waiters = [waiter()?, waiter()?, waiter()?];
        let mut left: Vec<&Traced> = waiters.iter().collect();
        if put_to_sleep(&left, soon())? != Seen::AllAsleep {
            return Err("the waiters do not sleep".into());
        }
        kill(&absent);
        let mut killed = false;
        while let Some(sleeper) = left.first().copied() {
            match wait_woken(&left, soon())? {
                Seen::Woken(index) if !killed => {
                    kill(left.remove(index).child());
                    killed = true;
                }
                Seen::Woken(index) => left[index].resume()?,
                Seen::Ended(index, Ok(())) => drop(left.remove(index)),
                other => return Err(format!("{other:?}, {}", sleeper.child().whereabouts())),
            }
        }
        if killed {
            return Ok(String::new());
        }
    }
    Err(format!("spoiled {TRIES} times"))
}

/// The last of three is killed after it has completed the round, before it wakes
/// anybody, and with it one of the sleepers. The other was let through.
fn last_to_come() -> Result<String, String> {
    let barrier = Shared::new(Barrier::new(3)).map_err(|e| e.to_string())?;
    let waiter = || Traced::start(|| wait(&barrier)?.map_err(|e| e.to_string()));
    let waiters = [waiter()?, waiter()?];
    let both = [&waiters[0], &waiters[1]];
    if put_to_sleep(&both, soon())? != Seen::AllAsleep {
        return Err("the waiters do not sleep".into());
    }
    let last = Traced::start(|| {
        let mut party = barrier.party().map_err(|e| e.to_string())?;
        mark();
        party.wait().map(drop).map_err(|e| e.to_string())
    })?;
    last.run_to_mark()?;
    last.resume()?;
    // Its first system call is the wake, and it is about to enter it.
    match last.wait(soon()) {
        Some(Stop::Syscall) => {}
        other => return Err(format!("the last to come: {other:?}")),
    }
    kill(waiters[0].child());
    kill(last.child());
    match wait_ended(&waiters[1], soon())? {
        Seen::Ended(_, Ok(())) => Ok(String::new()),
        other => Err(format!("the other waiter: {other:?}")),
    }
}

/// Two hundred parties meet again and again.
fn crowd() -> Result<String, String> {
    let barrier = Shared::new(Barrier::<CROWD>::with_capacity(CROWD)).map_err(|e| e.to_string())?;
    let come: Mapped<[AtomicU32; ROUNDS as usize]> =
        Mapped::new([const { AtomicU32::new(0) }; ROUNDS as usize]);
    let leaders = Mapped::new(AtomicU32::new(0));
    let parties: Vec<Child> = (0..CROWD)
        .map(|_| {
            fork(|| {
                let mut party = barrier.party().map_err(|e| e.to_string())?;
                for come in come.iter() {
                    come.fetch_add(1, Ordering::AcqRel);
                    let result = party.wait().map_err(|e| e.to_string())?;
                    leaders.fetch_add(result.is_leader().into(), Ordering::AcqRel);
                    if come.load(Ordering::Acquire) != CROWD as u32 {
                        return Err("let through before all had come".into());
                    }
                }
                Ok(())
            })
        })
        .collect();
    for party in parties {
        finish("a party", &party)?;
    }
    match leaders.load(Ordering::Acquire) {
        ROUNDS => Ok(format!("{CROWD} parties, {ROUNDS} rounds")),
        other => Err(format!("{other} leaders in {ROUNDS} rounds")),
    }
}
