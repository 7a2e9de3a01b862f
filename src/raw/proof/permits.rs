//! Permits that change hands, come many at once, or are added.

use std::sync::Arc;
use std::sync::atomic::AtomicU64 as Count;

use crate::deadline::Deadline;
use crate::primitive::{AtomicU64, Ordering, Process, Proof, Stamp};
use crate::raw::{Refused, Semaphore};

/// A semaphore of `N` slots, and a letter box for the name of a permit.
struct Office<const N: usize> {
    permits: Semaphore<N>,
    giver: AtomicU64,
    slot: AtomicU64,
    serial: AtomicU64,
}

impl<const N: usize> Office<N> {
    fn new(permits: usize) -> Office<N> {
        let [giver, slot, serial] = [0; 3].map(AtomicU64::new);
        let office = Office { permits: Semaphore::new(), giver, slot, serial };
        office.permits.place(permits, false, 0);
        office
    }

    /// Takes a permit and gives it to whoever reads the name.
    fn give(&self, me: Process) {
        let slot = self.permits.acquire(me.stamp, Deadline::Never).expect("waits for ever");
        let serial = self.permits.give(me.stamp, slot).expect("it is held");
        self.slot.store(slot as u64, Ordering::Relaxed);
        self.serial.store(serial, Ordering::Relaxed);
        self.giver.store(me.stamp.word(), Ordering::Release);
    }

    /// Takes the permit over, if its name is there and nobody else was faster.
    fn adopt(&self, me: Process) -> Option<usize> {
        let giver = Stamp::of(self.giver.load(Ordering::Acquire))?;
        let slot = self.slot.load(Ordering::Relaxed) as usize;
        let serial = self.serial.load(Ordering::Relaxed);
        self.permits.adopt(giver, slot, serial, me.stamp).then_some(slot)
    }

    /// Takes it over and gives it back.
    fn use_up(&self, me: Process) {
        if let Some(slot) = self.adopt(me) {
            self.permits.release(me.stamp, slot);
        }
    }

    /// Takes all, and gives them back.
    fn take_all(&self, me: Process) {
        let mut slots = [0; N];
        let taken = self.permits.acquire_many(me.stamp, me.thread, Deadline::Never, &mut slots);
        assert_eq!(taken, Ok(()));
        assert_eq!(self.permits.available(), 0, "somebody else is inside");
        slots.iter().for_each(|slot| self.permits.release(me.stamp, *slot));
    }

    fn take_one(&self, me: Process) {
        let slot = self.permits.acquire(me.stamp, Deadline::Never).expect("waits for ever");
        self.permits.release(me.stamp, slot);
    }

    /// So many can be had, and not one more.
    fn expect(&self, me: Process, permits: usize) {
        let (own, now) = (me.stamp, Deadline::Now);
        let taken: Vec<usize> =
            (0..permits).map(|_| self.permits.acquire(own, now).expect("is there")).collect();
        assert_eq!(self.permits.acquire(own, now), Err(Refused::TimedOut));
        taken.iter().for_each(|slot| self.permits.release(own, *slot));
    }
}

#[test]
fn one_of_two_adopts() {
    Proof::of("permits: given once, two adopt").preemptions(3).explore(|processes| {
        let office = Arc::new(Office::<1>::new(1));
        processes.afterwards(&office, Office::give);
        let adopt = |office: &Office<1>, me: Process| {
            if office.adopt(me).is_some() {
                // Whoever else has it as well would free it here.
                assert_eq!(office.permits.available(), 0);
                office.permits.release(me.stamp, 0);
            }
        };
        processes.spawn(&office, adopt);
        processes.spawn(&office, adopt);
        processes.run();
    });
}

/// Two have the name that was given first, and the giver gives again as soon as it
/// can: one of the two adopts what was given first, nobody what was given then.
#[test]
fn a_name_is_good_for_one_giving() {
    Proof::of("permits: given twice, two adopt").preemptions(3).explore(|processes| {
        let office = Arc::new(Office::<1>::new(1));
        let giver = processes.afterwards(&office, Office::give);
        let adopted = Arc::new(Count::new(0));
        for _ in 0..2 {
            let adopted = adopted.clone();
            processes.spawn(&office, move |office, me| {
                if office.permits.adopt(giver, 0, 0, me.stamp) {
                    adopted.fetch_add(1, Ordering::Relaxed);
                    office.permits.release(me.stamp, 0);
                }
            });
        }
        processes.spawn_thread(giver, &office, Office::give);
        processes.run();
        assert_eq!(adopted.load(Ordering::Relaxed), 1);
        processes.afterwards(&office, |office, me| {
            assert_eq!(office.adopt(me), Some(0), "somebody took what was not its own");
            office.permits.release(me.stamp, 0);
        });
    });
}

#[test]
fn a_giver_that_dies_costs_no_permit() {
    Proof::of("permits: a giver dies").preemptions(3).for_each_death(|processes| {
        let office = Arc::new(Office::<1>::new(1));
        processes.victim(&office, Office::give, |_, _| ());
        processes.spawn(&office, Office::use_up);
        processes.run();
        // Adopted, or freed with its giver; a giver that lives on still has it.
        processes.afterwards(&office, |office, me| {
            office.use_up(me);
            office.expect(me, 1);
        });
    });
}

#[test]
fn an_adopter_that_dies_costs_no_permit() {
    Proof::of("permits: an adopter dies").preemptions(3).for_each_death(|processes| {
        let office = Arc::new(Office::<1>::new(1));
        processes.spawn(&office, Office::give);
        processes.victim(&office, Office::use_up, |_, _| ());
        processes.run();
        processes.afterwards(&office, |office, me| {
            office.use_up(me);
            office.expect(me, 1);
        });
    });
}

#[test]
fn two_that_want_all_do_not_block_each_other() {
    Proof::of("permits: two want both").preemptions(2).explore(|processes| {
        let office = Arc::new(Office::<2>::new(2));
        processes.spawn(&office, Office::take_all);
        processes.spawn(&office, Office::take_all);
        processes.run();
        processes.afterwards(&office, |office, me| office.expect(me, 2));
    });
}

#[test]
fn who_dies_gathering_leaves_all() {
    Proof::of("permits: one dies gathering").preemptions(2).takes_long().for_each_death(
        |processes| {
            let office = Arc::new(Office::<2>::new(2));
            processes.victim(&office, Office::take_all, |_, _| ());
            processes.spawn(&office, Office::take_one);
            processes.run();
            processes.afterwards(&office, |office, me| {
                office.take_all(me);
                office.expect(me, 2);
            });
        },
    );
}

#[test]
fn an_added_permit_wakes() {
    Proof::of("permits: one is added").preemptions(3).explore(|processes| {
        let office = Arc::new(Office::<2>::new(0));
        processes
            .spawn(&office, |office, me| assert_eq!(office.permits.add(me.stamp, 1), Ok(true)));
        processes.spawn(&office, Office::take_one);
        processes.run();
        processes.afterwards(&office, |office, me| office.expect(me, 1));
    });
}

#[test]
fn no_more_are_added_than_there_is_room_for() {
    Proof::of("permits: two add both").preemptions(3).explore(|processes| {
        let office = Arc::new(Office::<2>::new(0));
        let add = |office: &Office<2>, me: Process| {
            office.permits.add(me.stamp, 2).expect("it is placed");
        };
        processes.spawn(&office, add);
        processes.spawn(&office, add);
        processes.run();
        processes.afterwards(&office, |office, me| office.expect(me, 2));
    });
}

#[test]
fn who_dies_adding_has_added_up_to_all() {
    Proof::of("permits: one dies adding").preemptions(3).for_each_death(|processes| {
        let office = Arc::new(Office::<2>::new(1));
        processes.victim(&office, |office, me| office.permits.add(me.stamp, 1), |_, _| ());
        processes.spawn(&office, Office::take_one);
        processes.run();
        processes.afterwards(&office, |office, me| {
            let available = office.permits.available();
            assert!(available == 1 || available == 2, "{available}");
            office.expect(me, available);
        });
    });
}
