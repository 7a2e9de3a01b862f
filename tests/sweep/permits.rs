//! Rows of permits that change hands, come many at once, or are added. Whoever
//! dies, each permit can be had again, once.

use std::mem;

use killproof::sync::{AcquireError, PermitId, Semaphore, Value};
use killproof::{Shared, shareable};

use crate::common::case::Case;
use crate::queue::LONG;
use crate::row::{After, Begin, Peer, Row};

const SLOTS: usize = 4;

shareable! {
    struct Office {
        permits: Semaphore<SLOTS>,
        /// The name of a given permit.
        letter: Value<PermitId>,
    }
}

type World = Shared<Office>;

pub fn cases() -> Vec<Case> {
    vec![
        Row::new("Semaphore acquire_many", || world(3), many, expect::<3>).case(),
        Row::new("Semaphore acquire_many, waiting", || world(3), many, expect::<3>)
            .holder(hold_one)
            .blocks()
            .every(61, 40)
            .case(),
        Row::new("Semaphore acquire_many_timeout, waiting", || world(3), in_time, expect::<3>)
            .holder(hold_one)
            .blocks()
            .every(61, 40)
            .case(),
        Row::new(
            "Semaphore try_acquire_many, one of three held",
            || world(3),
            try_in_vain,
            expect::<3>,
        )
        .holder(hold_one)
        .every(2, 60)
        .case(),
        Row::new("Semaphore acquire_many, another waits", || world(3), many_and_leave, expect::<3>)
            .holder(hold_one)
            .peer(pass_many)
            .blocks()
            .every(61, 40)
            .case(),
        Row::new("Semaphore add_permits", || world(1), add_two, added).case(),
        Row::new("Semaphore add_permits, two asleep", || world(0), add_two, added)
            .holder(add_what_is_missing)
            .peer(pass_one)
            .peer(pass_one)
            .case(),
        Row::new("Semaphore forget", || world(1), give, given).case(),
        Row::new("Semaphore adopt", || world(1), adopt, expect::<1>).holder(give_and_stay).case(),
        Row::new("Semaphore adopt, twice", || world(1), adopt, adopted)
            .holder(give_and_stay)
            .case(),
    ]
}

fn world(permits: usize) -> World {
    let (permits, letter) = (Semaphore::with_capacity(permits), Value::new(PermitId::default()));
    Shared::new(Office { permits, letter }).expect("memory")
}

fn warm_up() {
    let own = world(2);
    drop(own.permits.acquire_many(2));
}

fn many(world: &World, begin: Begin) {
    warm_up();
    begin.now();
    mem::forget(world.permits.acquire_many(3));
}

fn in_time(world: &World, begin: Begin) {
    warm_up();
    begin.now();
    mem::forget(world.permits.acquire_many_timeout(3, LONG));
}

fn try_in_vain(world: &World, begin: Begin) {
    warm_up();
    begin.now();
    let refused = world.permits.try_acquire_many(3).map(drop);
    assert_eq!(refused, Err(AcquireError::WouldBlock));
}

fn many_and_leave(world: &World, begin: Begin) {
    warm_up();
    begin.now();
    drop(world.permits.acquire_many(2));
}

fn add_two(world: &World, begin: Begin) {
    warm_up();
    begin.now();
    assert_eq!(world.permits.add_permits(2), Ok(()));
}

fn give(world: &World, begin: Begin) {
    warm_up();
    let permit = world.permits.acquire().expect("free");
    begin.now();
    let name = permit.forget();
    world.letter.set(name).expect("it is placed");
}

fn adopt(world: &World, begin: Begin) {
    warm_up();
    let name = world.letter.get();
    begin.now();
    mem::forget(world.permits.adopt(name));
}

fn hold_one(world: &World, holder: &Peer<'_>) -> Result<(), String> {
    let _permit = world.permits.acquire().map_err(|e| e.to_string())?;
    holder.until_killed();
    Ok(())
}

/// Gives, and lives on: what it gave is not free by its death.
fn give_and_stay(world: &World, holder: &Peer<'_>) -> Result<(), String> {
    let name = world.permits.acquire().map_err(|e| e.to_string())?.forget();
    world.letter.set(name).map_err(|e| e.to_string())?;
    holder.until_killed();
    // Not adopted by the victim: then by this one.
    match world.permits.adopt(name) {
        Ok(_) | Err(AcquireError::Gone) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

fn add_what_is_missing(world: &World, holder: &Peer<'_>) -> Result<(), String> {
    holder.until_killed();
    // The victim's are found free or bearing its stamp; two sleepers need one.
    if world.permits.available() == 0 {
        world.permits.add_permits(1).map_err(|e| e.to_string())?;
    }
    Ok(())
}

fn pass_one(world: &World, _: &Peer<'_>) -> Result<(), String> {
    world.permits.acquire().map(drop).map_err(|e| e.to_string())
}

fn pass_many(world: &World, _: &Peer<'_>) -> Result<(), String> {
    world.permits.acquire_many(3).map(drop).map_err(|e| e.to_string())
}

/// `N` can be had at once, and not one more.
fn expect<const N: usize>(world: &World, after: &After<'_>) -> Result<(), String> {
    let permits = world.permits.acquire_many(N).map_err(|e| e.to_string())?;
    after.recovered();
    let more = world.permits.try_acquire().is_ok();
    drop(permits);
    let available = world.permits.available();
    if more || available != N {
        return Err(format!("{available} available, more than {N} to be had: {more}"));
    }
    Ok(())
}

/// One to three, all of which can be had.
fn added(world: &World, after: &After<'_>) -> Result<(), String> {
    let available = world.permits.available();
    let least = if after.finished() { 2 } else { 0 };
    if !(least..=3).contains(&available) {
        return Err(format!("{available} available"));
    }
    let permits = world.permits.acquire_many(available).map_err(|e| e.to_string())?;
    after.recovered();
    let more = world.permits.try_acquire().is_ok();
    drop(permits);
    if more { Err(format!("more than {available} to be had")) } else { Ok(()) }
}

/// The victim kept its permit if it forgot it; its death frees it in any case.
fn given(world: &World, after: &After<'_>) -> Result<(), String> {
    let name = world.letter.get();
    if let Ok(permit) = world.permits.adopt(name) {
        drop(permit);
    }
    expect::<1>(world, after)
}

/// The name is good for nobody after it was used.
fn adopted(world: &World, after: &After<'_>) -> Result<(), String> {
    let name = world.letter.get();
    match (world.permits.adopt(name).map(drop), world.permits.adopt(name).map(drop)) {
        (_, Err(AcquireError::Gone)) => expect::<1>(world, after),
        other => Err(format!("{other:?}")),
    }
}
