//! The event count: no lost wake, if both sides read, modify and write.

use std::sync::Arc;

use crate::deadline::{Deadline, Slices};
use crate::primitive::{AtomicU64, Ordering, Proof};
use crate::raw::EventCount;

/// A condition of one word: how many are there to take.
struct Stock {
    items: AtomicU64,
    put: EventCount,
}

impl Stock {
    fn new() -> Stock {
        Stock { items: AtomicU64::new(0), put: EventCount::new() }
    }

    fn put(&self) {
        self.items.fetch_add(1, Ordering::AcqRel);
        self.put.notify(1);
    }

    /// Takes one; `last_look` is how it looks before it sleeps.
    fn take(&self, last_look: impl Fn(&AtomicU64) -> u64) {
        loop {
            let seen = self.items.load(Ordering::Relaxed);
            if self.take_from(seen) {
                return;
            }
            let ticket = self.put.prepare();
            let seen = last_look(&self.items);
            if self.take_from(seen) {
                return;
            }
            // If others were faster there may be more.
            if seen == 0 {
                self.put.sleep(ticket, Slices::new().next(Deadline::Never));
            }
        }
    }

    fn take_from(&self, seen: u64) -> bool {
        let (success, failure) = (Ordering::AcqRel, Ordering::Relaxed);
        seen > 0 && self.items.compare_exchange(seen, seen - 1, success, failure).is_ok()
    }
}

fn by_rmw(items: &AtomicU64) -> u64 {
    items.fetch_or(0, Ordering::AcqRel)
}

#[cfg(loom)]
fn by_load(items: &AtomicU64) -> u64 {
    items.load(Ordering::Acquire)
}

#[test]
fn a_waiter_is_woken() {
    Proof::of("event count: one waits").explore(|processes| {
        let stock = Arc::new(Stock::new());
        processes.spawn(&stock, |stock, _| stock.take(by_rmw));
        processes.spawn(&stock, |stock, _| stock.put());
        processes.run();
    });
}

#[test]
fn two_waiters_are_woken() {
    Proof::of("event count: two wait").preemptions(2).explore(|processes| {
        let stock = Arc::new(Stock::new());
        processes.spawn(&stock, |stock, _| stock.take(by_rmw));
        processes.spawn(&stock, |stock, _| stock.take(by_rmw));
        processes.spawn(&stock, |stock, _| {
            stock.put();
            stock.put();
        });
        processes.run();
    });
}

/// One clears the flag because nobody slept; the other must not miss who does.
#[test]
fn two_notifiers_wake_all() {
    Proof::of("event count: two notify").preemptions(3).explore(|processes| {
        let stock = Arc::new(Stock::new());
        processes.spawn(&stock, |stock, _| {
            stock.take(by_rmw);
            stock.take(by_rmw);
        });
        processes.spawn(&stock, |stock, _| stock.put());
        processes.spawn(&stock, |stock, _| stock.put());
        processes.run();
    });
}

/// The flag is cleared, and set again by somebody else, while a waiter is about
/// to sleep: its ticket must not be good again.
#[test]
fn a_flag_that_was_cleared_makes_old_tickets_void() {
    let proof = Proof::of("event count: cleared and set again").with_fresh_loads_only();
    proof.preemptions(3).explore(|processes| {
        let stock = Arc::new(Stock::new());
        // Somebody meant to sleep, and did not.
        stock.put.prepare();
        processes.spawn(&stock, |stock, _| {
            stock.take(by_rmw);
            stock.take(by_rmw);
        });
        processes.spawn(&stock, |stock, _| stock.take(by_rmw));
        processes.spawn(&stock, |stock, _| (0..3).for_each(|_| stock.put()));
        processes.run();
    });
}

#[test]
fn a_notifier_that_dies_is_made_up_for() {
    Proof::of("event count: a notifier dies").preemptions(2).for_each_death(|processes| {
        let stock = Arc::new(Stock::new());
        stock.items.fetch_add(1, Ordering::AcqRel);
        processes.victim(&stock, |stock, _| stock.put(), |_, _| ());
        processes.spawn(&stock, |stock, _| stock.put());
        processes.spawn(&stock, |stock, _| {
            stock.take(by_rmw);
            stock.take(by_rmw);
        });
        processes.run();
    });
}

#[test]
fn a_waiter_that_dies_takes_no_ones_wake() {
    Proof::of("event count: a waiter dies").preemptions(2).takes_long().for_each_death(
        |processes| {
            let stock = Arc::new(Stock::new());
            processes.victim(&stock, |stock, _| stock.take(by_rmw), |_, _| ());
            processes.spawn(&stock, |stock, _| stock.take(by_rmw));
            processes.spawn(&stock, |stock, _| {
                stock.put();
                stock.put();
            });
            processes.run();
        },
    );
}

/// A condition of two words, of which each has one who changes it, by plain stores.
struct Doors {
    doors: [AtomicU64; 2],
    knocks: EventCount,
}

impl Doors {
    fn new() -> Doors {
        Doors { doors: [AtomicU64::new(0), AtomicU64::new(0)], knocks: EventCount::new() }
    }

    fn open(&self, door: usize) {
        self.doors[door].store(1, Ordering::Relaxed);
        self.knocks.knock();
    }

    /// Until so many are open.
    fn wait_for(&self, open: u64) {
        let look = || self.doors.iter().map(|door| door.load(Ordering::Relaxed)).sum::<u64>();
        while look() < open {
            let ticket = self.knocks.prepare();
            if look() < open {
                self.knocks.sleep(ticket, Slices::new().next(Deadline::Never));
            }
        }
    }
}

#[test]
fn knocks_are_heard_whatever_they_are_about() {
    Proof::of("event count: two knock").preemptions(3).explore(|processes| {
        let doors = Arc::new(Doors::new());
        processes.spawn(&doors, |doors, _| doors.wait_for(2));
        processes.spawn(&doors, |doors, _| doors.open(0));
        processes.spawn(&doors, |doors, _| doors.open(1));
        processes.run();
    });
}

#[test]
fn one_that_dies_before_its_knock_is_made_up_for() {
    Proof::of("event count: one dies knocking").preemptions(3).for_each_death(|processes| {
        let doors = Arc::new(Doors::new());
        doors.doors[0].store(1, Ordering::Relaxed);
        processes.victim(&doors, |doors, _| doors.open(0), |_, _| ());
        processes.spawn(&doors, |doors, _| doors.open(1));
        processes.spawn(&doors, |doors, _| doors.wait_for(2));
        processes.run();
    });
}

/// Why a knock counts in any case.
#[cfg(loom)]
#[test]
fn a_notification_of_what_was_only_stored_is_lost() {
    Proof::of("event count: store and notify").finds("lost wake", |proof| {
        proof.explore(|processes| {
            let doors = Arc::new(Doors::new());
            processes.spawn(&doors, |doors, _| doors.wait_for(1));
            processes.spawn(&doors, |doors, _| {
                doors.doors[0].store(1, Ordering::Relaxed);
                doors.knocks.notify(1);
            });
            processes.run();
        });
    });
}

/// Why the last look is a read-modify-write.
#[cfg(loom)]
#[test]
fn a_last_look_that_only_loads_loses_a_wake() {
    Proof::of("event count: load as last look").finds("lost wake", |proof| {
        proof.explore(|processes| {
            let stock = Arc::new(Stock::new());
            processes.spawn(&stock, |stock, _| stock.take(by_load));
            processes.spawn(&stock, |stock, _| stock.put());
            processes.run();
        });
    });
}
