//! Rows of the semaphore. Whatever the victim had, all permits are there again.

use std::mem;

use killproof::Shared;
use killproof::sync::{AcquireError, Semaphore};

use crate::common::case::Case;
use crate::common::child::fork;
use crate::common::fds;
use crate::queue::LONG;
use crate::row::{After, Begin, Peer, Row};

/// More slots than permits, so that the slots without a permit are there too.
type World = Shared<Semaphore<3>>;

pub fn cases() -> Vec<Case> {
    vec![
        Row::new("Semaphore acquire", || world(2), acquire, all_permits::<2>).case(),
        Row::new("Semaphore acquire, zombie", || world(2), acquire, all_permits::<2>)
            .zombie()
            .case(),
        Row::new("Semaphore acquire, hint wrong", || world(2), acquire, all_permits::<2>)
            .holder(hold)
            .case(),
        Row::new("Semaphore acquire, waiting", || world(1), acquire, all_permits::<1>)
            .holder(hold)
            .blocks()
            .every(61, 40)
            .case(),
        Row::new("Semaphore acquire_timeout, waiting", || world(1), in_time, all_permits::<1>)
            .holder(hold)
            .blocks()
            .every(61, 40)
            .case(),
        Row::new("Semaphore acquire, holder dead", orphaned, acquire, all_permits::<1>)
            .every(61, 40)
            .case(),
        Row::new("Semaphore try_acquire, holder dead", orphaned, try_acquire, all_permits::<1>)
            .every(2, 100)
            .case(),
        Row::new("Semaphore try_acquire, none", || world(1), try_in_vain, all_permits::<1>)
            .holder(hold)
            .every(2, 60)
            .case(),
        Row::new("Semaphore release", || world(2), release, all_permits::<2>).case(),
        Row::new("Semaphore release, two asleep", || world(1), release, all_permits::<1>)
            .peer(pass)
            .peer(pass)
            .case(),
        Row::new("Semaphore release, two asleep, zombie", || world(1), release, all_permits::<1>)
            .peer(pass)
            .peer(pass)
            .zombie()
            .case(),
    ]
}

fn world(permits: usize) -> World {
    Shared::new(Semaphore::with_capacity(permits)).expect("memory")
}

/// The only permit's holder is dead.
fn orphaned() -> World {
    let world = world(1);
    let holder = fork(|| {
        mem::forget(world.acquire().map_err(|e| e.to_string())?);
        Ok(())
    });
    holder.reap();
    world
}

fn warm_up() {
    drop(world(1).acquire());
}

fn acquire(world: &World, begin: Begin) {
    warm_up();
    begin.now();
    mem::forget(world.acquire());
}

fn in_time(world: &World, begin: Begin) {
    warm_up();
    begin.now();
    mem::forget(world.acquire_timeout(LONG));
}

fn try_acquire(world: &World, begin: Begin) {
    warm_up();
    begin.now();
    mem::forget(world.try_acquire());
}

fn try_in_vain(world: &World, begin: Begin) {
    warm_up();
    begin.now();
    assert_eq!(world.try_acquire().map(drop), Err(AcquireError::WouldBlock));
}

fn release(world: &World, begin: Begin) {
    let permit = world.acquire().expect("free");
    begin.now();
    drop(permit);
}

fn hold(world: &World, holder: &Peer<'_>) -> Result<(), String> {
    let _permit = world.acquire().map_err(|e| e.to_string())?;
    holder.until_killed();
    Ok(())
}

fn pass(world: &World, _: &Peer<'_>) -> Result<(), String> {
    world.acquire().map(drop).map_err(|e| e.to_string())
}

/// `N` can be had, waiting and not, and not one more.
fn all_permits<const N: usize>(world: &World, after: &After<'_>) -> Result<(), String> {
    let open = fds::open();
    let available = world.available();
    let first = world.acquire().map_err(|e| e.to_string())?;
    after.recovered();
    let mut permits = vec![first];
    while let Ok(permit) = world.try_acquire() {
        permits.push(permit);
    }
    let taken = permits.len();
    let none_left = world.available();
    drop(permits);
    let seen = [available, taken, none_left, world.available()];
    if seen != [N, N, 0, N] {
        return Err(format!("available, taken, left, available again: {seen:?} of {N}"));
    }
    if fds::open() != open {
        return Err(format!("{} descriptors open, before {open}", fds::open()));
    }
    Ok(())
}
