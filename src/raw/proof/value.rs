//! The value: whole ones only, in order, and a death costs at most its own write.

use std::sync::Arc;

use crate::primitive::{AtomicU64, Ordering, Process, Proof};
use crate::raw::Value;

/// A value of two words, which are equal in every value that was ever written.
struct Pair {
    value: Value,
    copies: [[AtomicU64; 2]; 2],
}

impl Pair {
    fn new() -> Pair {
        let value = Value::new();
        value.place();
        Pair {
            value,
            copies: core::array::from_fn(|_| core::array::from_fn(|_| AtomicU64::new(0))),
        }
    }

    /// The value, and its version.
    fn read(&self) -> (u64, u64) {
        let words = |copy: usize| {
            let [first, second] = &self.copies[copy];
            (first.load(Ordering::Acquire), second.load(Ordering::Acquire))
        };
        let ((first, second), version) = self.value.read(words);
        assert_eq!(first, second, "half a value");
        (first, version)
    }

    fn write(&self, me: Process, value: u64, expected: Option<u64>) -> bool {
        let fill = |copy: usize| {
            for word in &self.copies[copy] {
                word.store(value, Ordering::Release);
            }
        };
        self.value.write(me.stamp, me.thread, expected, fill).expect("it is placed")
    }

    /// One more, whatever others do.
    fn add(&self, me: Process) {
        loop {
            let (value, version) = self.read();
            if self.write(me, value + 1, Some(version)) {
                return;
            }
        }
    }

    /// Two looks, of which the second sees no older value.
    fn look_twice(&self) {
        let (earlier, _) = self.read();
        let (later, _) = self.read();
        assert!(earlier <= later, "{later} after {earlier}");
    }
}

#[test]
fn a_reader_sees_whole_values_in_order() {
    Proof::of("value: one writes twice, one reads").preemptions(4).explore(|processes| {
        let pair = Arc::new(Pair::new());
        processes.spawn(&pair, |pair, me| {
            pair.write(me, 1, None);
            // Into the copy that the reader may be reading.
            pair.write(me, 2, None);
        });
        processes.spawn(&pair, |pair, _| pair.look_twice());
        processes.run();
        processes.afterwards(&pair, |pair, _| assert_eq!(pair.read().0, 2));
    });
}

#[test]
fn no_update_is_lost() {
    Proof::of("value: two add").preemptions(3).explore(|processes| {
        let pair = Arc::new(Pair::new());
        processes.spawn(&pair, Pair::add);
        processes.spawn(&pair, Pair::add);
        processes.run();
        processes.afterwards(&pair, |pair, _| assert_eq!(pair.read().0, 2));
    });
}

#[test]
fn a_death_leaves_the_old_value_or_the_new_one() {
    Proof::of("value: one dies adding").preemptions(3).for_each_death(|processes| {
        let pair = Arc::new(Pair::new());
        processes.victim(&pair, Pair::add, |_, _| ());
        processes.spawn(&pair, Pair::add);
        processes.run();
        processes.afterwards(&pair, |pair, me| {
            let (value, _) = pair.read();
            assert!(value == 1 || value == 2, "{value} after one or two additions");
            pair.add(me);
            assert_eq!(pair.read().0, value + 1);
        });
    });
}

#[test]
fn a_reader_waits_for_no_dead_writer() {
    Proof::of("value: one dies adding, one reads").preemptions(4).for_each_death(|processes| {
        let pair = Arc::new(Pair::new());
        processes.victim(
            &pair,
            |pair, me| {
                pair.add(me);
                pair.add(me)
            },
            |_, _| (),
        );
        processes.spawn(&pair, |pair, _| pair.look_twice());
        processes.run();
    });
}
