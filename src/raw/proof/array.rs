//! The array: a stretch changes at once, for whoever reads and whoever dies.

use core::ops::Range;
use std::sync::Arc;

use crate::primitive::{AtomicU64, Ordering, Process, Proof};
use crate::raw::Array;

const LEN: usize = 2;

/// An array whose elements are equal in everything that was ever committed.
struct Row {
    array: Array,
    data: [AtomicU64; LEN],
    log: [AtomicU64; LEN],
}

impl Row {
    fn new() -> Row {
        let array = Array::new();
        array.place();
        let zeroes = || core::array::from_fn(|_| AtomicU64::new(0));
        Row { array, data: zeroes(), log: zeroes() }
    }

    /// The elements, and which of all contents they are.
    fn read(&self) -> (u64, u64) {
        let elements = |logged: Range<usize>| {
            core::array::from_fn::<u64, LEN, _>(|index| {
                let row = if logged.contains(&index) { &self.log } else { &self.data };
                row[index].load(Ordering::Acquire)
            })
        };
        let ([first, second], contents) = self.array.read(elements);
        assert_eq!(first, second, "half a change");
        (first, contents)
    }

    fn write(&self, me: Process, value: u64, expected: Option<u64>) -> bool {
        let log = || self.log.iter().for_each(|element| element.store(value, Ordering::Release));
        let apply = |stretch: Range<usize>| {
            for index in stretch {
                let element = self.log[index].load(Ordering::Acquire);
                self.data[index].store(element, Ordering::Release);
            }
        };
        let array = &self.array;
        array.write(me.stamp, me.thread, expected, 0..LEN, log, apply).expect("it is placed")
    }

    /// One more in each element, whatever others do.
    fn add(&self, me: Process) {
        loop {
            let (value, contents) = self.read();
            if self.write(me, value + 1, Some(contents)) {
                return;
            }
        }
    }

    /// Two looks, of which the second sees nothing older.
    fn look_twice(&self) {
        let (earlier, _) = self.read();
        let (later, _) = self.read();
        assert!(earlier <= later, "{later} after {earlier}");
    }
}

#[test]
fn a_reader_sees_all_of_a_change_or_none() {
    Proof::of("array: one writes twice, one reads").preemptions(2).explore(|processes| {
        let row = Arc::new(Row::new());
        processes.spawn(&row, |row, me| {
            row.write(me, 1, None);
            // Into the log that the reader may be reading.
            row.write(me, 2, None);
        });
        processes.spawn(&row, |row, _| row.look_twice());
        processes.run();
        processes.afterwards(&row, |row, _| assert_eq!(row.read().0, 2));
    });
}

#[test]
fn no_update_is_lost() {
    Proof::of("array: two add").preemptions(2).explore(|processes| {
        let row = Arc::new(Row::new());
        processes.spawn(&row, Row::add);
        processes.spawn(&row, Row::add);
        processes.run();
        processes.afterwards(&row, |row, _| assert_eq!(row.read().0, 2));
    });
}

#[test]
fn a_death_leaves_all_of_a_change_or_none() {
    Proof::of("array: one dies adding").preemptions(2).for_each_death(|processes| {
        let row = Arc::new(Row::new());
        processes.victim(&row, Row::add, |_, _| ());
        processes.spawn(&row, Row::add);
        processes.run();
        processes.afterwards(&row, |row, me| {
            let (value, _) = row.read();
            assert!(value == 1 || value == 2, "{value} after one or two additions");
            row.add(me);
            assert_eq!(row.read().0, value + 1);
        });
    });
}

#[test]
fn a_reader_waits_for_no_dead_writer() {
    // One preemption, in the middle of a look, is what it takes to meet a log that is
    // written for the second time.
    Proof::of("array: one dies adding, one reads").preemptions(1).for_each_death(|processes| {
        let row = Arc::new(Row::new());
        processes.victim(
            &row,
            |row, me| {
                row.add(me);
                row.add(me)
            },
            |_, _| (),
        );
        processes.spawn(&row, |row, _| row.look_twice());
        processes.run();
    });
}
