//! Once: done by one, seen by all, and by somebody else after a death.

use std::sync::Arc;
use std::sync::atomic::AtomicU64 as Count;

use crate::primitive::{AtomicU64, Ordering::Relaxed, Process, Proof};
use crate::raw::{Once, Refused};

/// A value of two halves, made once.
struct Made {
    once: Once,
    halves: [AtomicU64; 2],
    begun: Count,
    finished: Count,
}

impl Made {
    fn new() -> Made {
        let once = Once::new();
        once.place();
        let halves = [AtomicU64::new(0), AtomicU64::new(0)];
        Made { once, halves, begun: Count::new(0), finished: Count::new(0) }
    }

    /// Begins, if it is not done; the halves are one's own name then.
    fn begin(&self, me: Process) -> bool {
        let begins = !self.once.is_done()
            && self.once.begin(me.stamp, me.thread).expect("waits as long as it takes");
        if begins {
            self.begun.fetch_add(1, Relaxed);
            for half in &self.halves {
                half.store(me.stamp.word() ^ me.thread, Relaxed);
            }
        }
        begins
    }

    fn make(&self, me: Process) {
        if self.begin(me) {
            self.once.finish(me.stamp);
            self.finished.fetch_add(1, Relaxed);
        }
        self.see();
    }

    /// It is done, by one, and whole.
    fn see(&self) {
        assert!(self.once.is_done());
        let [first, second] = [0, 1].map(|half| self.halves[half].load(Relaxed));
        assert!(first == second && first != 0, "{first:#x} and {second:#x}");
        assert!(self.finished.load(Relaxed) <= 1, "done twice");
    }
}

#[test]
fn one_of_two_does_it() {
    Proof::of("once: two come").preemptions(4).explore(|processes| {
        let made = Arc::new(Made::new());
        processes.spawn(&made, Made::make);
        processes.spawn(&made, Made::make);
        processes.run();
        processes.afterwards(&made, |made, _| made.see());
        assert_eq!(made.begun.load(Relaxed), 1);
    });
}

#[test]
fn one_of_three_does_it() {
    Proof::of("once: three come").preemptions(2).explore(|processes| {
        let made = Arc::new(Made::new());
        for _ in 0..3 {
            processes.spawn(&made, Made::make);
        }
        processes.run();
        processes.afterwards(&made, |made, _| made.see());
        assert_eq!(made.begun.load(Relaxed), 1);
    });
}

#[test]
fn who_dies_at_it_is_replaced() {
    Proof::of("once: one of three dies").preemptions(2).takes_long().for_each_death(|processes| {
        let made = Arc::new(Made::new());
        processes.victim(&made, Made::make, |_, _| ());
        processes.spawn(&made, Made::make);
        processes.spawn(&made, Made::make);
        processes.run();
        processes.afterwards(&made, |made, _| made.see());
        assert!(made.begun.load(Relaxed) <= 2);
    });
}

/// The heir dies too, at each of its steps.
#[test]
fn two_who_die_at_it_are_replaced() {
    Proof::of("once: two of three die").preemptions(1).takes_long().for_each_two_deaths(
        |processes| {
            let made = Arc::new(Made::new());
            processes.victim(&made, Made::make, |_, _| ());
            processes.victim(&made, Made::make, |_, _| ());
            processes.spawn(&made, Made::make);
            processes.run();
            processes.afterwards(&made, |made, _| made.see());
            assert!(made.begun.load(Relaxed) <= 3);
        },
    );
}

#[test]
fn who_gives_up_is_replaced() {
    Proof::of("once: one gives up").preemptions(2).explore(|processes| {
        let made = Arc::new(Made::new());
        processes.spawn(&made, |made, me| {
            if made.begin(me) {
                made.once.give_up(me.stamp);
            }
        });
        processes.spawn(&made, Made::make);
        processes.run();
        processes.afterwards(&made, |made, _| made.see());
    });
}

#[test]
fn who_begins_while_it_is_at_it_is_deadlocked() {
    Proof::of("once: deadlock").explore(|processes| {
        let made = Arc::new(Made::new());
        processes.spawn(&made, |made, me| {
            assert!(made.begin(me));
            let again = made.once.begin(me.stamp, me.thread);
            assert_eq!(again, Err(Refused::Deadlock));
            made.once.finish(me.stamp);
        });
        processes.run();
        processes.afterwards(&made, |made, _| made.see());
    });
}

/// Why the value is whole before the word says so.
#[cfg(loom)]
#[test]
fn one_that_says_so_too_early_is_found() {
    Proof::of("once: done too early").finds("and 0x0", |proof| {
        proof.explore(|processes| {
            let made = Arc::new(Made::new());
            processes.spawn(&made, |made, me| {
                if made.once.begin(me.stamp, me.thread) == Ok(true) {
                    made.once.finish(me.stamp);
                    made.halves.iter().for_each(|half| half.store(1, Relaxed));
                }
            });
            processes.spawn(&made, Made::make);
            processes.run();
        });
    });
}
