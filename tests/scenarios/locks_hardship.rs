//! What every lock and a semaphore must bear: timeouts of nothing and of for ever, a signal every
//! 100 us, owners and waiters that are stopped for seconds, two hundred waiters.
//! Each with an owner that gives the lock back and with one that is killed.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use killproof::Shared;
use nix::sys::signal::{Signal, kill as signal};

use crate::common::case::Case;
use crate::common::child::{Child, fork};
use crate::common::interruptions;
use crate::common::mapped::{Gate, Mapped};
use crate::locks::{Locks, WAITS, Way, locks};
use crate::{expect, fall_asleep, finish, kill, scenario};

/// Several slices; any length is right.
pub const WHILE: Duration = Duration::from_millis(60);
pub const SECONDS: Duration = Duration::from_secs(2);
pub const CROWD: usize = 200;
pub const INTERRUPTIONS: u32 = 20;

pub fn cases() -> Vec<Case> {
    vec![
        scenario("locks, timeouts of zero and of Duration::MAX", || each(zero_and_max)),
        scenario("locks, a signal every 100 us", || each(storm)),
        scenario("locks, an owner stopped for seconds", stopped_owners),
        scenario("locks, a waiter stopped", || each(a_waiter_stopped)),
        scenario("locks, 200 waiters", || each(crowd)),
    ]
}

/// One lock, one who has it, and what becomes of that one.
struct Script {
    ways: [Way; 2],
    locks: Shared<Locks>,
    waiter: Way,
    owner: Child,
    owner_may_go: Mapped<Gate>,
    owner_dies: bool,
    /// Of whose death somebody must be told.
    told: Option<u32>,
}

impl Script {
    fn begin(ways: [Way; 2], owner_dies: bool) -> Result<Script, String> {
        let [owner, waiter] = ways;
        let locks = locks()?;
        let (holds, owner_may_go) = (Mapped::new(Gate::default()), Mapped::new(Gate::default()));
        let child = fork(|| {
            let held = || {
                holds.open();
                owner_may_go.pass();
            };
            expect("told at first", owner.hold(&locks, None, held), Ok(None))
        });
        fall_asleep(&child, &holds)?;
        let told = (owner_dies && owner.changes()).then_some(child.pid().as_raw() as u32);
        Ok(Script { ways, locks, waiter, owner: child, owner_may_go, owner_dies, told })
    }

    /// A process that waits for the lock, asleep.
    fn waits(&self, timeout: Option<Duration>) -> Result<Child, String> {
        let begins = Mapped::new(Gate::default());
        let waiter = fork(|| {
            begins.open();
            expect("told", self.waiter.hold(&self.locks, timeout, || ()), Ok(self.told))
        });
        fall_asleep(&waiter, &begins)?;
        Ok(waiter)
    }

    /// The owner gives the lock back, or dies.
    fn owner_goes(&self) -> Result<(), String> {
        if self.owner_dies {
            kill(&self.owner);
            return Ok(());
        }
        self.owner_may_go.open();
        finish("the owner", &self.owner)
    }

    /// Nobody has the lock, nobody is told any more, nothing is half done.
    fn end(self) -> Result<(), String> {
        let value = self.waiter.value(&self.locks)?;
        expect("the halves", value[0], value[1])
    }
}

/// Every way to wait, for an owner that leaves and for one that dies.
fn each(play: fn(&Script) -> Result<(), String>) -> Result<String, String> {
    for ways in WAITS {
        for owner_dies in [false, true] {
            let words = |reason| format!("{ways:?}, the owner dies: {owner_dies}: {reason}");
            let script = Script::begin(ways, owner_dies).map_err(words)?;
            play(&script).and_then(|()| script.end()).map_err(words)?;
        }
    }
    Ok(format!("ok, {} ways to wait, for the living and the dead", WAITS.len()))
}

fn zero_and_max(script: &Script) -> Result<(), String> {
    let now = script.waiter.hold(&script.locks, Some(Duration::ZERO), || ());
    expect("no time", now.map_err(|error| error.is_timed_out()), Err(true))?;
    let waiter = script.waits(Some(Duration::MAX))?;
    script.owner_goes()?;
    finish("who may wait for ever", &waiter)
}

fn storm(script: &Script) -> Result<(), String> {
    if script.owner_dies {
        // So that it does not go when it may.
        stop(&script.owner)?;
    }
    let in_the_storm = fork(|| {
        interruptions::start(Duration::from_micros(100));
        // In vain at first, often enough to be interrupted often: interruptions
        // make the time no longer and no shorter.
        while interruptions::count() < INTERRUPTIONS {
            let begin = Instant::now();
            let late = script.waiter.hold(&script.locks, Some(WHILE), || ());
            expect("in vain", late.map_err(|error| error.is_timed_out()), Err(true))?;
            expect("not before its time", begin.elapsed() >= WHILE, true)?;
        }
        script.owner_may_go.open();
        expect("told", script.waiter.hold(&script.locks, None, || ()), Ok(script.told))
    });
    script.owner_may_go.pass();
    thread::sleep(WHILE);
    script.owner_goes()?;
    finish("who waits in the storm", &in_the_storm)
}

pub fn stop(child: &Child) -> Result<(), String> {
    signal(child.pid(), Signal::SIGSTOP).map_err(|error| error.to_string())
}

pub fn go_on(child: &Child) -> Result<(), String> {
    signal(child.pid(), Signal::SIGCONT).map_err(|error| error.to_string())
}

/// All at once, since it takes long. Nobody robs the owners.
fn stopped_owners() -> Result<String, String> {
    let mut scripts = Vec::new();
    for ways in WAITS {
        let script = Script::begin(ways, false)?;
        stop(&script.owner)?;
        scripts.push((script.waits(None)?, script));
    }
    thread::sleep(SECONDS);
    for (waiter, script) in &scripts {
        expect("robbed of the lock", waiter.ended(Instant::now()), false)?;
        let in_time = script.waiter.hold(&script.locks, Some(WHILE), || ());
        expect("in time", in_time.map_err(|error| error.is_timed_out()), Err(true))?;
        script.owner_may_go.open();
        go_on(&script.owner)?;
    }
    for (waiter, script) in scripts {
        finish("the owner", &script.owner)?;
        finish("the waiter", &waiter)?;
        script.end()?;
    }
    Ok(format!("ok, for {SECONDS:?}"))
}

/// It takes with it the wake that it gets and does not see. Another goes on.
fn a_waiter_stopped(script: &Script) -> Result<(), String> {
    if script.ways == [Way::Read, Way::Write] || script.waiter == Way::Permits {
        // A writer that waits for readers has the lock already, for the others, and so
        // has the turn who waits for several permits.
        return script.owner_goes();
    }
    // Of the two one is told, if anybody is.
    let told = Mapped::new(AtomicU32::new(0));
    let stopped = counts(script, &told)?;
    stop(&stopped)?;
    let other = counts(script, &told)?;
    script.owner_goes()?;
    finish("the other waiter", &other)?;
    go_on(&stopped)?;
    finish("the stopped waiter", &stopped)?;
    expect("told", told.load(Ordering::Relaxed), script.told.is_some().into())
}

/// A process that waits, asleep, and counts whether it was told.
fn counts(script: &Script, told: &AtomicU32) -> Result<Child, String> {
    let begins = Mapped::new(Gate::default());
    let child = counts_at(script, told, &begins);
    fall_asleep(&child, &begins)?;
    Ok(child)
}

fn counts_at(script: &Script, told: &AtomicU32, begins: &Gate) -> Child {
    fork(|| {
        begins.open();
        let pid = script.waiter.hold(&script.locks, None, || ()).map_err(|e| e.to_string())?;
        told.fetch_add(pid.is_some().into(), Ordering::Relaxed);
        if pid.is_some() { expect("told of", pid, script.told) } else { Ok(()) }
    })
}

fn crowd(script: &Script) -> Result<(), String> {
    let told = Mapped::new(AtomicU32::new(0));
    let gates = Mapped::new(std::array::from_fn::<Gate, CROWD, _>(|_| Gate::default()));
    let waiters: Vec<Child> = gates.iter().map(|begins| counts_at(script, &told, begins)).collect();
    for (waiter, begins) in waiters.iter().zip(gates.iter()) {
        fall_asleep(waiter, begins)?;
    }
    script.owner_goes()?;
    for waiter in &waiters {
        finish("one of many", waiter)?;
    }
    expect("told", told.load(Ordering::Relaxed), script.told.is_some().into())
}
