//! An event: a flag that is set and cleared, and everybody waits for.
//!
//! # States
//!
//! | bits | meaning |
//! |---|---|
//! | `SET` | waits return at once |
//! | `SLEEPERS` | somebody may sleep: `set` wakes all |
//! | `TAKERS` | how many may be about to take a token, the killed among them for good |
//! | `GENERATION` | how often the flag went from clear to set |
//! | `TAKES` | how often somebody became a taker while the flag was clear |
//!
//! A waiter returns when the flag is set or the generation has moved on since
//! it began, so `set` followed at once by `clear` still releases everybody who
//! waited at the `set`. Nobody owns an event, so a death leaves nothing to
//! recover but a lost wake, which the slices make up for.
//!
//! # Tokens
//!
//! Who polls sleeps in the kernel, asks nobody and sees no word: a descriptor is
//! readable while there are [`Tokens`], and while the flag is set there must be one
//! at every instant, since whoever could put it right later may be dead by then.
//! Too many are no harm: a poller that finds the flag clear takes them by `clear`.
//!
//! So tokens are put before the flag is set, and taken after it is cleared, one for
//! each time that somebody became a taker. A token bears no name, and a taker may be
//! stopped for long before it takes. Therefore:
//!
//! - One becomes a taker by clearing the flag, or while it is clear; and by changing
//!   the word for good. A setter's swap is of exactly the word that it saw before it
//!   put its tokens: had anybody become a taker since, it fails, and more are put.
//! - A setter puts one token more than there are takers. Whatever they take, and
//!   whenever, one is left while the flag is set.
//! - Where there are tokens although the flag is clear, of setters who were overtaken
//!   or killed or of takers who were, one becomes a taker again for each of them.
//!
//! Such a token wakes whoever polls before there is anything to see. So one more is
//! put when the flag is set: the last thing that a poller is woken by comes after what
//! it is woken for, and one that is told of changes alone, by an edge, has missed none
//! when it looks. Where the flag was cleared before that one came, it would stay; so
//! its setter looks once more, and takes what is left as `clear` does. Only a setter
//! that is killed between the swap and this token leaves out an edge: level-triggered,
//! the flag is seen by the tokens from before.
//!
//! A taker that is killed counts for good, and costs each `set` and `clear` after it
//! one more token. When the count is full, nobody takes any more, and the descriptor
//! stays readable: after a thousand kills in the few instructions in question.
//!
//! # Ordering
//!
//! The release of `set` pairs with the acquire of whoever sees its flag or
//! generation, and of whoever clears its flag: after `clear`, what was written
//! before any `set` until then is seen. So clearing, looking and waiting misses
//! nothing. That needs a read-modify-write of the `set` that finds the flag
//! set, too: a load could be early, before the `clear` and before the writes
//! that the setter wants to tell of have left its store buffer.
//!
//! A taker's last change of the word releases, and a setter's look at it acquires:
//! what is not counted any more was taken before the setter put its own.

use super::spin::Spin;
use crate::deadline::{Deadline, Slices};
use crate::primitive::{AtomicU64, Ordering, futex_wait, futex_wake};

const SET: u64 = 1;
const SLEEPERS: u64 = 1 << 1;
const TAKER: u64 = 1 << 2;
const TAKERS: u64 = GENERATION - TAKER;
const GENERATION: u64 = 1 << 12;
const GENERATIONS: u64 = TAKE - GENERATION;
const TAKE: u64 = 1 << 46;
const MOST_TAKERS: u64 = TAKERS / TAKER;

/// What makes a descriptor readable. Nothing here waits, and `put` may be called
/// from a signal handler.
pub(crate) trait Tokens {
    fn put(&self, count: u64);
    /// Takes one, if there is one.
    fn take(&self);
    fn is_any_left(&self) -> bool;
}

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
    /// other processes' progress can prolong, and a few system calls.
    pub(crate) fn set(&self, tokens: &impl Tokens) {
        let mut seen = self.0.load(Ordering::Acquire);
        let mut put_at = None;
        loop {
            // Who falls asleep takes no token.
            let now = Some(seen & !SLEEPERS);
            if !is_set(seen) && put_at != now {
                tokens.put(takers(seen) + 1);
                put_at = now;
            }
            // Swapped for itself where it is set already, see Ordering.
            let next = if is_set(seen) { seen } else { set_next(seen) };
            match self.0.compare_exchange(seen, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => break,
                Err(now) => seen = now,
            }
        }
        if is_set(seen) {
            return;
        }
        if seen & SLEEPERS != 0 {
            futex_wake(&self.0, u32::MAX);
        }
        tokens.put(1);
        // Whoever cleared it and did not see that token did so before it was put.
        let seen = self.0.load(Ordering::Acquire);
        if !is_set(seen) {
            self.take_left(seen, tokens);
        }
    }

    /// Clears the flag, and takes what tokens there are then.
    pub(crate) fn clear(&self, tokens: &impl Tokens) {
        let seen = self.0.fetch_or(0, Ordering::AcqRel);
        self.take_left(seen, tokens);
    }

    /// Makes the word clear where it is set as it was `seen`, and takes tokens until
    /// none is left or somebody sets it.
    fn take_left(&self, mut seen: u64, tokens: &impl Tokens) {
        loop {
            let may_take = takers(seen) < MOST_TAKERS;
            let is_due = is_set(seen) || may_take && tokens.is_any_left();
            if !is_due {
                return;
            }
            let next = if may_take { take_next(seen) } else { seen & !SET };
            let swapped = self.0.compare_exchange(seen, next, Ordering::AcqRel, Ordering::Acquire);
            let was_set = is_set(seen);
            seen = match swapped {
                Err(now) => now,
                Ok(_) if may_take => {
                    tokens.take();
                    self.0.fetch_sub(TAKER, Ordering::AcqRel).wrapping_sub(TAKER)
                }
                Ok(_) => return,
            };
            // It was clear, and whoever set it since wants it to be set.
            if is_set(seen) && (swapped.is_ok() || !was_set) {
                return;
            }
        }
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
        let mut spin = Spin::until(deadline);
        loop {
            let seen = self.0.load(Ordering::Acquire);
            if is_set_since(seen, start) {
                return true;
            }
            if deadline.has_passed() {
                return false;
            }
            if spin.again() {
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
    let generation = word.wrapping_add(GENERATION) & GENERATIONS;
    (word & !GENERATIONS | generation | SET) & !SLEEPERS
}

/// The word cleared by one more taker, and unlike any that a setter still goes by.
fn take_next(word: u64) -> u64 {
    (word.wrapping_add(TAKE) & !SET).wrapping_add(TAKER)
}

fn is_set(word: u64) -> bool {
    word & SET != 0
}

fn is_set_since(word: u64, generation_then: u64) -> bool {
    is_set(word) || generation(word) != generation_then
}

fn takers(word: u64) -> u64 {
    (word & TAKERS) / TAKER
}

fn generation(word: u64) -> u64 {
    word & GENERATIONS
}
