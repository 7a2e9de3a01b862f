//! A waiter or a notifier dies at each of its steps.

use std::sync::Arc;

use super::{Looks, Stock};
#[cfg(loom)]
use crate::deadline::Deadline;
#[cfg(loom)]
use crate::primitive::Process;
use crate::primitive::{Ordering::Relaxed, Proof};

#[cfg(loom)]
impl Stock {
    /// A wait with a bug: it gives its place back, and then takes the mutex.
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
}

#[test]
fn a_waiter_that_dies_takes_no_ones_wake() {
    Proof::of("condvar: a waiter dies").preemptions(2).takes_long().for_each_death(|processes| {
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
