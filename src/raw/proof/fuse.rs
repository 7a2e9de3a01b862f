//! The model itself: what it counts, what it loses, what it heals.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use crate::deadline::{Deadline, Slices};
use crate::primitive::{AtomicU64, Ordering, Proof, futex_wait, futex_wake, is_alive};

#[test]
fn a_victim_dies_before_each_of_its_steps() {
    let seen = Arc::new([const { AtomicUsize::new(0) }; 4]);
    let counts = seen.clone();
    // Each death is to be counted once.
    let proof = Proof::of("fuse: three steps").with_fresh_loads_only();
    proof.for_each_death(move |processes| {
        let word = Arc::new(AtomicU64::new(0));
        let victim = processes.victim(
            &word,
            |word, _| {
                word.store(1, Ordering::Relaxed);
                word.store(2, Ordering::Relaxed);
                futex_wake(word, 1);
                word.store(3, Ordering::Relaxed);
            },
            |_, _| (),
        );
        processes.run();
        let last = word.load(Ordering::Relaxed);
        assert_eq!(is_alive(victim), last == 3);
        counts[last as usize].fetch_add(1, Ordering::Relaxed);
    });
    let counts: Vec<usize> = seen.iter().map(|count| count.load(Ordering::Relaxed)).collect();
    assert_eq!(counts, [1, 1, 2, 1], "killed before: 1st store, 2nd, wake or 3rd, nothing");
}

/// Sleeps until the word is 1; the other sets it.
fn wait(word: &AtomicU64) {
    while word.load(Ordering::Acquire) == 0 {
        futex_wait(word, 0, Slices::new().next(Deadline::Never));
    }
}

fn set_and_wake(word: &AtomicU64) {
    word.store(1, Ordering::Release);
    futex_wake(word, 1);
}

#[test]
fn a_sleeper_is_woken() {
    Proof::of("futex: wait and wake").explore(|processes| {
        let word = Arc::new(AtomicU64::new(0));
        processes.spawn(&word, |word, _| wait(word));
        processes.spawn(&word, |word, _| set_and_wake(word));
        processes.run();
    });
}

#[test]
fn a_forgotten_wake_is_found() {
    Proof::of("futex: no wake").finds("lost wake", |proof| {
        proof.explore(|processes| {
            let word = Arc::new(AtomicU64::new(0));
            processes.spawn(&word, |word, _| wait(word));
            processes.spawn(&word, |word, _| word.store(1, Ordering::Release));
            processes.run();
        });
    });
}

#[test]
fn a_death_before_the_wake_is_healed_and_one_before_the_store_is_not() {
    let between = |processes: &crate::primitive::Processes| {
        let word = Arc::new(AtomicU64::new(0));
        processes.spawn(&word, |word, _| wait(word));
        processes.victim(&word, |word, _| set_and_wake(word), |_, _| ());
        processes.run();
    };
    Proof::of("futex: a setter that dies").finds("not healed", |proof| {
        proof.for_each_death(between);
    });
    Proof::of("futex: a waker that dies").for_each_death(|processes| {
        let word = Arc::new(AtomicU64::new(0));
        processes.spawn(&word, |word, _| word.store(1, Ordering::Release));
        processes.spawn(&word, |word, _| wait(word));
        processes.victim(&word, |word, _| futex_wake(word, 1), |_, _| ());
        processes.run();
    });
}

#[test]
fn only_the_low_half_is_compared() {
    Proof::of("futex: low half").with_timeouts().explore(|processes| {
        let word = Arc::new(AtomicU64::new(7 << 32 | 1));
        processes.spawn(&word, |word, _| {
            assert!(!futex_wait(word, 7, Slices::new().next(Deadline::Never)));
            assert!(futex_wait(word, 1, Slices::new().next(Deadline::Never)));
        });
        processes.run();
    });
}

#[test]
fn a_run_that_hits_its_cap_fails() {
    Proof::of("cap").most_executions(3).finds("not finished after 3 executions", |proof| {
        proof.explore(|processes| {
            let word = Arc::new(AtomicU64::new(0));
            for _ in 0..3 {
                processes.spawn(&word, |word, _| word.fetch_add(1, Ordering::Relaxed));
            }
            processes.run();
        });
    });
}
