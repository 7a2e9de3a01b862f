//! Rows of the lock of readers and writers. Its two shares are few enough to be
//! used up, and its value has two halves, so that half a writing shows.

use std::mem::forget;
use std::thread;
use std::time::{Duration, Instant};

use killproof::Shared;
use killproof::sync::{LockError, OrRecover, RwLock, RwLockWriteGuard};

use crate::common::case::Case;
use crate::common::child::fork;
use crate::row::{After, Peer, Row};

type Value = [u64; 2];
type Lock = RwLock<Value, 2>;

struct World {
    lock: Shared<Lock>,
    /// Who died with the write lock before the victim began.
    first: Option<u32>,
}

pub fn cases() -> Vec<Case> {
    vec![
        row("RwLock read", sound, |lock| drop(lock.read())).case(),
        row("RwLock read, twice at once", sound, |lock| {
            let _outer = lock.read();
            drop(lock.read());
        })
        .case(),
        row("RwLock write", told, write).case(),
        row("RwLock downgrade", told, |lock| {
            let guard = lock.write().expect("free");
            drop(RwLockWriteGuard::downgrade(guard));
        })
        .case(),
        read_waiting().case(),
        write_waiting_for_a_reader().case(),
        write_waiting_for_a_writer().case(),
        row("RwLock read, no share left", sound, |lock| drop(lock.read()))
            .holder(reads)
            .holder(reads)
            .blocks()
            .every(37, 40)
            .case(),
        row("RwLock try_read, refused", sound, |lock| drop(lock.try_read()))
            .holder(writes)
            .every(2, 60)
            .case(),
        row("RwLock try_write, refused", sound, |lock| drop(lock.try_write()))
            .holder(reads)
            .every(2, 60)
            .case(),
        row("RwLock read_timeout, late", sound, |lock| drop(lock.read_timeout(MOMENT)))
            .holder(writes)
            .every(37, 40)
            .case(),
        row("RwLock write_timeout, late", sound, |lock| drop(lock.write_timeout(MOMENT)))
            .holder(reads)
            .every(37, 40)
            .case(),
        read_unlock().case(),
        last_share_unlock().case(),
        write_unlock().case(),
        orphaned("RwLock read after a dead writer", |lock| {
            let value = lock.try_read().or_recover(repair).expect("nobody else is there");
            assert_eq!(value[0], value[1]);
        })
        .case(),
        orphaned("RwLock write after a dead writer", |lock| {
            let value = lock.try_write().or_recover(repair).expect("nobody else is there");
            assert_eq!(value[0], value[1]);
        })
        .case(),
        orphaned("RwLock read after a dead writer, not repaired", |lock| drop(lock.try_read()))
            .case(),
    ]
}

const MOMENT: Duration = Duration::from_millis(1);

fn world() -> World {
    World { lock: Shared::new(Lock::with_readers([1, 1])).expect("memory"), first: None }
}

/// Someone has written half of a value, and ended.
fn orphan() -> World {
    let World { lock, .. } = world();
    let writer = fork(|| {
        let mut value = lock.write().map_err(|error| error.to_string())?;
        value[0] = 2;
        forget(value);
        Ok(())
    });
    let ended = writer.finish(Instant::now() + Duration::from_secs(60));
    ended.expect("it only locks").expect("the lock is free");
    World { lock, first: Some(writer.pid().as_raw() as u32) }
}

type Survive = fn(&World, &After<'_>) -> Result<(), String>;

fn row(name: &str, survive: Survive, operation: fn(&Lock)) -> Row<World> {
    Row::new(
        name,
        world,
        move |world, begin| {
            // The first use of the thread's and the process's own words.
            drop(Shared::new(Lock::with_readers([0, 0])).expect("memory").write());
            begin.now();
            operation(&world.lock);
        },
        survive,
    )
}

fn orphaned(name: &str, operation: fn(&Lock)) -> Row<World> {
    let mut row = row(name, told, operation);
    row.world = Box::new(orphan);
    row
}

fn write(lock: &Lock) {
    let mut value = lock.write().expect("free, or given back");
    value[0] += 1;
    value[1] += 1;
}

fn repair(value: &mut Value) {
    value[1] = value[0];
}

fn read_waiting() -> Row<World> {
    row("RwLock read, waiting", sound, |lock| drop(lock.read()))
        .holder(writes)
        .blocks()
        .every(37, 40)
}

fn write_waiting_for_a_reader() -> Row<World> {
    row("RwLock write, waiting for a reader", sound, write).holder(reads).blocks().every(37, 40)
}

fn write_waiting_for_a_writer() -> Row<World> {
    row("RwLock write, waiting for a writer", sound, write).holder(writes).blocks().every(37, 40)
}

/// The victim is the reader that a writer sleeps for.
fn read_unlock() -> Row<World> {
    let mut row = row("RwLock read unlock, a writer asleep", sound, |_| ());
    row.victim = Box::new(|world, begin| {
        let value = world.lock.read().expect("free");
        begin.now();
        drop(value);
    });
    row.peer(|world, _| write_soundly(&world.lock))
}

/// The victim has the last share, and a reader sleeps for one.
fn last_share_unlock() -> Row<World> {
    let mut row = row("RwLock read unlock, a reader past the limit", sound, |_| ());
    row.victim = Box::new(|world, begin| {
        let value = world.lock.read().expect("free");
        begin.now();
        drop(value);
    });
    row.holder(reads).peer(|world, _| read_soundly(&world.lock))
}

/// The victim is the writer that both kinds sleep for.
fn write_unlock() -> Row<World> {
    let mut row = row("RwLock write unlock, both asleep", told, |_| ());
    row.victim = Box::new(|world, begin| {
        let mut value = world.lock.write().expect("free");
        *value = [2, 2];
        begin.now();
        drop(value);
    });
    let reader = |world: &World, _: &Peer<'_>| {
        let value = world.lock.read().or_recover(repair).map_err(|error| error.to_string())?;
        same(&value)
    };
    row.peer(reader).peer(reader).peer(|world, _| {
        let value = world.lock.write().or_recover(repair).map_err(|error| error.to_string())?;
        same(&value)
    })
}

/// Holds a share until the victim is dead.
fn reads(world: &World, holder: &Peer<'_>) -> Result<(), String> {
    let value = world.lock.read().map_err(|error| error.to_string())?;
    holder.until_killed();
    same(&value)
}

/// Holds the write lock until the victim is dead.
fn writes(world: &World, holder: &Peer<'_>) -> Result<(), String> {
    let value = world.lock.write().map_err(|error| error.to_string())?;
    holder.until_killed();
    same(&value)
}

fn same(value: &Value) -> Result<(), String> {
    if value[0] == value[1] { Ok(()) } else { Err(format!("half a writing shows: {value:?}")) }
}

fn read_soundly(lock: &Lock) -> Result<(), String> {
    same(&*lock.read().map_err(|error| error.to_string())?)
}

fn write_soundly(lock: &Lock) -> Result<(), String> {
    same(&*lock.write().map_err(|error| error.to_string())?)
}

/// Nobody may be told anything: the victim did not begin to write.
fn sound(world: &World, after: &After<'_>) -> Result<(), String> {
    read_soundly(&world.lock)?;
    after.recovered();
    whole(world)
}

/// Whoever comes first may be told that the victim, or who was before it, died.
fn told(world: &World, after: &After<'_>) -> Result<(), String> {
    match world.lock.read() {
        Ok(value) => same(&value)?,
        Err(LockError::Abandoned(abandoned)) => {
            let pid = abandoned.pid();
            if pid != after.victim() && Some(pid) != world.first {
                return Err(format!("abandoned by {pid}"));
            }
            same(&abandoned.recover(repair))?;
        }
        Err(error) => return Err(error.to_string()),
    }
    after.recovered();
    whole(world)
}

/// The lock can be had alone, and by as many readers as there are shares.
fn whole(world: &World) -> Result<(), String> {
    let lock: &Lock = &world.lock;
    write_soundly(lock)?;
    let _first = lock.read().map_err(|error| error.to_string())?;
    thread::scope(|scope| {
        let second = scope.spawn(|| match lock.try_read() {
            Ok(value) => same(&value),
            Err(error) => Err(format!("a share is lost: {error}")),
        });
        second.join().expect("it does not panic")
    })
}
