//! The semaphore: at most so many inside, and all permits there afterwards.

use std::sync::Arc;
use std::sync::atomic::AtomicU64 as Count;

use crate::deadline::Deadline;
use crate::primitive::{AtomicU64, Ordering::Relaxed, Process, Proof};
use crate::raw::{Refused, Semaphore};

/// Rooms that a permit's slot gives to one process alone.
struct Rooms<const N: usize> {
    permits: Semaphore<N>,
    visits: [AtomicU64; N],
    completed: Count,
    /// Permits that died with their holder.
    left: Count,
}

impl<const N: usize> Rooms<N> {
    fn new() -> Rooms<N> {
        let rooms = Rooms {
            permits: Semaphore::new(),
            visits: core::array::from_fn(|_| AtomicU64::new(0)),
            completed: Count::new(0),
            left: Count::new(0),
        };
        rooms.permits.place(N, false, 0);
        rooms
    }

    /// Two inside one room at once, or one that does not see its predecessor,
    /// would lose a visit.
    fn visit(&self, me: Process) {
        let room = self.permits.acquire(me.stamp, Deadline::Never).expect("waits for ever");
        let visits = &self.visits[room];
        visits.store(visits.load(Relaxed) + 1, Relaxed);
        self.permits.release(me.stamp, room);
        self.completed.fetch_add(1, Relaxed);
    }

    fn leave_behind(&self, _dead: Process) {
        self.left.fetch_add(1, Relaxed);
    }

    /// Exactly `N` permits can be had; nobody else is there any more.
    fn check(&self, me: Process) {
        let visits: u64 = self.visits.iter().map(|visits| visits.load(Relaxed)).sum();
        let (completed, left) = (self.completed.load(Relaxed), self.left.load(Relaxed));
        assert!((completed..=completed + left).contains(&visits), "{visits}, {completed}, {left}");
        assert_eq!(self.permits.available(), N);
        let mut rooms: Vec<usize> = (0..N)
            .map(|_| self.permits.acquire(me.stamp, Deadline::Now).expect("is available"))
            .collect();
        assert_eq!(self.permits.acquire(me.stamp, Deadline::Now), Err(Refused::TimedOut));
        assert_eq!(self.permits.available(), 0);
        rooms.sort_unstable();
        assert!(rooms.iter().copied().eq(0..N), "{rooms:?}");
        for room in rooms {
            self.permits.release(me.stamp, room);
        }
        assert_eq!(self.permits.available(), N);
    }
}

#[test]
fn one_permit_for_two() {
    Proof::of("semaphore: one permit for two").explore(|processes| {
        let rooms = Arc::new(Rooms::<1>::new());
        processes.spawn(&rooms, Rooms::visit);
        processes.spawn(&rooms, Rooms::visit);
        processes.run();
        processes.afterwards(&rooms, Rooms::check);
    });
}

#[test]
fn one_permit_for_three() {
    Proof::of("semaphore: one permit for three").preemptions(2).explore(|processes| {
        let rooms = Arc::new(Rooms::<1>::new());
        for _ in 0..3 {
            processes.spawn(&rooms, Rooms::visit);
        }
        processes.run();
        processes.afterwards(&rooms, Rooms::check);
    });
}

#[test]
fn two_permits_for_three() {
    Proof::of("semaphore: two permits for three").preemptions(2).explore(|processes| {
        let rooms = Arc::new(Rooms::<2>::new());
        for _ in 0..3 {
            processes.spawn(&rooms, Rooms::visit);
        }
        processes.run();
        processes.afterwards(&rooms, Rooms::check);
    });
}

#[test]
fn a_permit_outlives_its_holder() {
    Proof::of("semaphore: one permit, a death").preemptions(3).for_each_death(|processes| {
        let rooms = Arc::new(Rooms::<1>::new());
        processes.victim(&rooms, Rooms::visit, Rooms::leave_behind);
        processes.spawn(&rooms, Rooms::visit);
        processes.run();
        processes.afterwards(&rooms, Rooms::check);
    });
}

#[test]
fn permits_outlive_their_holder() {
    Proof::of("semaphore: two permits, a death").preemptions(1).for_each_death(|processes| {
        let rooms = Arc::new(Rooms::<2>::new());
        processes.victim(&rooms, Rooms::visit, Rooms::leave_behind);
        processes.spawn(&rooms, Rooms::visit);
        processes.spawn(&rooms, Rooms::visit);
        processes.run();
        processes.afterwards(&rooms, Rooms::check);
    });
}

#[test]
fn one_permit_two_heirs() {
    Proof::of("semaphore: one permit, two heirs").preemptions(2).takes_long().for_each_death(
        |processes| {
            let rooms = Arc::new(Rooms::<1>::new());
            processes.victim(&rooms, Rooms::visit, Rooms::leave_behind);
            processes.spawn(&rooms, Rooms::visit);
            processes.spawn(&rooms, Rooms::visit);
            processes.run();
            processes.afterwards(&rooms, Rooms::check);
        },
    );
}
