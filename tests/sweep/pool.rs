//! Rows of those whom a pool or a zygote consists of: its owner, its keeper, a worker,
//! the zygote. Whoever is left is told, or has its answer, and nobody is left over.
//!
//! All but the owner are made by it, and sleep until it wants something.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use killproof::pool::{Pool, PoolError, TaskError};
use killproof::process::{JoinError, SpawnError, Zygote, spawn};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpid};

use crate::common::case::Case;
use crate::common::child::{children_of, is_asleep, is_running};
use crate::common::mapped::{Gate, Mapped, gate};
use crate::process::orphans_end;
use crate::row::{After, Begin, Peer, Row};

struct World {
    victim: Arc<Mapped<AtomicI32>>,
    /// How often the task ran.
    runs: Arc<Mapped<AtomicU32>>,
    /// Who made it.
    owner: Arc<Mapped<AtomicI32>>,
    /// It is to want something, and does now.
    go: Arc<Mapped<Gate>>,
    goes: Arc<Mapped<Gate>>,
}

pub fn cases() -> Vec<Case> {
    vec![
        Row::new("pool apply", world, apply, nobody_is_left).every(31, 40).case(),
        Row::new("pool new", world, make, nobody_is_left).every(4001, 20).case(),
        other("pool keeper, a worker dies", keeper_owner).every(31, 40).case(),
        other("pool worker, one task", worker_owner).every(17, 40).case(),
        other("process Zygote, an order", zygote_owner).every(61, 40).case(),
    ]
}

fn world() -> World {
    World {
        victim: Arc::new(Mapped::new(AtomicI32::new(0))),
        runs: Arc::new(Mapped::new(AtomicU32::new(0))),
        owner: Arc::new(Mapped::new(AtomicI32::new(0))),
        go: gate(),
        goes: gate(),
    }
}

fn pool(world: &World) -> Pool<u32, u32> {
    let runs = Arc::clone(&world.runs);
    let task = move |n| {
        runs.fetch_add(1, Ordering::AcqRel);
        n + 1
    };
    Pool::new(1, task).expect("allowed")
}

fn apply(world: &World, begin: Begin) {
    let pool = pool(world);
    assert_eq!(pool.apply(1), Ok(2));
    begin.now();
    assert_eq!(pool.apply(7), Ok(8));
    mem::forget(pool);
}

fn make(world: &World, begin: Begin) {
    assert_eq!(spawn(|| ()).expect("allowed").join(), Ok(()));
    begin.now();
    mem::forget(pool(world));
}

fn nobody_is_left(_: &World, after: &After<'_>) -> Result<(), String> {
    orphans_end();
    after.recovered();
    let child = spawn(|| 6 * 7).map_err(|e| e.to_string())?;
    if child.join() == Ok(42) { Ok(()) } else { Err("the next child's value is lost".into()) }
}

/// A row whose victim `owner` makes and names.
fn other(
    name: &str,
    owner: impl Fn(&World, &Peer<'_>) -> Result<(), String> + Send + 'static,
) -> Row<World> {
    let victim = |world: &World| Pid::from_raw(world.victim.load(Ordering::Acquire));
    let provoke = |world: &World| {
        world.go.open();
        world.goes.pass();
        // Then all that it can do without the victim is done.
        while !is_asleep(Pid::from_raw(world.owner.load(Ordering::Acquire))) {
            thread::yield_now();
        }
    };
    Row::of_other(name, world, victim, provoke, nobody_is_left).holder(owner)
}

/// Names the victim once it sleeps, and waits until it is wanted.
fn present(world: &World, peer: &Peer<'_>, victim: Pid) {
    while !is_asleep(victim) {
        thread::yield_now();
    }
    world.victim.store(victim.as_raw(), Ordering::Release);
    world.owner.store(getpid().as_raw(), Ordering::Release);
    peer.is_ready();
    world.go.pass();
}

/// The only child of a pool's owner.
fn keeper() -> Pid {
    children_of(getpid())[0]
}

fn gone(pid: Pid) {
    while is_running(pid) {
        thread::sleep(Duration::from_micros(100));
    }
}

/// The worker is killed, and what the keeper does about it is the row.
fn keeper_owner(world: &World, peer: &Peer<'_>) -> Result<(), String> {
    let pool = pool(world);
    let before = pool.apply_async(1);
    before.wait();
    let keeper = keeper();
    let first = children_of(keeper)[0];
    present(world, peer, keeper);
    let _ = kill(first, Signal::SIGKILL);
    gone(first);
    world.goes.open();
    let results: Vec<_> = (1..=3).map(|n| pool.apply_async(n)).collect();
    gone(keeper);
    // Each task has an answer, and the next one is told who is missing.
    for (n, result) in (1..).zip(results) {
        match result.get() {
            Ok(value) if value == n + 1 => {}
            Err(TaskError::Keeper | TaskError::Signalled(9)) => {}
            other => return Err(format!("task {n}: {other:?}")),
        }
    }
    let (next, before) = (pool.apply(9), before.get());
    if (&next, &before) != (&Err(TaskError::Keeper), &Ok(2)) {
        return Err(format!("afterwards {next:?}, before {before:?}"));
    }
    pool.close();
    if pool.join() == Err(PoolError::Keeper) { Ok(()) } else { Err("joined".into()) }
}

fn worker_owner(world: &World, peer: &Peer<'_>) -> Result<(), String> {
    let pool = pool(world);
    if pool.apply(1) != Ok(2) {
        return Err("the first task".into());
    }
    let worker = children_of(keeper())[0];
    present(world, peer, worker);
    world.goes.open();
    let result = pool.apply(7);
    let runs = world.runs.load(Ordering::Acquire) - 1;
    let right = match result {
        Ok(8) => runs == 1,
        Err(TaskError::Signalled(9)) => runs <= 1,
        _ => false,
    };
    if !right {
        return Err(format!("{result:?} after {runs} runs"));
    }
    gone(worker);
    let next = pool.map([1, 2, 3]);
    pool.close();
    if (&next, pool.join()) != (&Ok(vec![2, 3, 4]), Ok(())) {
        return Err(format!("the next tasks: {next:?}"));
    }
    Ok(())
}

fn zygote_owner(world: &World, peer: &Peer<'_>) -> Result<(), String> {
    let zygote = Zygote::start().map_err(|e| e.to_string())?;
    let add = |n: u32| n + 1;
    if zygote.spawn(add, 1).map_err(|e| e.to_string())?.join() != Ok(2) {
        return Err("the first child".into());
    }
    let pid = Pid::from_raw(zygote.pid().cast_signed());
    present(world, peer, pid);
    world.goes.open();
    match zygote.spawn(add, 7).map(|child| child.join()) {
        Ok(Ok(8) | Err(JoinError::Lost | JoinError::Signalled(9))) | Err(SpawnError::Zygote) => {}
        other => return Err(format!("the child: {other:?}")),
    }
    gone(pid);
    let next = zygote.spawn(add, 7).map(|child| child.pid());
    if next != Err(SpawnError::Zygote) {
        return Err(format!("the next child: {next:?}"));
    }
    let left = children_of(getpid()).into_iter().filter(|pid| is_running(*pid)).count();
    if left == 0 { Ok(()) } else { Err(format!("{left} are left")) }
}
