//! Rows of the barrier. Two parties sleep in it; both are let through or both are
//! told, and then the places of all who are gone can be had again.

use std::cell::RefCell;
use std::mem;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use killproof::Shared;
use killproof::sync::{Barrier, Broken, Party};

use crate::common::case::Case;
use crate::common::child::{fork, until};
use crate::common::fds;
use crate::common::mapped::{Gate, Mapped};
use crate::row::{After, Begin, Peer, Row};

const LIMIT: Duration = Duration::from_secs(30);

/// What became of the peers.
#[derive(Default)]
struct Tally {
    through: AtomicU32,
    /// Told that the victim is to blame, by its death or by what it did.
    told: AtomicU32,
}

struct World {
    barrier: Shared<Barrier<4>>,
    parties: usize,
    tally: Mapped<Tally>,
}

pub fn cases() -> Vec<Case> {
    vec![
        Row::new("Barrier wait, last of three", || world(3), arrive, all_or_none)
            .peer(wait)
            .peer(wait)
            .case(),
        Row::new("Barrier wait, last of three, zombie", || world(3), arrive, all_or_none)
            .peer(wait)
            .peer(wait)
            .zombie()
            .case(),
        Row::new("Barrier wait, second of three", || world(3), arrive_early, all_or_none)
            .holder(come_last)
            .peer(wait)
            .every(3, 200)
            .case(),
        Row::new("Barrier wait, third of four", || world(4), arrive, told)
            .peer(wait)
            .peer(wait)
            .blocks()
            .every(37, 60)
            .case(),
        Row::new("Barrier wait_timeout, third of four", || world(4), time_out, told)
            .peer(wait)
            .peer(wait)
            .every(7, 60)
            .case(),
        Row::new("Barrier drop of a party, two asleep", || world(3), leave, told)
            .peer(wait)
            .peer(wait)
            .case(),
        Row::new("Barrier abort, two asleep", || world(3), abort, told)
            .peer(wait)
            .peer(wait)
            .case(),
        Row::new("Barrier reset, two asleep", || world(3), reset, told)
            .peer(wait)
            .peer(wait)
            .case(),
        Row::new("Barrier wait, broken", broken, refused, works).case(),
        Row::new("Barrier party", || world(3), take_seat, works).every(2, 100).case(),
        Row::new("Barrier party, of the dead", one_dead, take_seat, replaced).every(7, 100).case(),
        Row::new("Barrier party, all gone", all_gone, take_seat, works).every(7, 100).case(),
        Row::new("Barrier party, all gone, no reset", all_gone, take_seat, meet_at_once)
            .every(7, 100)
            .case(),
    ]
}

fn world(parties: usize) -> World {
    let barrier = Shared::new(Barrier::with_capacity(parties)).expect("memory");
    World { barrier, parties, tally: Mapped::new(Tally::default()) }
}

fn broken() -> World {
    let world = world(3);
    world.barrier.abort().expect("this process has a stamp");
    world
}

/// A process that takes a party and ends with it, or gives it up first.
fn takes_one(world: &World, keeps: bool) {
    let party = fork(|| {
        let party = world.barrier.party().map_err(|e| e.to_string())?;
        if keeps {
            mem::forget(party);
        }
        Ok(())
    });
    party.finish(Instant::now() + LIMIT).expect("it ends").expect("a party");
}

/// One party is dead, the others are with somebody who lives on: this process.
fn one_dead() -> World {
    let world = world(3);
    for _ in 0..2 {
        mem::forget(world.barrier.party().expect("there are three"));
    }
    takes_one(&world, true);
    world
}

/// Two are dead, one has left.
fn all_gone() -> World {
    let world = world(3);
    for keeps in [true, false, true] {
        takes_one(&world, keeps);
    }
    world
}

fn party(world: &World) -> Party<4> {
    world.barrier.party().expect("there is one")
}

fn arrive(world: &World, begin: Begin) {
    let mut party = party(world);
    begin.now();
    let waited = party.wait();
    assert!(waited.is_ok_and(|result| result.is_leader()));
    mem::forget(party);
}

fn arrive_early(world: &World, begin: Begin) {
    let mut party = party(world);
    begin.now();
    assert!(party.wait().is_ok());
    mem::forget(party);
}

fn time_out(world: &World, begin: Begin) {
    let mut party = party(world);
    begin.now();
    let waited = party.wait_timeout(Duration::from_micros(1));
    assert!(matches!(waited, Err(Broken::TimedOut(_))));
    mem::forget(party);
}

fn refused(world: &World, begin: Begin) {
    let mut party = party(world);
    begin.now();
    assert!(matches!(party.wait(), Err(Broken::Aborted(_))));
    mem::forget(party);
}

fn leave(world: &World, begin: Begin) {
    let party = RefCell::new(Some(party(world)));
    begin.now();
    party.take();
}

fn abort(world: &World, begin: Begin) {
    let party = party(world);
    begin.now();
    assert!(party.abort().is_ok());
    mem::forget(party);
}

fn reset(world: &World, begin: Begin) {
    let party = party(world);
    begin.now();
    party.reset();
    mem::forget(party);
}

fn take_seat(world: &World, begin: Begin) {
    // Gets the first use of the stamp over with.
    drop(Shared::new(Barrier::new(1)).expect("memory").party());
    begin.now();
    mem::forget(world.barrier.party());
}

fn wait(world: &World, peer: &Peer<'_>) -> Result<(), String> {
    let mut party = world.barrier.party().map_err(|e| e.to_string())?;
    let tally = &world.tally;
    match party.wait() {
        Ok(_) => tally.through.fetch_add(1, Ordering::AcqRel),
        Err(Broken::Failed(error)) => return Err(error.to_string()),
        Err(_) => tally.told.fetch_add(1, Ordering::AcqRel),
    };
    // A party that is given up now would be to blame in the other's place.
    peer.until_over();
    mem::forget(party);
    Ok(())
}

/// Comes when the others are there, or one of them is dead.
fn come_last(world: &World, peer: &Peer<'_>) -> Result<(), String> {
    peer.is_ready();
    while world.barrier.waiting() < 2 && !peer.stage.killed.is_open() {
        thread::yield_now();
    }
    wait(world, peer)
}

fn tally(world: &World) -> (u32, u32) {
    let tally = &world.tally;
    (tally.through.load(Ordering::Acquire), tally.told.load(Ordering::Acquire))
}

/// Both peers were let through, or both were told.
fn all_or_none(world: &World, after: &After<'_>) -> Result<(), String> {
    match tally(world) {
        (2, 0) => {}
        (0, 2) if !after.finished() => {}
        other => return Err(format!("let through and told: {other:?}")),
    }
    replaced(world, after)
}

/// Both peers were told.
fn told(world: &World, after: &After<'_>) -> Result<(), String> {
    match tally(world) {
        (0, 2) => replaced(world, after),
        other => Err(format!("let through and told: {other:?}")),
    }
}

/// Two live on with their places; the others can be had, and no more.
fn replaced(world: &World, _: &After<'_>) -> Result<(), String> {
    let open = fds::open();
    let mut parties = Vec::new();
    while let Ok(party) = world.barrier.party() {
        parties.push(party);
        if parties.len() > world.parties {
            break;
        }
    }
    let (taken, left) = (parties.len(), world.parties - 2);
    parties.into_iter().for_each(mem::forget);
    world.barrier.reset();
    if (taken, world.barrier.broken()) != (left, None) {
        return Err(format!("{taken} places to be had of {left}: {:?}", world.barrier));
    }
    if fds::open() != open {
        return Err(format!("{} descriptors open, before {open}", fds::open()));
    }
    Ok(())
}

/// Nobody lives who has a place: three newcomers take them, and meet.
fn works(world: &World, after: &After<'_>) -> Result<(), String> {
    let seated = Mapped::new(AtomicU32::new(0));
    let ready = Mapped::new(Gate::default());
    let newcomers: Vec<_> = (0..world.parties)
        .map(|_| {
            fork(|| {
                let mut party = world.barrier.party().map_err(|e| e.to_string())?;
                seated.fetch_add(1, Ordering::AcqRel);
                ready.pass();
                party.wait().map_err(|e| e.to_string())?;
                mem::forget(party);
                Ok(())
            })
        })
        .collect();
    let all = world.parties as u32;
    if !until(Instant::now() + LIMIT, || seated.load(Ordering::Acquire) == all) {
        return Err(format!("{} of {all} have a place", seated.load(Ordering::Acquire)));
    }
    world.barrier.reset();
    ready.open();
    for newcomer in newcomers {
        newcomer.finish(Instant::now() + LIMIT).ok_or("a newcomer hangs")??;
    }
    after.recovered();
    Ok(())
}

/// Nobody lives who has a place, and nobody resets: three newcomers meet, or are
/// told of the victim, and of nobody who was gone before it came.
fn meet_at_once(world: &World, after: &After<'_>) -> Result<(), String> {
    let answered = Mapped::new(AtomicU32::new(0));
    let over = Mapped::new(Gate::default());
    let newcomers: Vec<_> = (0..world.parties)
        .map(|_| {
            fork(|| {
                let mut party = world.barrier.party().map_err(|e| e.to_string())?;
                let waited = party.wait();
                answered.fetch_add(1, Ordering::AcqRel);
                // Whoever ended now would be to blame in the victim's place.
                over.pass();
                mem::forget(party);
                match waited {
                    Ok(_) => Ok(()),
                    Err(Broken::Died(pid)) if pid == after.victim() => Ok(()),
                    Err(broken) => Err(format!("{broken:?}, the victim was {}", after.victim())),
                }
            })
        })
        .collect();
    let all = world.parties as u32;
    let in_time = until(Instant::now() + LIMIT, || answered.load(Ordering::Acquire) == all);
    over.open();
    for newcomer in newcomers {
        newcomer.finish(Instant::now() + LIMIT).ok_or("a newcomer hangs")??;
    }
    if !in_time {
        return Err(format!("{} of {all} were answered", answered.load(Ordering::Acquire)));
    }
    Ok(())
}
