//! The event: whoever waits at a `set` is released, and a death hangs nobody.

use std::sync::Arc;
#[cfg(loom)]
use std::time::Duration;

use crate::deadline::Deadline;
#[cfg(loom)]
use crate::primitive::futex_wait;
use crate::primitive::{AtomicU64, Ordering, Proof};
use crate::raw::Event;

/// An event, and what is written before it is set.
struct Posted {
    event: Event,
    data: AtomicU64,
}

impl Posted {
    fn new() -> Posted {
        Posted { event: Event::new(), data: AtomicU64::new(0) }
    }

    fn post(&self) {
        self.data.store(1, Ordering::Relaxed);
        self.event.set();
    }

    fn receive(&self) {
        assert!(self.event.wait(Deadline::Never));
        assert_eq!(self.data.load(Ordering::Relaxed), 1, "set, but what was written is not seen");
    }
}

#[test]
fn set_releases_everybody() {
    Proof::of("event: set, two wait").preemptions(2).explore(|processes| {
        let posted = Arc::new(Posted::new());
        processes.spawn(&posted, |posted, _| posted.post());
        processes.spawn(&posted, |posted, _| posted.receive());
        processes.spawn(&posted, |posted, _| posted.receive());
        processes.run();
    });
}

#[test]
fn two_setters_release_one() {
    Proof::of("event: two set, one waits").preemptions(2).explore(|processes| {
        let posted = Arc::new(Posted::new());
        processes.spawn(&posted, |posted, _| posted.post());
        processes.spawn(&posted, |posted, _| posted.post());
        processes.spawn(&posted, |posted, _| posted.receive());
        processes.run();
    });
}

/// The setter's own sleep ends when the waiter is asleep too, hence has begun.
/// Natively nothing tells when a waiter has begun.
#[cfg(loom)]
#[test]
fn a_set_that_is_cleared_at_once_releases_who_waited() {
    Proof::of("event: set and clear").with_timeouts().explore(|processes| {
        let shared = Arc::new((Event::new(), AtomicU64::new(0)));
        processes.spawn(&shared, |(event, own), _| {
            assert!(futex_wait(own, 0, Duration::MAX), "the waiter sleeps");
            event.set();
            event.clear();
        });
        processes.spawn(&shared, |(event, _), _| assert!(event.wait(Deadline::Never)));
        processes.run();
    });
}

/// Clear, look, wait: the loop of every consumer. No post is missed by it.
#[test]
fn who_clears_before_looking_misses_nothing() {
    Proof::of("event: clear, look, wait").explore(|processes| {
        let posted = Arc::new(Posted::new());
        // Somebody else's news.
        posted.event.set();
        processes.spawn(&posted, |posted, _| posted.post());
        processes.spawn(&posted, |posted, _| {
            posted.event.clear();
            while posted.data.load(Ordering::Relaxed) == 0 {
                posted.event.wait(Deadline::Never);
                posted.event.clear();
            }
        });
        processes.run();
    });
}

#[test]
fn a_setter_that_dies_hangs_nobody() {
    Proof::of("event: the setter dies").for_each_death(|processes| {
        let posted = Arc::new(Posted::new());
        processes.victim(
            &posted,
            |posted, _| posted.post(),
            // Died before it was set: somebody sets it in its place.
            |posted, _| {
                if !posted.event.is_set() {
                    posted.post();
                }
            },
        );
        processes.spawn(&posted, |posted, _| posted.receive());
        processes.run();
        assert!(posted.event.is_set());
    });
}

#[test]
fn a_waiter_that_dies_hangs_nobody() {
    Proof::of("event: a waiter dies").preemptions(2).for_each_death(|processes| {
        let posted = Arc::new(Posted::new());
        processes.victim(&posted, |posted, _| posted.receive(), |_, _| ());
        processes.spawn(&posted, |posted, _| posted.receive());
        processes.spawn(&posted, |posted, _| posted.post());
        processes.run();
    });
}
