//! The bell: no ring is lost, whoever polls and whoever silences it.

use std::sync::Arc;

use crate::deadline::{Deadline, Slices};
use crate::primitive::{AtomicU64, Bell, Ordering, Processes, Proof};
use crate::raw::{Polled, polled};

/// A condition of one word: how many are there to take.
struct Stock {
    items: AtomicU64,
    put: Polled,
    bell: Bell,
}

impl Stock {
    fn new() -> Arc<Stock> {
        let bell = Bell::new().expect("a descriptor");
        Arc::new(Stock { items: AtomicU64::new(0), put: Polled::new(), bell })
    }

    fn put(&self) {
        self.items.fetch_add(1, Ordering::AcqRel);
        self.put.notify(1, &self.bell);
    }

    fn has_some(&self) -> bool {
        self.items.fetch_or(0, Ordering::AcqRel) > 0
    }

    fn take(&self) -> bool {
        let fewer = |items: u64| items.checked_sub(1);
        self.items.fetch_update(Ordering::AcqRel, Ordering::Relaxed, fewer).is_ok()
    }

    /// Takes one as somebody who polls: looks, arms, waits for the bell.
    fn poll(&self) {
        while !self.take() {
            if !polled::arm(&[&self.put], &self.bell, || self.has_some()) {
                self.bell.wait(Slices::new().next(Deadline::Never));
            }
        }
    }

    /// Takes one as somebody who sleeps.
    fn wait(&self) {
        while !self.take() {
            let ticket = self.put.prepare();
            if !self.has_some() {
                self.put.sleep(ticket, Slices::new().next(Deadline::Never));
            }
        }
    }
}

/// The first two take one each of what the third puts.
fn two_take(first: fn(&Stock), second: fn(&Stock)) -> impl Fn(&Processes) + Send + Sync + Clone {
    move |processes| {
        let stock = Stock::new();
        processes.spawn(&stock, move |stock, _| first(stock));
        processes.spawn(&stock, move |stock, _| second(stock));
        processes.spawn(&stock, |stock, _| {
            stock.put();
            stock.put();
        });
        processes.run();
    }
}

/// One takes two, which two put.
fn two_put(processes: &Processes) {
    let stock = Stock::new();
    processes.spawn(&stock, |stock, _| {
        stock.poll();
        stock.poll();
    });
    processes.spawn(&stock, |stock, _| stock.put());
    processes.spawn(&stock, |stock, _| stock.put());
    processes.run();
}

#[test]
fn a_poller_hears_the_bell() {
    Proof::of("polled: one polls").explore(|processes| {
        let stock = Stock::new();
        processes.spawn(&stock, |stock, _| stock.poll());
        processes.spawn(&stock, |stock, _| stock.put());
        processes.run();
    });
}

/// Either may silence what was rung for the other.
#[test]
fn two_pollers_hear_one_bell() {
    Proof::of("polled: two poll").preemptions(2).explore(two_take(Stock::poll, Stock::poll));
}

#[test]
fn a_sleeper_and_a_poller_are_both_told() {
    let proof = Proof::of("polled: one polls, one sleeps").preemptions(2);
    proof.explore(two_take(Stock::poll, Stock::wait));
}

#[test]
fn two_notifiers_ring_for_a_poller() {
    Proof::of("polled: two notify").preemptions(2).explore(two_put);
}

#[test]
fn a_notifier_that_dies_is_made_up_for() {
    Proof::of("polled: a notifier dies").preemptions(2).for_each_death(|processes| {
        let stock = Stock::new();
        stock.items.fetch_add(1, Ordering::AcqRel);
        processes.victim(&stock, |stock, _| stock.put(), |_, _| ());
        processes.spawn(&stock, |stock, _| stock.put());
        processes.spawn(&stock, |stock, _| {
            stock.poll();
            stock.poll();
        });
        processes.run();
    });
}

/// It may die with the bell silent, or with somebody else's flag gone.
#[test]
fn a_poller_that_dies_silences_nobody_for_long() {
    let proof = Proof::of("polled: a poller dies").with_fresh_loads_only().preemptions(2);
    proof.for_each_death(|processes| {
        let stock = Stock::new();
        processes.victim(&stock, |stock, _| stock.poll(), |_, _| ());
        processes.spawn(&stock, |stock, _| stock.poll());
        processes.spawn(&stock, |stock, _| {
            stock.put();
            stock.put();
        });
        processes.run();
    });
}

/// Why the order of the lines is what it is.
#[cfg(loom)]
#[test]
fn a_bell_out_of_order_is_missed() {
    use crate::primitive::Mutant;

    let proof = Proof::of("planted: rings before it takes the flag").preemptions(2);
    Mutant::RingsTooEarly.plant(|| proof.finds("lost wake", |proof| proof.explore(two_put)));
    let proof = Proof::of("planted: silences and keeps quiet").preemptions(2);
    Mutant::KeepsTheBell.plant(|| {
        proof.finds("lost wake", |proof| proof.explore(two_take(Stock::poll, Stock::poll)));
    });
}
