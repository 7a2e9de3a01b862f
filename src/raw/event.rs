//! An event: a flag that is set and cleared, and everybody waits for.
//!
//! # States
//!
//! | bits | meaning |
//! |---|---|
//! | `SET` | waits return at once |
//! | `SLEEPERS` | somebody may sleep: `set` wakes all |
//! | the rest | the generation: how often the flag went from clear to set |
//!
//! A waiter returns when the flag is set or the generation has moved on since
//! it began, so `set` followed at once by `clear` still releases everybody who
//! waited at the `set`. Nobody owns an event, so a death leaves nothing to
//! recover but a lost wake, which the slices make up for.
//!
//! # Ordering
//!
//! The release of `set` pairs with the acquire of whoever sees its flag or
//! generation, and of whoever clears its flag: after `clear`, what was written
//! before any `set` until then is seen. So clearing, looking and waiting misses
//! nothing. That needs a read-modify-write of the `set` that finds the flag
//! set, too: a load could be early, before the `clear` and before the writes
//! that the setter wants to tell of have left its store buffer.

use crate::deadline::{Deadline, Slices};
use crate::primitive::{AtomicU64, Ordering, SPINS, futex_wait, futex_wake, pause};

const SET: u64 = 1;
const SLEEPERS: u64 = 1 << 1;
const GENERATION: u64 = 1 << 2;

#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Event(AtomicU64);

impl Event {
    pub(crate) fn new() -> Event {
        Event(AtomicU64::new(0))
    }

    #[inline]
    pub(crate) fn is_set(&self) -> bool {
        is_set(self.0.load(Ordering::Acquire))
    }

    /// Sets the flag and wakes everybody. Async-signal-safe: a loop that only
    /// other processes' progress can prolong, and one system call.
    pub(crate) fn set(&self) {
        let mut seen = self.0.load(Ordering::Relaxed);
        loop {
            // Swapped for itself where it is set already, see Ordering.
            let next = if is_set(seen) { seen } else { set_next(seen) };
            match self.0.compare_exchange(seen, next, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break,
                Err(now) => seen = now,
            }
        }
        if !is_set(seen) && seen & SLEEPERS != 0 {
            futex_wake(&self.0, u32::MAX);
        }
    }

    pub(crate) fn clear(&self) {
        self.0.fetch_and(!SET, Ordering::Acquire);
    }

    /// A moment, for [`is_set_since`](Event::is_set_since).
    #[cfg(feature = "tokio")]
    pub(crate) fn moment(&self) -> u64 {
        generation(self.0.load(Ordering::Acquire))
    }

    /// Whether the event is set, or was set since that moment.
    #[cfg(feature = "tokio")]
    pub(crate) fn is_set_since(&self, moment: u64) -> bool {
        is_set_since(self.0.load(Ordering::Acquire), moment)
    }

    /// Waits until the event is set, or was set since the call began; false
    /// when the deadline passed first.
    pub(crate) fn wait(&self, deadline: Deadline) -> bool {
        let start = self.0.load(Ordering::Acquire);
        is_set(start) || self.wait_contended(generation(start), deadline)
    }

    #[cold]
    fn wait_contended(&self, start: u64, deadline: Deadline) -> bool {
        let mut slices = Slices::new();
        let mut spins = if deadline.is_now() { SPINS } else { 0 };
        loop {
            let seen = self.0.load(Ordering::Acquire);
            if is_set_since(seen, start) {
                return true;
            }
            if deadline.has_passed() {
                return false;
            }
            if spins < SPINS {
                spins += 1;
                pause();
                continue;
            }
            let marked = seen | SLEEPERS;
            let told = seen == marked
                || self
                    .0
                    .compare_exchange(seen, marked, Ordering::Relaxed, Ordering::Relaxed)
                    .is_ok();
            if told {
                let passed = futex_wait(&self.0, marked as u32, slices.next(deadline));
                slices.is_over(passed);
            }
        }
    }
}

/// A clear word as `set` leaves it: the next generation, and nobody asleep.
fn set_next(word: u64) -> u64 {
    (word.wrapping_add(GENERATION) | SET) & !SLEEPERS
}

fn is_set(word: u64) -> bool {
    word & SET != 0
}

fn is_set_since(word: u64, generation_then: u64) -> bool {
    is_set(word) || generation(word) != generation_then
}

fn generation(word: u64) -> u64 {
    word / GENERATION
}
