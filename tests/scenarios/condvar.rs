//! The condition variable, several victims at once: a notification whose bearer is
//! killed, and its next bearer too; a notifier and whom it notified; a crowd.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use killproof::sync::{Condvar, Mutex};
use killproof::{Shared, shareable};

use crate::common::case::Case;
use crate::common::child::{Child, fork, until};
use crate::common::mapped::Mapped;
use crate::common::script::{Seen, put_to_sleep, wait_ended, wait_woken};
use crate::common::trace::{Stop, Traced, mark};
use crate::{STUCK, finish, kill, scenario};

/// A sleep that ends by itself in the wrong moment spoils a try.
const TRIES: usize = 50;
/// Between two looks.
const TICK: Duration = Duration::from_millis(5);

const CROWD: u32 = 200;

shareable! {
    struct Shop { stock: Mutex<u64>, changed: Condvar }
}

pub fn cases() -> Vec<Case> {
    vec![
        scenario("condvar, two bearers of a wake", two_bearers),
        scenario("condvar, a notifier and whom it notified", notifier_and_notified),
        scenario("condvar, a crowd", crowd),
    ]
}

fn shop() -> Shared<Shop> {
    Shared::new(Shop { stock: Mutex::new(0), changed: Condvar::new() }).expect("memory")
}

/// One wait.
fn wait(shop: &Shop) -> Result<(), String> {
    let stock = shop.stock.lock().map_err(|e| e.to_string())?;
    shop.changed.wait(stock).map(drop).map_err(|e| e.to_string())
}

fn soon() -> Instant {
    Instant::now() + STUCK
}

/// The pids of those who wait, in the order in which they will be notified.
fn waiting(shop: &Shop) -> Vec<i32> {
    let shown = format!("{:?}", shop.changed);
    let pid = |waiter: &str| waiter.split(' ').next()?.parse().ok();
    let list = shown.split_once("waiting: [").and_then(|(_, rest)| rest.split_once(']'));
    list.map_or("", |(list, _)| list).split(", ").filter_map(pid).collect()
}

/// The first is notified and killed as it leaves its futex call. The last one finds
/// that at the end of its slice and notifies the second, which does not get to run
/// and is killed too. The last one must go on.
fn two_bearers() -> Result<String, String> {
    for _ in 0..TRIES {
        let shop = shop();
        let waiter = || Traced::start(|| wait(&shop));
        let waiters = [waiter()?, waiter()?, waiter()?];
        let mut left: Vec<&Traced> = waiters.iter().collect();
        if put_to_sleep(&left, soon())? != Seen::AllAsleep {
            return Err("the waiters do not sleep".into());
        }
        shop.changed.notify_one();
        let Seen::Woken(first) = wait_woken(&left, soon())? else { continue };
        let order = waiting(&shop);
        kill(left.remove(first).child());
        left.sort_by_key(|waiter| {
            order.iter().position(|pid| *pid == waiter.child().pid().as_raw())
        });
        let [second, last] = left[..] else { unreachable!("there were three") };
        // The second stays stopped at the end of its slice, or of its sleep.
        let notified = format!("notified: [{} (", second.child().pid());
        let deadline = soon();
        while !format!("{:?}", shop.changed).contains(&notified) {
            match wait_woken(&[last], Instant::now() + TICK)? {
                Seen::Nothing if Instant::now() < deadline => {}
                other => return Err(format!("after one death: {other:?}, {:?}", shop.changed)),
            }
        }
        kill(second.child());
        return match wait_ended(last, soon())? {
            Seen::Ended(_, Ok(())) => Ok(String::new()),
            other => Err(format!("after two deaths: {other:?}")),
        };
    }
    Err(format!("spoiled {TRIES} times"))
}

/// The notifier is killed between the notification and the wake, and so is the
/// waiter whose it is. The other must go on.
fn notifier_and_notified() -> Result<String, String> {
    let shop = shop();
    let mut waiters = Vec::new();
    for _ in 0..2 {
        // One after the other: the first is the oldest.
        let waiter = fork(|| wait(&shop));
        if !until(soon(), || waiter.is_asleep()) {
            return Err("a waiter does not sleep".into());
        }
        waiters.push(waiter);
    }
    let notifier = Traced::start(|| {
        mark();
        shop.changed.notify_one();
        Ok(())
    })?;
    notifier.run_to_mark()?;
    notifier.resume()?;
    // Its first system call is the wake, and it is about to enter it.
    match notifier.wait(soon()) {
        Some(Stop::Syscall) => {}
        other => return Err(format!("the notifier: {other:?}")),
    }
    kill(&waiters[0]);
    kill(notifier.child());
    finish("the other waiter", &waiters[1])?;
    Ok(String::new())
}

/// Two hundred wait. Each notification is for one, and the rest are told at once.
fn crowd() -> Result<String, String> {
    let shop = shop();
    let returned = Mapped::new(AtomicU32::new(0));
    let waiters: Vec<Child> = (0..CROWD)
        .map(|_| {
            fork(|| {
                let mut stock = shop.stock.lock().map_err(|e| e.to_string())?;
                *stock += 1;
                drop(shop.changed.wait(stock).map_err(|e| e.to_string())?);
                returned.fetch_add(1, Ordering::AcqRel);
                Ok(())
            })
        })
        .collect();
    // Who has counted itself gives the lock back by waiting.
    let all_wait = || *shop.stock.lock().expect("nobody dies") == CROWD.into();
    if !until(soon(), all_wait) {
        return Err("they do not come".into());
    }
    let are_back = |count| until(soon(), || returned.load(Ordering::Acquire) >= count);
    for count in 1..=CROWD / 2 {
        shop.changed.notify_one();
        if !are_back(count) {
            return Err(format!("notification {count} is lost"));
        }
        let woken = returned.load(Ordering::Acquire);
        if woken != count {
            return Err(format!("{woken} woken by {count} notifications"));
        }
    }
    shop.changed.notify_all();
    if !are_back(CROWD) {
        return Err(format!("{} of {CROWD} are back", returned.load(Ordering::Acquire)));
    }
    for waiter in waiters {
        finish("a waiter", &waiter)?;
    }
    Ok(format!("{CROWD} waiters, one by one and all at once"))
}
