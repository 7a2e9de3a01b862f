//! The lost wake-up. W1 and W2 sleep; the owner unlocks and wakes W1; B locks
//! before W1 runs; W1 is killed before it says again that somebody waits; B
//! unlocks and sees no reason to wake anybody. W2 must get the lock all the same.

use std::time::{Duration, Instant};

use killproof::Shared;
use killproof::sync::{Mutex, ReentrantMutex, Semaphore};

use crate::common::case::Case;
use crate::common::child::{Child, fork};
use crate::common::locks::{Lock, NaiveLock, PidLock};
use crate::common::mapped::{Gate, Mapped};
use crate::common::script::{Seen, put_to_sleep, wait_ended, wait_woken};
use crate::common::trace::Traced;
use crate::{LIMIT, STUCK};

/// The limit where the hang is what is to be seen.
const PLANTED: Duration = Duration::from_secs(1);
/// A sleep that ends by itself in the wrong moment spoils a try.
const TRIES: usize = 50;

pub fn cases() -> Vec<Case> {
    vec![
        scenario("naive lock", || Mapped::new(NaiveLock::default()), true),
        scenario("pid lock", || Mapped::new(PidLock::default()), false),
        scenario("Mutex", || Shared::new(Mutex::new(0)).expect("memory"), false),
        scenario("ReentrantMutex", || Shared::new(ReentrantMutex::new(0)).expect("memory"), false),
        scenario("Semaphore", || Shared::new(Semaphore::new(1)).expect("memory"), false),
    ]
}

impl Lock for Shared<Mutex<u8>> {
    fn hold(&self, held: &dyn Fn()) {
        let guard = self.lock().expect("nobody dies holding it");
        held();
        drop(guard);
    }
}

impl Lock for Shared<ReentrantMutex<u8>> {
    fn hold(&self, held: &dyn Fn()) {
        let _outer = self.lock().expect("nobody dies holding it");
        let _inner = self.lock().expect("it has it");
        held();
    }
}

impl Lock for Shared<Semaphore> {
    fn hold(&self, held: &dyn Fn()) {
        let permit = self.acquire().expect("placed");
        held();
        drop(permit);
    }
}

/// The scenario on one kind of lock; `planted`: that lock must get stuck.
pub fn scenario<L: Lock + 'static>(name: &str, lock: fn() -> L, planted: bool) -> Case {
    let name = format!("lost wake-up, {name}");
    Case::new(name.clone(), LIMIT, move || {
        let limit = if planted { PLANTED } else { STUCK };
        for _ in 0..TRIES {
            match (play(&lock(), limit)?, planted) {
                (Outcome::Spoiled, _) => {}
                (Outcome::Stuck, true) => return Ok(format!("scenario {name}: stuck (expected)")),
                (Outcome::Through, false) => return Ok(format!("scenario {name}: ok")),
                (other, _) => return Err(format!("scenario {name}: {other:?}")),
            }
        }
        Err(format!("scenario {name}: spoiled {TRIES} times"))
    })
}

#[derive(Debug)]
enum Outcome {
    Through,
    Stuck,
    Spoiled,
}

#[derive(Default)]
struct Gates {
    owner_holds: Gate,
    owner_may_go: Gate,
    barger_holds: Gate,
    barger_may_go: Gate,
}

fn play<L: Lock>(lock: &L, limit: Duration) -> Result<Outcome, String> {
    let gates = Mapped::new(Gates::default());
    let owner = holder(lock, &gates.owner_holds, &gates.owner_may_go);
    gates.owner_holds.pass();
    let waiter = || {
        Traced::start(|| {
            lock.hold(&|| {});
            Ok(())
        })
    };
    let waiters = [waiter()?, waiter()?];
    let both = [&waiters[0], &waiters[1]];
    let soon = || Instant::now() + STUCK;

    if put_to_sleep(&both, soon())? != Seen::AllAsleep {
        return Err("the waiters do not sleep".into());
    }
    gates.owner_may_go.open();
    let Seen::Woken(first) = wait_woken(&both, soon())? else {
        return Ok(Outcome::Spoiled);
    };
    let barger = holder(lock, &gates.barger_holds, &gates.barger_may_go);
    gates.barger_holds.pass();
    waiters[first].child().kill();
    waiters[first].child().reap();
    gates.barger_may_go.open();
    for process in [owner, barger] {
        let ended = process.finish(Instant::now() + STUCK);
        ended.ok_or("an unlock hangs")??;
    }
    match wait_ended(both[1 - first], Instant::now() + limit)? {
        Seen::Ended(_, Ok(())) => Ok(Outcome::Through),
        Seen::Nothing => Ok(Outcome::Stuck),
        other => Err(format!("the other waiter: {other:?}")),
    }
}

/// A process that takes the lock, says so, and gives it back when told.
fn holder<L: Lock>(lock: &L, holds: &Gate, may_go: &Gate) -> Child {
    fork(|| {
        lock.hold(&|| {
            holds.open();
            may_go.pass();
        });
        Ok(())
    })
}
