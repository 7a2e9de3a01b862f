//! The lock of readers and writers, with several victims at once.

use std::array;
use std::mem::forget;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use killproof::Shared;
use killproof::sync::{Abandoned, Guard, LockError, OrRecover, RwLock};

use crate::common::case::Case;
use crate::common::child::{Child, fork};
use crate::common::locks::Lock;
use crate::common::mapped::{Gate, Mapped};
use crate::common::script::{Seen, put_to_sleep, wait_ended};
use crate::common::trace::Traced;
use crate::{STUCK, expect, lost_wakeup, scenario};

/// Together they never leave the lock unread.
const CROWD: usize = 6;
const WRITINGS: u64 = 100;

type Value = [u64; 2];
type World = Shared<RwLock<Value, 4>>;

pub fn cases() -> Vec<Case> {
    vec![
        lost_wakeup::scenario("RwLock among writers", world, false),
        scenario("RwLock, all in the way die at once", all_in_the_way_die),
        scenario("RwLock, heirs die one after the other", heirs_die),
        scenario("RwLock, no writer starves", no_writer_starves),
    ]
}

fn world() -> World {
    Shared::new(RwLock::with_readers([1, 1])).expect("memory")
}

impl Lock for World {
    fn hold(&self, held: &dyn Fn()) {
        let _guard = self.write().or_recover(|_| ()).expect("it waits for as long as it takes");
        held();
    }
}

fn soon() -> Instant {
    Instant::now() + STUCK
}

/// A reader that stays until it is killed.
fn stays(lock: &World, is_in: &Gate) -> Child {
    fork(|| {
        let value = lock.read().map_err(|error| error.to_string())?;
        is_in.open();
        forget(value);
        Gate::default().pass();
        Ok(())
    })
}

fn reads_whole(lock: &World) -> Result<(), String> {
    let value = lock.read().map_err(|error| error.to_string())?;
    if value[0] == value[1] { Ok(()) } else { Err(format!("half a writing: {value:?}")) }
}

fn writes_whole(lock: &World) -> Result<(), String> {
    let mut value = lock.write().map_err(|error| error.to_string())?;
    value[0] += 1;
    value[1] += 1;
    Ok(())
}

/// Two readers are inside, a writer sleeps for them, and behind it another writer
/// and a reader. Both readers and the first writer die. Nobody wrote, so the
/// others get the lock and are told nothing.
fn all_in_the_way_die() -> Result<String, String> {
    let lock = world();
    let gates = Mapped::new([Gate::default(), Gate::default()]);
    let inside = [stays(&lock, &gates[0]), stays(&lock, &gates[1])];
    gates.iter().for_each(Gate::pass);

    let first = Traced::start(|| writes_whole(&lock))?;
    sleeps(&[&first])?;
    let behind = [Traced::start(|| writes_whole(&lock))?, Traced::start(|| reads_whole(&lock))?];
    sleeps(&[&behind[0], &behind[1]])?;

    for child in [&inside[0], first.child(), &inside[1]] {
        child.kill();
    }
    for child in [&inside[0], first.child(), &inside[1]] {
        child.reap();
    }
    for sleeper in &behind {
        match wait_ended(sleeper, soon())? {
            Seen::Ended(_, Ok(())) => {}
            other => return Err(format!("who waited behind the dead: {other:?}")),
        }
    }
    let value = *lock.read().map_err(|error| error.to_string())?;
    if value != [2, 2] {
        return Err(format!("the survivor's writing is lost: {value:?}"));
    }
    Ok(String::new())
}

fn sleeps(sleepers: &[&Traced]) -> Result<(), String> {
    match put_to_sleep(sleepers, soon())? {
        Seen::AllAsleep => Ok(()),
        other => Err(format!("they do not sleep: {other:?}")),
    }
}

fn is_told<G: Guard>(result: Result<G, LockError<G>>, first: u32) -> Result<Abandoned<G>, String> {
    match result {
        Err(LockError::Abandoned(abandoned)) if abandoned.pid() == first => Ok(abandoned),
        Err(error) => Err(format!("not told of {first}, but {error}")),
        Ok(_) => Err("not told".into()),
    }
}

/// A writer dies in the middle, and so does each heir that is told, readers and
/// writers in turn, in the middle of its repair. Every one of them is told of the
/// first; the last repairs, and after it nobody is told.
fn heirs_die() -> Result<String, String> {
    let lock = world();
    let gates = Mapped::new(array::from_fn::<Gate, 6, _>(|_| Gate::default()));
    let writer = fork(|| {
        let mut value = lock.write().map_err(|error| error.to_string())?;
        value[0] = 7;
        gates[0].open();
        forget(value);
        Gate::default().pass();
        Ok(())
    });
    gates[0].pass();
    let first = writer.pid().as_raw() as u32;
    let mut last = writer;
    for (index, gate) in gates.iter().enumerate().skip(1) {
        let heir = fork(|| {
            let halfway = |value: &mut Value| {
                value[0] += 1;
                gate.open();
                Gate::default().pass();
            };
            match index % 2 {
                0 => drop(is_told(lock.read(), first)?.recover(halfway)),
                _ => drop(is_told(lock.write(), first)?.recover(halfway)),
            }
            Ok(())
        });
        last.kill();
        last.reap();
        gate.pass();
        last = heir;
    }
    last.kill();
    last.reap();
    let repaired = is_told(lock.read(), first)?.recover(|value| value[1] = value[0]);
    if *repaired != [12, 12] {
        return Err(format!("what the heirs did is lost: {:?}", *repaired));
    }
    drop(repaired);
    writes_whole(&lock)?;
    reads_whole(&lock)?;
    Ok(String::new())
}

/// Readers come and go, and some only try; there is always one inside. A writer
/// gets in all the same, since it holds back those who come after it.
fn no_writer_starves() -> Result<String, String> {
    let lock = Shared::new(RwLock::<Value, CROWD>::with_readers([0, 0])).expect("memory");
    let inside = Mapped::new(AtomicU64::new(0));
    let reads = |tries: bool| {
        fork(|| {
            loop {
                let value = match tries {
                    true => lock.try_read(),
                    false => lock.read(),
                };
                let Ok(value) = value else { continue };
                if value[0] != value[1] {
                    return Err(format!("half a writing: {:?}", *value));
                }
                inside.fetch_add(1, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(1));
            }
        })
    };
    let readers: [Child; CROWD] = array::from_fn(|index| reads(index % 2 == 0));
    let mut longest = Duration::ZERO;
    for _ in 0..WRITINGS {
        // They are back inside.
        let before = inside.load(Ordering::Relaxed);
        while inside.load(Ordering::Relaxed) < before + CROWD as u64 {
            thread::yield_now();
        }
        let begin = Instant::now();
        let mut value = lock.write_timeout(STUCK).map_err(|error| error.to_string())?;
        longest = longest.max(begin.elapsed());
        value[0] += 1;
        value[1] += 1;
    }
    drop(readers);
    let value = *lock.read().map_err(|error| error.to_string())?;
    expect("writings", value, [WRITINGS; 2])?;
    Ok(format!("ok, {WRITINGS} writings among {CROWD} readers, the longest took {longest:?}"))
}
