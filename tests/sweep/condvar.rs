//! Rows of the condition variable. Whoever waits goes on, notified by the victim,
//! told of its death, or in its place; and the places of the dead can be had again.

use std::mem;
use std::ops::Deref;
use std::thread;
use std::time::{Duration, Instant};

use killproof::sync::{Condvar, LockError, Mutex, MutexGuard};
use killproof::{Shared, shareable};

use crate::common::case::Case;
use crate::common::child::{fork, until};
use crate::common::fds;
use crate::common::mapped::{Gate, Mapped};
use crate::row::{After, Begin, Peer, Row};

shareable! {
    /// As many places as a row has waiters that live: a dead one's is needed.
    struct Shop { stock: Mutex<u64>, changed: Condvar<2> }
}

type Stock<'a> = MutexGuard<'a, u64>;

struct World {
    shop: Shared<Shop>,
    /// The victim has the lock.
    holds: Mapped<Gate>,
}

impl Deref for World {
    type Target = Shop;

    fn deref(&self) -> &Shop {
        &self.shop
    }
}

/// Far above any recovery.
const LIMIT: Duration = Duration::from_secs(30);

pub fn cases() -> Vec<Case> {
    vec![
        Row::new("Condvar notify_one, nobody waits", world, notify_nobody, works).case(),
        Row::new("Condvar notify_one, two asleep", world, notify_one_holding, works)
            .holder(put_if_nobody_did)
            .peer(wait_and_tell)
            .peer(wait_and_tell)
            .case(),
        Row::new("Condvar notify_one, two asleep, zombie", world, notify_one_holding, works)
            .holder(put_if_nobody_did)
            .peer(wait_and_tell)
            .peer(wait_and_tell)
            .zombie()
            .case(),
        Row::new("Condvar notify_all, two asleep", world, notify_all_holding, works)
            .holder(put_if_nobody_did)
            .peer(wait)
            .peer(wait)
            .case(),
        Row::new("Condvar change and notify_one, two look", world, put, works)
            .holder(put_if_nobody_did)
            .peer(wait_while)
            .peer(wait_while)
            .case(),
        Row::new("Condvar wait", world, wait_for_ever, works).blocks().every(37, 60).case(),
        Row::new("Condvar wait, both places dead's", deserted, wait_for_ever, works)
            .blocks()
            .every(37, 60)
            .case(),
        Row::new("Condvar wait_while", world, wait_while_for_ever, works)
            .blocks()
            .every(37, 60)
            .case(),
        Row::new("Condvar wait, notified", world, wait_and_keep, works)
            .holder(put_when_free)
            .peer(wait_and_tell)
            .every(3, 200)
            .case(),
        Row::new("Condvar wait_timeout", world, time_out, works).every(7, 60).case(),
        Row::new("Condvar wait_timeout_while", world, time_out_while, works).every(7, 60).case(),
        Row::new("Condvar wait, the owner dead", world, wait_to_be_told, works)
            .holder(die_holding)
            .peer(wait)
            .every(3, 200)
            .case(),
    ]
}

fn world() -> World {
    let shop = Shop { stock: Mutex::new(0), changed: Condvar::with_capacity() };
    World { shop: Shared::new(shop).expect("memory"), holds: Mapped::new(Gate::default()) }
}

/// All places are dead waiters', of whom one was notified.
fn deserted() -> World {
    let world = world();
    for _ in 0..2 {
        let waiter = fork(|| {
            let stock = take(&world)?.0;
            drop(world.changed.wait(stock));
            Err("notified".into())
        });
        assert!(until(Instant::now() + LIMIT, || waiter.is_asleep()));
        waiter.kill();
        waiter.reap();
    }
    world.changed.notify_one();
    world
}

/// Gets the first use of the stamp over with.
fn warm_up() {
    drop(world().stock.lock());
}

/// The guard, and whether somebody died with the lock.
fn take<'a>(world: &'a Shop) -> Result<(Stock<'a>, bool), String> {
    made_good(world, world.stock.lock())
}

/// Whoever is told of a death puts something there, and tells the others.
fn made_good<'a>(
    world: &'a Shop,
    locked: Result<Stock<'a>, LockError<Stock<'a>>>,
) -> Result<(Stock<'a>, bool), String> {
    match locked {
        Ok(stock) => Ok((stock, false)),
        Err(LockError::Abandoned(abandoned)) => {
            let stock = abandoned.recover(|stock| *stock = 1);
            world.changed.notify_all();
            Ok((stock, true))
        }
        Err(other) => Err(other.to_string()),
    }
}

/// Waits, notified or told, until there is something.
fn wait_for_stock(world: &Shop) -> Result<Stock<'_>, String> {
    let (mut stock, _) = take(world)?;
    while *stock == 0 {
        (stock, _) = made_good(world, world.changed.wait(stock))?;
    }
    Ok(stock)
}

fn wait(world: &World, _: &Peer<'_>) -> Result<(), String> {
    wait_for_stock(world).map(drop)
}

/// The next one is told with the lock held, so a death before it is told of too.
fn wait_and_tell(world: &World, _: &Peer<'_>) -> Result<(), String> {
    let stock = wait_for_stock(world)?;
    world.changed.notify_one();
    drop(stock);
    Ok(())
}

fn wait_while(world: &World, _: &Peer<'_>) -> Result<(), String> {
    let (stock, _) = take(world)?;
    made_good(world, world.changed.wait_while(stock, |stock| *stock == 0)).map(drop)
}

fn notify_nobody(world: &World, begin: Begin) {
    begin.now();
    world.changed.notify_one();
}

fn notify_one_holding(world: &World, begin: Begin) {
    warm_up();
    begin.now();
    let mut stock = world.stock.lock().expect("free");
    *stock = 1;
    world.changed.notify_one();
    drop(stock);
}

fn notify_all_holding(world: &World, begin: Begin) {
    warm_up();
    begin.now();
    let mut stock = world.stock.lock().expect("free");
    *stock = 1;
    world.changed.notify_all();
    drop(stock);
}

/// Between the change and the call lies a gap in which nobody holds anything.
fn put(world: &World, begin: Begin) {
    warm_up();
    begin.now();
    *world.stock.lock().expect("free") = 1;
    world.changed.notify_one();
}

fn wait_for_ever(world: &World, begin: Begin) {
    warm_up();
    let stock = world.stock.lock().expect("free");
    begin.now();
    drop(world.changed.wait(stock));
}

fn wait_while_for_ever(world: &World, begin: Begin) {
    warm_up();
    let stock = world.stock.lock().expect("free");
    begin.now();
    drop(world.changed.wait_while(stock, |stock| *stock == 0));
}

/// Told on its way to sleep that the owner died; repairs, and tells all.
fn wait_to_be_told(world: &World, begin: Begin) {
    warm_up();
    let mut stock = world.stock.lock().expect("free");
    world.holds.open();
    begin.now();
    while *stock == 0 {
        (stock, _) = made_good(world, world.changed.wait(stock)).expect("told, or notified");
    }
}

/// A process of its own takes the lock as soon as the victim waits, and ends with it.
fn die_holding(world: &World, holder: &Peer<'_>) -> Result<(), String> {
    holder.is_ready();
    world.holds.pass();
    let dies = fork(|| {
        mem::forget(take(world)?.0);
        Ok(())
    });
    dies.finish(Instant::now() + LIMIT).ok_or("it hangs")?
}

/// Notified on its way to sleep; passes it on with the lock held.
fn wait_and_keep(world: &World, begin: Begin) {
    warm_up();
    let mut stock = world.stock.lock().expect("free");
    world.holds.open();
    begin.now();
    while *stock == 0 {
        stock = world.changed.wait(stock).expect("nobody else dies");
    }
    world.changed.notify_one();
    drop(stock);
}

fn put_when_free(world: &World, holder: &Peer<'_>) -> Result<(), String> {
    holder.is_ready();
    world.holds.pass();
    // The victim gives it back by waiting.
    let (mut stock, _) = take(world)?;
    *stock = 1;
    world.changed.notify_one();
    Ok(())
}

/// Where the victim died before it had the lock, somebody else puts something
/// there. Where it died with the lock, the sleepers are on their own.
fn put_if_nobody_did(world: &World, holder: &Peer<'_>) -> Result<(), String> {
    holder.until_killed();
    loop {
        match world.stock.try_lock() {
            Ok(mut stock) if *stock == 0 => {
                *stock = 1;
                world.changed.notify_all();
                return Ok(());
            }
            Err(LockError::WouldBlock) => thread::yield_now(),
            // Dropped as it is, it tells the next one.
            Ok(_) | Err(LockError::Abandoned(_)) => return Ok(()),
            Err(other) => return Err(other.to_string()),
        }
    }
}

fn time_out(world: &World, begin: Begin) {
    warm_up();
    let stock = world.stock.lock().expect("free");
    begin.now();
    let (stock, result) = world.changed.wait_timeout(stock, Duration::from_micros(1)).expect("ok");
    assert!(result.timed_out() && *stock == 0);
}

fn time_out_while(world: &World, begin: Begin) {
    warm_up();
    let stock = world.stock.lock().expect("free");
    begin.now();
    let time = Duration::from_micros(1);
    let waited = world.changed.wait_timeout_while(stock, time, |stock| *stock == 0);
    assert!(waited.is_ok_and(|(_, result)| result.timed_out()));
}

/// Two wait, one is notified and then the other.
fn works(world: &World, after: &After<'_>) -> Result<(), String> {
    let open = fds::open();
    *take(world)?.0 = 0;
    after.recovered();
    let waiters = [(); 2].map(|()| {
        fork(|| {
            let mut stock = world.stock.lock().map_err(|e| e.to_string())?;
            while *stock == 0 {
                stock = world.changed.wait(stock).map_err(|e| e.to_string())?;
            }
            *stock -= 1;
            Ok(())
        })
    });
    for _ in &waiters {
        *world.stock.lock().map_err(|e| e.to_string())? += 1;
        world.changed.notify_one();
    }
    for waiter in waiters {
        waiter.finish(Instant::now() + LIMIT).ok_or("a waiter hangs")??;
    }
    let left = *world.stock.lock().map_err(|e| e.to_string())?;
    if (left, fds::open()) != (0, open) {
        return Err(format!("{left} left, {} descriptors open, before {open}", fds::open()));
    }
    Ok(())
}
