//! The clock: a task is late or has a result, whoever dies.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64 as Count, Ordering::Relaxed};

use crate::primitive::Proof;
use crate::raw::Clock;

/// A worker's clock, and what was said of its tasks.
struct Shift {
    clock: Clock,
    results: Count,
    late: Count,
}

impl Shift {
    fn new() -> Shift {
        let shift = Shift { clock: Clock::new(), results: Count::new(0), late: Count::new(0) };
        shift.clock.start();
        shift
    }

    /// The worker's life, with tasks begun at these moments; it stops at one that is
    /// late.
    fn work(&self, moments: &[u64], finish: impl Fn(&Clock, u64) -> bool) {
        self.clock.ready();
        for moment in moments {
            self.clock.begin(*moment);
            if !finish(&self.clock, *moment) {
                return;
            }
            self.results.fetch_add(1, Relaxed);
        }
    }

    /// The keeper finds whatever is begun too late.
    fn look(&self) {
        if let Some(begun) = self.clock.begun()
            && self.clock.expire(begun)
        {
            self.late.fetch_add(1, Relaxed);
        }
    }

    fn said(&self) -> (u64, u64) {
        (self.results.load(Relaxed), self.late.load(Relaxed))
    }
}

#[test]
fn a_task_is_late_or_has_a_result() {
    Proof::of("clock: two tasks, two looks").explore(|processes| {
        let shift = Arc::new(Shift::new());
        processes.spawn(&shift, |shift, _| shift.work(&[5, 9], Clock::finish));
        processes.spawn(&shift, |shift, _| {
            shift.look();
            shift.look();
        });
        processes.run();
        // The first is late, or the second, or none.
        let said = shift.said();
        assert!([(0, 1), (1, 1), (2, 0)].contains(&said), "{said:?}");
    });
}

#[test]
fn a_dead_worker_leaves_what_it_was_at() {
    Proof::of("clock: a worker dies").for_each_death(|processes| {
        let shift = Arc::new(Shift::new());
        processes.victim(&shift, |shift, _| shift.work(&[5], Clock::finish), |_, _| ());
        processes.spawn(&shift, |shift, _| shift.look());
        processes.run();
        processes.afterwards(&shift, |shift, _| {
            let (results, late) = shift.said();
            assert!(results + late <= 1, "{results} results, {late} late");
            let was_at = (shift.clock.is_starting(), shift.clock.begun());
            let right = match was_at {
                // It never came to a task, or was at none, or had to leave it.
                (true, None) => results + late == 0,
                (false, None) => true,
                (false, Some(begun)) => begun == 5 && results + late == 0,
                (true, Some(_)) => false,
            };
            assert!(right, "{was_at:?}, {results} results, {late} late");
            // Its successor.
            shift.clock.start();
            assert!(shift.clock.is_starting());
            shift.work(&[7], Clock::finish);
            assert_eq!((shift.said(), shift.clock.begun()), ((results + 1, late), None));
        });
    });
}

#[test]
fn a_keeper_that_dies_harms_no_task() {
    Proof::of("clock: a keeper dies").for_each_death(|processes| {
        let shift = Arc::new(Shift::new());
        processes.victim(&shift, |shift, _| shift.look(), |_, _| ());
        processes.spawn(&shift, |shift, _| shift.work(&[5], Clock::finish));
        processes.run();
        let (results, late) = shift.said();
        assert!(results + late <= 1, "{results} results, {late} late");
    });
}

/// Why to finish is a CAS.
#[cfg(loom)]
#[test]
fn one_that_finishes_by_a_look_and_a_store_is_found() {
    let finish = |clock: &Clock, moment| {
        let is_in_time = clock.begun() == Some(moment);
        clock.ready();
        is_in_time
    };
    Proof::of("clock: look and store").finds("late", move |proof| {
        proof.explore(move |processes| {
            let shift = Arc::new(Shift::new());
            processes.spawn(&shift, move |shift, _| shift.work(&[5], finish));
            processes.spawn(&shift, |shift, _| shift.look());
            processes.run();
            let (results, late) = shift.said();
            assert!(results + late <= 1, "{results} results, {late} late");
        });
    });
}
