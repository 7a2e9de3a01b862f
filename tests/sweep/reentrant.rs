//! Rows of the reentrant lock. Its value has two halves, so that half a change
//! shows.

use std::mem::forget;
use std::time::{Duration, Instant};

use killproof::Shared;
use killproof::sync::{LockError, OrRecover, ReentrantMutex};

use crate::common::case::Case;
use crate::common::child::fork;
use crate::row::{After, Peer, Row};

type Value = [u64; 2];
type Lock = ReentrantMutex<Value>;

struct World {
    lock: Shared<Lock>,
    /// Who died with the lock before the victim began.
    first: Option<u32>,
}

pub fn cases() -> Vec<Case> {
    vec![
        row("ReentrantMutex lock and unlock", change).case(),
        row("ReentrantMutex lock and unlock, twice at once", change_twice).case(),
        row("ReentrantMutex lock, waiting", change).holder(holds).blocks().every(37, 40).case(),
        row("ReentrantMutex try_lock, held", |lock| drop(lock.try_lock()))
            .holder(holds)
            .every(2, 60)
            .case(),
        row("ReentrantMutex lock_timeout, held", |lock| {
            drop(lock.lock_timeout(Duration::from_millis(1)));
        })
        .holder(holds)
        .every(37, 40)
        .case(),
        unlock("ReentrantMutex unlock, an outer one is left", 2).case(),
        unlock("ReentrantMutex unlock, two asleep", 1).case(),
        orphaned("ReentrantMutex repair", |lock| {
            drop(lock.try_lock().or_recover(repair).expect("nobody else is there"));
        })
        .every(2, 120)
        .case(),
        orphaned("ReentrantMutex not repaired", |lock| drop(lock.try_lock())).every(2, 120).case(),
    ]
}

fn world() -> World {
    World { lock: Shared::new(Lock::new([1, 1])).expect("memory"), first: None }
}

/// Someone has locked twice, changed half of the value, and ended.
fn orphan() -> World {
    let World { lock, .. } = world();
    let owner = fork(|| {
        let outer = lock.lock().map_err(|error| error.to_string())?;
        let inner = lock.lock().map_err(|error| error.to_string())?;
        inner.update(|[_, second]| [2, second]);
        forget((outer, inner));
        Ok(())
    });
    let ended = owner.finish(Instant::now() + Duration::from_secs(60));
    ended.expect("it only locks").expect("the lock is free");
    World { lock, first: Some(owner.pid().as_raw() as u32) }
}

fn row(name: &str, operation: fn(&Lock)) -> Row<World> {
    Row::new(
        name,
        world,
        move |world, begin| {
            // The first use of the thread's and the process's own words.
            drop(Shared::new(Lock::new([0, 0])).expect("memory").lock());
            begin.now();
            operation(&world.lock);
        },
        told,
    )
}

fn orphaned(name: &str, operation: fn(&Lock)) -> Row<World> {
    let mut row = row(name, operation);
    row.world = Box::new(orphan);
    row
}

/// The victim has locked `times`, others sleep, and one unlock is swept.
fn unlock(name: &str, times: usize) -> Row<World> {
    let mut row = row(name, |_| ());
    row.victim = Box::new(move |world, begin| {
        let mut guards: Vec<_> = (0..times).map(|_| world.lock.lock().expect("free")).collect();
        let last = guards.pop();
        last.as_ref().expect("one").set([2, 2]);
        begin.now();
        drop(last);
        forget(guards);
    });
    let peer = |world: &World, _: &Peer<'_>| {
        let guard = world.lock.lock().or_recover(repair).map_err(|error| error.to_string())?;
        same(guard.get())
    };
    row.peer(peer).peer(peer)
}

fn change(lock: &Lock) {
    let guard = lock.lock().expect("free, or given back");
    guard.update(|value| value.map(|half| half + 1));
}

fn change_twice(lock: &Lock) {
    let _outer = lock.lock().expect("free, or given back");
    change(lock);
    change(lock);
}

fn repair(value: &mut Value) {
    value[1] = value[0];
}

/// Holds the lock until the victim is dead.
fn holds(world: &World, holder: &Peer<'_>) -> Result<(), String> {
    let _outer = world.lock.lock().map_err(|error| error.to_string())?;
    let guard = world.lock.lock().map_err(|error| error.to_string())?;
    holder.until_killed();
    same(guard.get())
}

fn same(value: Value) -> Result<(), String> {
    if value[0] == value[1] { Ok(()) } else { Err(format!("half a change shows: {value:?}")) }
}

/// Whoever comes first may be told that the victim, or who was before it, died;
/// after that the lock is as before, and not locked by anybody.
fn told(world: &World, after: &After<'_>) -> Result<(), String> {
    match world.lock.lock() {
        Ok(guard) => same(guard.get())?,
        Err(LockError::Abandoned(abandoned)) => {
            let pid = abandoned.pid();
            if pid != after.victim() && Some(pid) != world.first {
                return Err(format!("abandoned by {pid}"));
            }
            same(abandoned.recover(repair).get())?;
        }
        Err(error) => return Err(error.to_string()),
    }
    after.recovered();
    let shown = format!("{:?}", world.lock);
    if !shown.contains("owner: nobody") {
        return Err(format!("still locked: {shown}"));
    }
    let outer = world.lock.lock().map_err(|error| error.to_string())?;
    let inner = world.lock.try_lock().map_err(|error| error.to_string())?;
    drop(outer);
    same(inner.get())
}
