//! The condition variable: no wake is lost, and none comes to two. That a death
//! takes none with it is shown in `deaths`.

mod deaths;

use std::sync::Arc;
use std::sync::atomic::AtomicU64 as Count;
#[cfg(loom)]
use std::time::Duration;

use crate::deadline::Deadline;
#[cfg(loom)]
use crate::primitive::futex_wait;
use crate::primitive::{AtomicU64, Ordering::Relaxed, Process, Proof, is_alive};
use crate::raw::condvar::{Waiter, Woken};
use crate::raw::mutex::Locked;
use crate::raw::{Condvar, Mutex};

/// What each side does about the mutex, and when it looks.
#[derive(Clone, Copy, PartialEq)]
enum Looks {
    /// When it is notified: `wait`.
    Notified,
    /// Also at the end of each slice: `wait_while`.
    AtSlices,
}

/// A condition of one word behind a mutex: how many are there to take.
struct Stock {
    mutex: Mutex,
    changed: Condvar<2>,
    items: AtomicU64,
    /// Waits that ended.
    returned: Count,
}

impl Stock {
    fn new() -> Stock {
        let (mutex, changed) = (Mutex::new(), Condvar::new());
        mutex.place();
        changed.place();
        Stock { mutex, changed, items: AtomicU64::new(0), returned: Count::new(0) }
    }

    /// Returns whether the mutex was left behind by the dead; repairs it then.
    fn lock(&self, me: Process) -> bool {
        let locked = self.mutex.lock(me.stamp, me.thread, Deadline::Never);
        let abandoned = locked.expect("waits for ever") != Locked::Consistent;
        if abandoned {
            self.mutex.repair(me.stamp);
        }
        abandoned
    }

    fn unlock(&self, me: Process) {
        self.mutex.unlock(me.stamp);
    }

    /// One wait; the mutex is held before and after. Returns whether it was left
    /// behind, and whether the time was up.
    fn wait(&self, me: Process, looks: Looks, deadline: Deadline) -> (bool, bool) {
        let (waiter, woken) = self.sleep(me, looks, deadline);
        let abandoned = self.lock(me);
        let notified = self.changed.leave(&waiter, me.stamp, woken);
        self.returned.fetch_add(1, Relaxed);
        (abandoned, woken == Woken::TimedOut && !notified)
    }

    /// The wait until the mutex is to be taken again.
    fn sleep(&self, me: Process, looks: Looks, deadline: Deadline) -> (Waiter, Woken) {
        let mut waiter = self.changed.join(me.stamp).expect("there is a place");
        self.unlock(me);
        let woken = loop {
            match self.changed.sleep(&mut waiter, &self.mutex, me.stamp, deadline) {
                Woken::Slice if looks == Looks::AtSlices => break Woken::ByItself,
                Woken::Slice => {}
                woken => break woken,
            }
        };
        (waiter, woken)
    }

    /// Waits until there is something, and leaves with the mutex held. Whoever
    /// is told of a death stops waiting; returns whether that was so.
    fn wait_for_item(&self, me: Process, looks: Looks) -> bool {
        let mut abandoned = self.lock(me);
        while !abandoned && self.items.load(Relaxed) == 0 {
            (abandoned, _) = self.wait(me, looks, Deadline::Never);
        }
        abandoned
    }

    /// Waits until there is something. Whoever is told of a death tells all.
    fn look(&self, me: Process, looks: Looks) {
        if self.wait_for_item(me, looks) {
            self.items.store(1, Relaxed);
            self.changed.notify_all();
        }
        self.unlock(me);
    }

    fn take(&self, me: Process) {
        self.wait_for_item(me, Looks::Notified);
        self.items.store(self.items.load(Relaxed) - 1, Relaxed);
        self.unlock(me);
    }

    /// Waits until there is something, and tells the next one.
    fn see(&self, me: Process) {
        self.wait_for_item(me, Looks::Notified);
        self.changed.notify_one();
        self.unlock(me);
    }

    fn put(&self, me: Process) {
        self.lock(me);
        self.items.store(self.items.load(Relaxed) + 1, Relaxed);
        self.unlock(me);
        self.changed.notify_one();
    }

    /// The same, notifying with the mutex held: a death before is told of.
    fn put_inside(&self, me: Process) {
        self.lock(me);
        self.items.store(self.items.load(Relaxed) + 1, Relaxed);
        self.changed.notify_one();
        self.unlock(me);
    }

    fn put_for_all(&self, me: Process) {
        self.lock(me);
        self.items.store(self.items.load(Relaxed) + 1, Relaxed);
        self.unlock(me);
        self.changed.notify_all();
    }

    /// Whether `process` died with the mutex, or nothing is there yet.
    fn is_held_by(&self, process: Process) -> bool {
        self.mutex.owner() == Some(process.stamp)
    }

    /// Nobody is left in the table.
    fn check(&self, _: Process) {
        assert!(self.changed.waiters().all(|(waiter, _)| !is_alive(waiter)));
        self.changed.notify_one();
        self.changed.notify_all();
    }
}

#[test]
fn a_waiter_is_woken() {
    Proof::of("condvar: one waits").explore(|processes| {
        let stock = Arc::new(Stock::new());
        processes.spawn(&stock, Stock::take);
        processes.spawn(&stock, Stock::put);
        processes.run();
        processes.afterwards(&stock, Stock::check);
    });
}

#[test]
fn two_notifications_wake_two() {
    Proof::of("condvar: two wait, two notify").preemptions(1).explore(|processes| {
        let stock = Arc::new(Stock::new());
        processes.spawn(&stock, Stock::take);
        processes.spawn(&stock, Stock::take);
        processes.spawn(&stock, Stock::put);
        processes.spawn(&stock, Stock::put);
        processes.run();
        processes.afterwards(&stock, Stock::check);
    });
}

#[test]
fn two_are_notified_at_once() {
    Proof::of("condvar: two wait, all notified").preemptions(2).explore(|processes| {
        let stock = Arc::new(Stock::new());
        for _ in 0..2 {
            processes.spawn(&stock, |stock, me| stock.look(me, Looks::Notified));
        }
        processes.spawn(&stock, Stock::put_for_all);
        processes.run();
        processes.afterwards(&stock, Stock::check);
    });
}

/// The conductor's own sleep ends when everybody sleeps. Natively nothing tells
/// when a waiter has begun.
#[cfg(loom)]
#[test]
fn one_notification_wakes_one_also_after_many_slices() {
    Proof::of("condvar: two wait, one notified").preemptions(1).with_timeouts().explore(|procs| {
        let shared = Arc::new((Stock::new(), AtomicU64::new(0)));
        for _ in 0..2 {
            procs.spawn(&shared, |(stock, _), me| {
                stock.lock(me);
                assert_eq!(stock.wait(me, Looks::Notified, Deadline::Never), (false, false));
                stock.unlock(me);
            });
        }
        procs.spawn(&shared, |(stock, own), _| {
            let let_all_sleep = || assert!(futex_wait(own, 0, Duration::MAX));
            for returned in 0..2 {
                for _slice in 0..2 {
                    let_all_sleep();
                    assert_eq!(stock.returned.load(Relaxed), returned, "woken by nobody");
                }
                stock.changed.notify_one();
            }
        });
        procs.run();
    });
}

#[test]
fn who_gives_up_takes_no_ones_wake() {
    Proof::of("condvar: a waiter gives up").preemptions(2).explore(|processes| {
        let stock = Arc::new(Stock::new());
        processes.spawn(&stock, |stock, me| {
            stock.lock(me);
            let mut given_up = false;
            while stock.items.load(Relaxed) == 0 && !given_up {
                (_, given_up) = stock.wait(me, Looks::Notified, Deadline::Now);
            }
            if !given_up {
                stock.changed.notify_one();
            }
            stock.unlock(me);
        });
        processes.spawn(&stock, Stock::see);
        processes.spawn(&stock, Stock::put);
        processes.run();
        processes.afterwards(&stock, Stock::check);
    });
}
