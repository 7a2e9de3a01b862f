//! The event count between a store and a load: no lost wake, if there is a light
//! fence on one side and a heavy one on the other.

use std::sync::Arc;

use crate::deadline::{Deadline, Slices};
use crate::primitive::{AtomicU64, Ordering, Process, Proof, heavy_fence, light_fence};
use crate::raw::EventCount;

/// An index that one process moves and another one waits for.
struct Index {
    index: AtomicU64,
    moved: EventCount,
}

impl Index {
    fn new() -> Index {
        Index { index: AtomicU64::new(0), moved: EventCount::new() }
    }

    fn advance(&self, to: u64, fence: impl Fn()) {
        self.index.store(to, Ordering::Release);
        fence();
        self.moved.notify(1);
    }

    fn wait_for(&self, wanted: u64, fence: impl Fn()) {
        while self.index.load(Ordering::Acquire) < wanted {
            let ticket = self.moved.prepare();
            fence();
            if self.index.load(Ordering::Acquire) < wanted {
                self.moved.sleep(ticket, Slices::new().next(Deadline::Never));
            }
        }
    }
}

fn heavy() {
    assert!(heavy_fence());
}

#[test]
fn a_store_wakes_who_waits_for_it() {
    Proof::of("fences: one waits").preemptions(3).explore(|processes| {
        let index = Arc::new(Index::new());
        processes.spawn(&index, |index, me| {
            index.advance(1, || light_fence(me.stamp));
            index.advance(2, || light_fence(me.stamp));
        });
        processes.spawn(&index, |index, _: Process| {
            index.wait_for(1, heavy);
            index.wait_for(2, heavy);
        });
        processes.run();
    });
}

#[test]
fn a_death_between_store_and_wake_is_made_up_for() {
    Proof::of("fences: who stores dies").preemptions(3).for_each_death(|processes| {
        let index = Arc::new(Index::new());
        index.index.store(1, Ordering::Relaxed);
        processes.victim(&index, |index, me| index.advance(2, || light_fence(me.stamp)), |_, _| ());
        processes.spawn(&index, |index, me| index.advance(2, || light_fence(me.stamp)));
        processes.spawn(&index, |index, _| index.wait_for(2, heavy));
        processes.run();
    });
}

/// Two light ones order nothing on the machine, and a heavy one at each store would
/// cost what the light one is there to save: the model finds the sleeper's.
#[cfg(loom)]
#[test]
fn a_light_one_at_the_sleeper_is_found() {
    type Fence = fn(Process);
    let light: Fence = |me| light_fence(me.stamp);
    for ours in [light, |_| heavy()] {
        Proof::of("fences: a sleeper's is light").finds("a light fence", |proof| {
            proof.explore(move |processes| {
                let index = Arc::new(Index::new());
                processes.spawn(&index, move |index, me| index.advance(1, || ours(me)));
                processes.spawn(&index, move |index, me| index.wait_for(1, || light(me)));
                processes.run();
            });
        });
    }
}

/// Why there are two.
#[cfg(loom)]
#[test]
fn without_either_of_them_a_wake_is_lost() {
    type Fence = fn();
    let pairs: [(Fence, Fence); 2] = [(|| (), heavy), (heavy, || ())];
    for (ours, theirs) in pairs {
        Proof::of("fences: one is missing").finds("lost wake", |proof| {
            proof.explore(move |processes| {
                let index = Arc::new(Index::new());
                processes.spawn(&index, move |index, _| index.advance(1, ours));
                processes.spawn(&index, move |index, _| index.wait_for(1, theirs));
                processes.run();
            });
        });
    }
}
