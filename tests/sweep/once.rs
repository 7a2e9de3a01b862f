//! Rows of `Once` and `OnceLock`: what was begun is completed, by the victim or by
//! whoever comes next, and what is seen is whole.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use killproof::sync::{Once, OnceLock};
use killproof::{Shared, shareable};

use crate::common::case::Case;
use crate::common::fds;
use crate::row::{After, Begin, Peer, Row};

shareable! {
    struct World {
        once: Once,
        halves: [AtomicU64; 2],
        lock: OnceLock<[u64; 4]>,
    }
}

pub fn cases() -> Vec<Case> {
    vec![
        Row::new("Once call_once", world, call, is_done).case(),
        Row::new("Once call_once, done", done, call, is_done).case(),
        Row::new("Once call_once, two asleep", world, call_slowly, is_done)
            .peer(see)
            .peer(see)
            .case(),
        Row::new("Once call_once, two asleep, zombie", world, call_slowly, is_done)
            .peer(see)
            .peer(see)
            .zombie()
            .case(),
        Row::new("Once call_once, waiting", world, call, is_done)
            .holder(be_at_it)
            .blocks()
            .every(37, 60)
            .case(),
        Row::new("OnceLock get_or_init", world, init, is_set).case(),
        Row::new("OnceLock get_or_init, set", set, init, is_set).case(),
        Row::new("OnceLock get_or_init, two asleep", world, init_slowly, is_set)
            .peer(get)
            .peer(get)
            .case(),
        Row::new("OnceLock set", world, set_it, is_set).case(),
        Row::new("OnceLock set, waiting", world, set_it_late, is_set)
            .holder(be_at_making)
            .blocks()
            .every(37, 60)
            .case(),
    ]
}

fn world() -> Shared<World> {
    let halves = [AtomicU64::new(0), AtomicU64::new(0)];
    let world = World { once: Once::new(), halves, lock: OnceLock::new() };
    Shared::new(world).expect("memory")
}

fn done() -> Shared<World> {
    let world = world();
    world.once.call_once(|| make(&world)).expect("nobody else does it");
    world
}

fn set() -> Shared<World> {
    let world = world();
    world.lock.set(value()).expect("not set");
    world
}

/// What is to be done once: both halves are whoever did it.
fn make(world: &World) {
    for half in &world.halves {
        half.store(std::process::id().into(), Ordering::Relaxed);
    }
}

/// Four numbers, all alike, that say who made them.
fn value() -> [u64; 4] {
    black_box([std::process::id().into(); 4])
}

fn call(world: &Shared<World>, begin: Begin) {
    drop(done());
    begin.now();
    assert!(world.once.call_once(|| make(world)).is_ok());
}

/// The others come when the victim is at it already.
fn call_slowly(world: &Shared<World>, begin: Begin) {
    drop(done());
    let called = world.once.call_once(|| {
        begin.now();
        make(world);
    });
    assert!(called.is_ok());
}

fn init(world: &Shared<World>, begin: Begin) {
    drop(set());
    begin.now();
    assert!(world.lock.get_or_init(value).is_ok());
}

fn init_slowly(world: &Shared<World>, begin: Begin) {
    drop(set());
    let made = world.lock.get_or_init(|| {
        begin.now();
        value()
    });
    assert!(made.is_ok());
}

fn set_it(world: &Shared<World>, begin: Begin) {
    drop(set());
    begin.now();
    assert!(world.lock.set(value()).is_ok());
}

fn set_it_late(world: &Shared<World>, begin: Begin) {
    drop(set());
    begin.now();
    drop(world.lock.set(value()));
}

fn be_at_making(world: &Shared<World>, holder: &Peer<'_>) -> Result<(), String> {
    let made = world.lock.get_or_init(|| {
        holder.until_killed();
        value()
    });
    made.map(drop).map_err(|e| e.to_string())
}

/// At it until the victim, who waits, is dead.
fn be_at_it(world: &Shared<World>, holder: &Peer<'_>) -> Result<(), String> {
    let called = world.once.call_once(|| {
        holder.until_killed();
        make(world);
    });
    called.map_err(|e| e.to_string())
}

fn see(world: &Shared<World>, _: &Peer<'_>) -> Result<(), String> {
    world.once.call_once(|| make(world)).map_err(|e| e.to_string())?;
    is_whole(world)
}

fn is_whole(world: &World) -> Result<(), String> {
    match [0, 1].map(|half| world.halves[half].load(Ordering::Relaxed)) {
        [first, second] if first == second && first != 0 => Ok(()),
        other => Err(format!("done, and the halves are {other:?}")),
    }
}

fn get(world: &Shared<World>, _: &Peer<'_>) -> Result<(), String> {
    let value = world.lock.get_or_init(value).map_err(|e| e.to_string())?;
    if value.iter().any(|number| *number != value[0]) {
        return Err(format!("set, and the value is {value:?}"));
    }
    Ok(())
}

fn is_done(world: &Shared<World>, after: &After<'_>) -> Result<(), String> {
    let open = fds::open();
    world.once.call_once(|| make(world)).map_err(|e| e.to_string())?;
    after.recovered();
    is_whole(world)?;
    world.once.call_once(|| unreachable!("it is done")).map_err(|e| e.to_string())?;
    if !world.once.is_completed() || fds::open() != open {
        return Err(format!("{:?}, {} descriptors, before {open}", world.once, fds::open()));
    }
    Ok(())
}

/// Once it is set it stays: by the victim if that came to its end, by one of the
/// others if not.
fn is_set(world: &Shared<World>, after: &After<'_>) -> Result<(), String> {
    let open = fds::open();
    let before = world.lock.get().copied();
    let now = *world.lock.get_or_init(value).map_err(|e| e.to_string())?;
    after.recovered();
    let is_whole = now.iter().all(|number| *number == now[0]);
    let stays = before.is_none_or(|before| before == now) && world.lock.set(value()).is_err();
    let set_before = before.is_some() || !after.finished();
    if !(is_whole && stays && set_before && world.lock.get() == Some(&now)) {
        return Err(format!("before {before:?}, then {now:?}, at last {:?}", world.lock));
    }
    if fds::open() != open {
        return Err(format!("{} descriptors open, before {open}", fds::open()));
    }
    Ok(())
}
