//! The event: whoever waits at a `set` is released, whoever polls sees that it is
//! set, and a death hangs nobody.

use std::sync::Arc;
use std::time::Duration;

use crate::deadline::Deadline;
use crate::primitive::{AtomicU64, Ordering, Proof, futex_wait, futex_wake};
use crate::raw::{Event, Tokens};

pub(super) struct NobodyPolls;

impl Tokens for NobodyPolls {
    fn put(&self, _count: u64) {}

    fn take(&self) {}

    fn is_any_left(&self) -> bool {
        false
    }
}

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
        self.event.set(&NobodyPolls);
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
            event.set(&NobodyPolls);
            event.clear(&NobodyPolls);
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
        posted.event.set(&NobodyPolls);
        processes.spawn(&posted, |posted, _| posted.post());
        processes.spawn(&posted, |posted, _| {
            posted.event.clear(&NobodyPolls);
            while posted.data.load(Ordering::Relaxed) == 0 {
                posted.event.wait(Deadline::Never);
                posted.event.clear(&NobodyPolls);
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

/// An event whose descriptor is a counter.
struct Polled {
    event: Event,
    tokens: Counter,
}

/// What an eventfd counts: one step a call, in one order for all.
struct Counter(AtomicU64);

impl Counter {
    fn count(&self) -> u64 {
        self.0.fetch_add(0, Ordering::AcqRel)
    }
}

impl Tokens for Counter {
    fn put(&self, count: u64) {
        self.0.fetch_add(count, Ordering::AcqRel);
    }

    fn take(&self) {
        let less = |count: u64| count.checked_sub(1);
        let _ = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
    }

    fn is_any_left(&self) -> bool {
        self.count() > 0
    }
}

impl Polled {
    fn new(is_set: bool) -> Polled {
        let polled = Polled { event: Event::new(), tokens: Counter(AtomicU64::new(0)) };
        if is_set {
            polled.set();
        }
        polled
    }

    fn set(&self) {
        self.event.set(&self.tokens);
    }

    fn clear(&self) {
        self.event.clear(&self.tokens);
    }

    /// Nobody who polls sleeps although the flag is set; and whoever finds it clear
    /// can see to it that they sleep.
    fn check(&self) {
        if self.event.is_set() {
            assert!(self.tokens.count() > 0, "set, and nobody who polls is told");
        }
        self.clear();
        assert_eq!((self.event.is_set(), self.tokens.count()), (false, 0));
        self.set();
        assert!(self.event.is_set() && self.tokens.count() > 0);
        self.clear();
        assert_eq!((self.event.is_set(), self.tokens.count()), (false, 0));
    }
}

fn set_and_clear_at_once(name: &'static str, others: [fn(&Polled); 3], is_set: bool) {
    Proof::of(name).preemptions(3).explore(move |processes| {
        let polled = Arc::new(Polled::new(is_set));
        for other in others {
            processes.spawn(&polled, move |polled, _| other(polled));
        }
        processes.run();
        processes.afterwards(&polled, |polled, _| polled.check());
    });
}

#[test]
fn who_polls_is_told_by_each_of_two_setters() {
    set_and_clear_at_once(
        "event: polled, two set",
        [Polled::set, Polled::clear, Polled::set],
        true,
    );
}

#[test]
fn who_polls_is_told_whichever_of_two_clears() {
    let others: [fn(&Polled); 3] = [Polled::clear, Polled::set, Polled::clear];
    set_and_clear_at_once("event: polled, two clear", others, false);
}

fn dies_among_others(name: &'static str, dies: fn(&Polled), others: fn(&Polled), is_set: bool) {
    Proof::of(name).preemptions(3).for_each_death(move |processes| {
        let polled = Arc::new(Polled::new(is_set));
        processes.victim(&polled, move |polled, _| dies(polled), |_, _| ());
        processes.spawn(&polled, move |polled, _| others(polled));
        processes.run();
        processes.afterwards(&polled, |polled, _| polled.check());
    });
}

#[test]
fn who_dies_clearing_takes_no_token_of_a_setter() {
    dies_among_others("event: polled, one dies clearing", Polled::clear, Polled::set, true);
}

#[test]
fn who_dies_setting_has_not_set_it_without_a_token() {
    let others = |polled: &Polled| {
        polled.set();
        polled.clear();
    };
    dies_among_others("event: polled, one dies setting", Polled::set, others, false);
}

#[test]
fn who_dies_taking_what_is_left_takes_no_token_of_a_setter() {
    let dies = |polled: &Polled| {
        polled.tokens.put(1);
        polled.clear();
        polled.clear();
    };
    let others = |polled: &Polled| {
        polled.set();
        polled.clear();
        polled.set();
    };
    dies_among_others("event: polled, one dies taking", dies, others, false);
}

/// A descriptor by which one is told of changes alone: each token is an edge.
struct Edges(AtomicU64);

impl Edges {
    /// Sleeps until there are others than those `seen`.
    fn after(&self, seen: u64) -> u64 {
        loop {
            let now = self.0.load(Ordering::Acquire);
            if now != seen {
                return now;
            }
            futex_wait(&self.0, seen as u32, Duration::MAX);
        }
    }
}

impl Tokens for Edges {
    fn put(&self, _count: u64) {
        self.0.fetch_add(1, Ordering::AcqRel);
        futex_wake(&self.0, u32::MAX);
    }

    fn take(&self) {}

    fn is_any_left(&self) -> bool {
        false
    }
}

#[test]
fn who_is_told_by_edges_finds_the_flag() {
    Proof::of("event: by edges").preemptions(3).explore(|processes| {
        let shared = Arc::new((Event::new(), Edges(AtomicU64::new(0))));
        processes.spawn(&shared, |(event, edges), _| event.set(edges));
        processes.spawn(&shared, |(event, edges), _| {
            let mut seen = 0;
            while !event.is_set() {
                seen = edges.after(seen);
            }
        });
        processes.run();
    });
}

/// Of two that set it at once, one may find it set, and tells nobody.
#[test]
fn who_clears_and_is_told_by_edges_misses_nothing() {
    Proof::of("event: clear, look, by edges").preemptions(3).takes_long().explore(|processes| {
        let shared = Arc::new((Posted::new(), Edges(AtomicU64::new(0))));
        for _ in 0..2 {
            processes.spawn(&shared, |(posted, edges), _| {
                posted.data.fetch_add(1, Ordering::Relaxed);
                posted.event.set(edges);
            });
        }
        processes.spawn(&shared, |(posted, edges), _| {
            let mut seen = 0;
            posted.event.clear(edges);
            while posted.data.load(Ordering::Relaxed) < 2 {
                seen = edges.after(seen);
                posted.event.clear(edges);
            }
        });
        processes.run();
    });
}
