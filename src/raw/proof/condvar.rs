//! The condition variable: no wake is lost, none comes to two, and a death
//! takes none with it.

use std::sync::Arc;
use std::sync::atomic::AtomicU64 as Count;
#[cfg(loom)]
use std::time::Duration;

use crate::deadline::Deadline;
#[cfg(loom)]
use crate::primitive::futex_wait;
use crate::primitive::{AtomicU64, Ordering::Relaxed, Process, Proof};
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

    /// A wait with a bug: it gives its place back, and then takes the mutex.
    #[cfg(loom)]
    fn see_leaving_early(&self, me: Process) {
        let mut abandoned = self.lock(me);
        while !abandoned && self.items.load(Relaxed) == 0 {
            let (waiter, woken) = self.sleep(me, Looks::Notified, Deadline::Never);
            self.changed.leave(&waiter, me.stamp, woken);
            abandoned = self.lock(me);
        }
        self.changed.notify_one();
        self.unlock(me);
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
        assert_eq!(self.changed.waiting(), 0);
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

#[test]
fn a_waiter_that_dies_takes_no_ones_wake() {
    Proof::of("condvar: a waiter dies").preemptions(2).for_each_death(|processes| {
        let stock = Arc::new(Stock::new());
        processes.victim(&stock, Stock::see, |_, _| ());
        processes.spawn(&stock, Stock::see);
        processes.spawn(&stock, Stock::put);
        processes.run();
        processes.afterwards(&stock, Stock::check);
    });
}

/// Why the place is kept until the mutex is held.
#[cfg(loom)]
#[test]
fn a_waiter_that_leaves_early_takes_its_wake_along() {
    Proof::of("condvar: leaving early").preemptions(1).finds("not healed", |proof| {
        proof.for_each_death(|processes| {
            let stock = Arc::new(Stock::new());
            processes.victim(&stock, Stock::see_leaving_early, |_, _| ());
            processes.spawn(&stock, Stock::see_leaving_early);
            processes.spawn(&stock, Stock::put);
            processes.run();
        });
    });
}

/// Notifying inside: the mutex tells of a death before it.
#[test]
fn a_notifier_that_dies_is_told_of() {
    Proof::of("condvar: a notifier dies").preemptions(3).for_each_death(|processes| {
        let stock = Arc::new(Stock::new());
        processes.victim(&stock, Stock::put_inside, |stock, dead| {
            // Died before it had begun: somebody else puts something there.
            if !stock.is_held_by(dead) && stock.items.load(Relaxed) == 0 {
                stock.put(dead);
            }
        });
        processes.spawn(&stock, Stock::see);
        processes.run();
        processes.afterwards(&stock, Stock::check);
    });
}

/// Notifying outside: whoever looks at its slices needs no notification.
#[test]
fn a_notifier_that_dies_before_it_notifies_is_made_up_for() {
    Proof::of("condvar: a change without a wake").preemptions(3).for_each_death(|processes| {
        let stock = Arc::new(Stock::new());
        processes.victim(&stock, Stock::put, |stock, dead| {
            if !stock.is_held_by(dead) && stock.items.load(Relaxed) == 0 {
                stock.put(dead);
            }
        });
        processes.spawn(&stock, |stock, me| stock.look(me, Looks::AtSlices));
        processes.run();
        processes.afterwards(&stock, Stock::check);
    });
}

/// Once it has begun, everybody is notified.
#[test]
fn a_broadcast_is_whole_or_not_at_all() {
    Proof::of("condvar: notify_all dies").preemptions(1).for_each_death(|processes| {
        let stock = Arc::new(Stock::new());
        processes.victim(&stock, Stock::put_for_all, |stock, dead| {
            if stock.changed.broadcasts() == 0 && !stock.is_held_by(dead) {
                stock.put_for_all(dead);
            }
        });
        for _ in 0..2 {
            processes.spawn(&stock, |stock, me| stock.look(me, Looks::Notified));
        }
        processes.run();
        processes.afterwards(&stock, Stock::check);
    });
}
