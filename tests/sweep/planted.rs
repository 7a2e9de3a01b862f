//! Rows that prove the sweep itself: broken victims that it must catch, and a
//! simple lock that it must find clean in every way a row can be built.

use std::time::Duration;

use nix::sys::signal::kill;
use nix::unistd::Pid;

use crate::common::case::Case;
use crate::common::locks::{NaiveLock, PidLock};
use crate::common::mapped::Mapped;
use crate::ring::{CAPACITY, Ring};
use crate::row::{After, Row};

pub fn cases() -> Vec<Case> {
    vec![
        naive_lock().case(),
        ring("planted ring push", |ring| {
            ring.push([2; 8]);
        })
        .case(),
        ring("planted ring pop", |ring| {
            ring.pop();
        })
        .case(),
        pid_lock("pid lock").case(),
        pid_lock("pid lock, every 5th").every(5, 10).case(),
        sleeping_peers().case(),
        waiting_victim().case(),
        pid_lock("planted pid lock, zombie holder")
            .zombie()
            .limit(Duration::from_millis(500))
            .expect_failure(true)
            .case(),
    ]
}

/// Its word does not say who holds it, so nobody can take it over.
fn naive_lock() -> Row<Mapped<NaiveLock>> {
    Row::new(
        "planted naive lock",
        || Mapped::new(NaiveLock::default()),
        |lock, begin| {
            begin.now();
            lock.lock();
            lock.unlock();
        },
        |lock, _| {
            lock.lock();
            lock.unlock();
            Ok(())
        },
    )
    .expect_failure(true)
}

/// A claimed slot is nobody's for ever.
fn ring(name: &str, operation: fn(&Ring)) -> Row<Mapped<Ring>> {
    Row::new(
        name,
        || {
            let ring = Mapped::new(Ring::new());
            ring.push([1; 8]);
            ring
        },
        move |ring, begin| {
            begin.now();
            operation(ring);
        },
        takes_its_capacity,
    )
    .expect_failure(true)
}

fn takes_its_capacity(ring: &Mapped<Ring>, _: &After<'_>) -> Result<(), String> {
    while ring.pop().is_some() {}
    let taken = (0..2 * CAPACITY).take_while(|_| ring.push([3; 8])).count();
    if taken == CAPACITY {
        return Ok(());
    }
    Err(format!("takes {taken} messages, not {CAPACITY}"))
}

fn pid_lock(name: &str) -> Row<Mapped<PidLock>> {
    Row::new(
        name,
        || Mapped::new(PidLock::default()),
        |lock, begin| {
            begin.now();
            lock.lock();
            lock.unlock();
        },
        lock_again,
    )
}

fn lock_again(lock: &Mapped<PidLock>, after: &After<'_>) -> Result<(), String> {
    lock.lock();
    after.recovered();
    lock.unlock();
    Ok(())
}

/// The victim holds the lock, two others sleep for it, and the unlock is swept.
fn sleeping_peers() -> Row<Mapped<PidLock>> {
    let peer = |lock: &Mapped<PidLock>| {
        lock.lock();
        lock.unlock();
        Ok(())
    };
    Row::new(
        "pid unlock, two asleep",
        || Mapped::new(PidLock::default()),
        |lock, begin| {
            lock.lock();
            begin.now();
            lock.unlock();
        },
        lock_again,
    )
    .peer(move |lock, _| peer(lock))
    .peer(move |lock, other| {
        peer(lock)?;
        other.until_over();
        Ok(())
    })
}

/// Somebody else holds the lock until the victim, on its way to sleep, is dead.
fn waiting_victim() -> Row<Mapped<PidLock>> {
    Row::new(
        "pid lock, waiting",
        || Mapped::new(PidLock::default()),
        |lock, begin| {
            begin.now();
            lock.lock();
        },
        |lock, after| {
            if after.finished() || kill(Pid::from_raw(after.victim() as i32), None).is_ok() {
                return Err("the victim got through, or was not reaped".into());
            }
            lock_again(lock, after)
        },
    )
    .holder(|lock, holder| {
        lock.lock();
        holder.until_killed();
        lock.unlock();
        Ok(())
    })
    .blocks()
}
