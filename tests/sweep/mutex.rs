//! Rows of the lock. It protects two numbers that are equal, except in the
//! middle of a change: whoever finds them unequal must have been told.

use std::hint::black_box;
use std::mem;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use killproof::Shared;
use killproof::sync::{LockError, Mutex, MutexGuard};

use crate::common::case::Case;
use crate::common::child::fork;
use crate::common::fds;
use crate::common::mapped::Mapped;
use crate::row::{After, Begin, Peer, Row};

type Pair = [u64; 2];

struct World {
    lock: Shared<Mutex<Pair>>,
    /// How many are inside, by their own count.
    inside: Mapped<AtomicU32>,
}

pub fn cases() -> Vec<Case> {
    vec![
        Row::new("Mutex lock", world, lock_and_keep, told_of_the_victim).case(),
        Row::new("Mutex lock, zombie", world, lock_and_keep, told_of_the_victim).zombie().case(),
        Row::new("Mutex lock, first use in a process", world, first_use, told_of_the_victim)
            .every(19, 40)
            .case(),
        Row::new("Mutex lock, waiting", world, lock_and_keep, nobody_is_told)
            .holder(hold)
            .blocks()
            .every(37, 40)
            .case(),
        Row::new("Mutex lock, waiting for one who dies", world, lock_and_keep, somebody_is_told)
            .holder(die_holding)
            .blocks()
            .every(37, 40)
            .case(),
        Row::new("Mutex lock, holder dead", orphaned, lock_and_keep, somebody_is_told)
            .every(37, 40)
            .case(),
        Row::new("Mutex unlock", world, change_and_unlock, again).case(),
        Row::new("Mutex unlock, two asleep", world, change_and_unlock, again)
            .peer(take_and_linger)
            .peer(take_and_linger)
            .case(),
        Row::new("Mutex unlock, two asleep, zombie", world, change_and_unlock, again)
            .peer(take_and_linger)
            .peer(take_and_linger)
            .zombie()
            .case(),
        Row::new("Mutex try_lock", world, try_and_keep, told_of_the_victim).case(),
        Row::new("Mutex try_lock, held", world, try_in_vain, nobody_is_told)
            .holder(hold)
            .every(2, 60)
            .case(),
        Row::new("Mutex try_lock, holder dead", orphaned, try_and_keep, somebody_is_told)
            .every(2, 100)
            .case(),
        Row::new("Mutex lock_timeout", world, lock_timeout_and_keep, told_of_the_victim)
            .every(2, 60)
            .case(),
        Row::new("Mutex lock_timeout, held", world, time_out, nobody_is_told)
            .holder(hold)
            .every(37, 40)
            .case(),
        Row::new("Mutex repair", orphaned, repair, again).every(2, 120).case(),
    ]
}

fn world() -> World {
    let lock = Shared::new(Mutex::new([0, 0])).expect("memory");
    World { lock, inside: Mapped::new(AtomicU32::new(0)) }
}

/// A lock whose holder died in the middle of a change.
fn orphaned() -> World {
    let world = world();
    let holder = fork(|| {
        let mut guard = world.lock.lock().map_err(|e| e.to_string())?;
        guard[0] += 1;
        mem::forget(guard);
        Ok(())
    });
    holder.reap();
    world
}

/// Gets the first use of the stamp over with.
fn warm_up() {
    drop(world().lock.lock());
}

fn change(pair: &mut Pair) {
    for half in pair {
        *black_box(half) += 1;
    }
}

fn lock_and_keep(world: &World, begin: Begin) {
    warm_up();
    begin.now();
    mem::forget(world.lock.lock());
}

fn first_use(world: &World, begin: Begin) {
    begin.now();
    mem::forget(world.lock.lock());
}

fn try_and_keep(world: &World, begin: Begin) {
    warm_up();
    begin.now();
    mem::forget(world.lock.try_lock());
}

fn try_in_vain(world: &World, begin: Begin) {
    warm_up();
    begin.now();
    assert!(matches!(world.lock.try_lock(), Err(LockError::WouldBlock)));
}

fn lock_timeout_and_keep(world: &World, begin: Begin) {
    warm_up();
    begin.now();
    mem::forget(world.lock.lock_timeout(Duration::from_secs(1)));
}

fn time_out(world: &World, begin: Begin) {
    warm_up();
    begin.now();
    let held = world.lock.lock_timeout(Duration::from_micros(1));
    assert!(matches!(held, Err(LockError::TimedOut)));
}

fn change_and_unlock(world: &World, begin: Begin) {
    let mut guard = world.lock.lock().expect("free");
    begin.now();
    change(&mut guard);
    drop(guard);
}

fn repair(world: &World, begin: Begin) {
    warm_up();
    begin.now();
    match world.lock.try_lock() {
        Err(LockError::Abandoned(abandoned)) => drop(abandoned.recover(make_whole)),
        other => panic!("{other:?}"),
    }
}

fn make_whole(pair: &mut Pair) {
    pair[1] = pair[0];
}

fn hold(world: &World, holder: &Peer<'_>) -> Result<(), String> {
    let mut guard = world.lock.lock().map_err(|e| e.to_string())?;
    holder.until_killed();
    change(&mut guard);
    Ok(())
}

/// The holder is killed too, after the victim, in the middle of a change.
fn die_holding(world: &World, holder: &Peer<'_>) -> Result<(), String> {
    let mut guard = world.lock.lock().map_err(|e| e.to_string())?;
    holder.until_killed();
    guard[0] += 1;
    // The harness wants a regular end; the lock cannot tell it from a kill.
    mem::forget(guard);
    Ok(())
}

/// Takes the lock, makes the value whole, and says by whom it was left if not.
fn take(world: &World, stay: impl FnOnce()) -> Result<Option<u32>, String> {
    let (guard, left_by): (MutexGuard<'_, Pair>, _) = match world.lock.lock() {
        Ok(guard) => (guard, None),
        Err(LockError::Abandoned(abandoned)) => {
            let pid = abandoned.pid();
            (abandoned.recover(make_whole), Some(pid))
        }
        Err(other) => return Err(other.to_string()),
    };
    let others = world.inside.fetch_add(1, Ordering::AcqRel);
    stay();
    world.inside.fetch_sub(1, Ordering::AcqRel);
    if others != 0 {
        return Err("two hold the lock".into());
    }
    if guard[0] != guard[1] {
        return Err("a half-made change, and nobody was told".into());
    }
    Ok(left_by)
}

/// Stays inside for long enough that a second heir of a dead holder, whose
/// slice ends meanwhile, is seen beside the first. Any length is right.
fn take_and_linger(world: &World, _: &Peer<'_>) -> Result<(), String> {
    take(world, || thread::sleep(Duration::from_millis(3))).map(drop)
}

/// The next two owners, of whom at most the first is told.
fn take_twice(world: &World, after: &After<'_>) -> Result<Option<u32>, String> {
    let open = fds::open();
    let left_by = take(world, || {})?;
    after.recovered();
    if let Some(pid) = take(world, || {})? {
        return Err(format!("told of process {pid} after the repair"));
    }
    if fds::open() != open {
        return Err(format!("{} descriptors open, before {open}", fds::open()));
    }
    Ok(left_by)
}

/// The victim took the lock or did not; if it did, the next owner is told.
fn told_of_the_victim(world: &World, after: &After<'_>) -> Result<(), String> {
    match take_twice(world, after)? {
        Some(pid) if pid == after.victim() => Ok(()),
        None if !after.finished() => Ok(()),
        other => Err(format!("told of {other:?}, the victim is {}", after.victim())),
    }
}

fn nobody_is_told(world: &World, after: &After<'_>) -> Result<(), String> {
    match take_twice(world, after)? {
        None => Ok(()),
        Some(pid) => Err(format!("told of process {pid}, which did not hold the lock")),
    }
}

/// A holder before the victim died: if nobody repaired, the next one is told.
fn somebody_is_told(world: &World, after: &After<'_>) -> Result<(), String> {
    take_twice(world, after)?.map(drop).ok_or_else(|| "nobody is told".into())
}

fn again(world: &World, after: &After<'_>) -> Result<(), String> {
    take_twice(world, after).map(drop)
}
