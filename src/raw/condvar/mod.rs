//! A condition variable: a table of waiters, each of whom is notified by name.
//!
//! Here is the waiter's side; the notifier's is in `notify`.
//!
//! # States of a slot
//!
//! | word | meaning |
//! |---|---|
//! | `FREE` | nobody's |
//! | stamp | that process waits and may be chosen by a notifier |
//! | stamp, `NOTIFIED` | it was chosen, and does not hold the mutex again yet |
//!
//! `book` has one flag, `WAITERS`: unless it is set, nobody waits. The rest of
//! it counts how often somebody joined.
//!
//! # Transitions
//!
//! Join, with the mutex held: `FREE` -> own stamp, and then the book. Notify: a
//! stamp -> the same with `NOTIFIED`, and a wake of the one who sleeps on that
//! very word. Leave, with the mutex held again: own stamp -> `FREE`. So a
//! notification stays in the table, under a name, until whoever it was given to
//! holds the mutex. If that process dies first, a sleeper whose slice ended finds
//! `NOTIFIED` with a dead stamp, takes the slot over and notifies another. From
//! there on the mutex tells of deaths: a sleeper whose slice ended looks whether
//! an owner left it behind, and goes to be told so.
//!
//! `notify_all` counts in `broadcasts` before it goes through the table: that is
//! its commit. A sleeper that it did not come to sees the count at its slice.
//!
//! # Why slots, and not a count of notifications
//!
//! A count that sleepers compare (as in std) cannot say whose a notification
//! is: every sleeper that wakes by itself, as all of ours do, takes it for its
//! own. Tickets say whose it is, but not who holds the ticket, so a dead or late
//! waiter swallows what comes to its number. A stamped slot says both, its word
//! is a futex of its own, and a notifier wakes exactly the one it chose. The
//! price is a limit, `N` waiters at once, eight bytes each. (A queue of waiters, each
//! with a semaphore of its own: Birrell, "Implementing Condition Variables with
//! Semaphores", 2003.)
//!
//! The places go round, and notifiers look first where they left off, so
//! waiters are notified in about the order in which they came, and each of them
//! after at most `N` others.
//!
//! # Ordering
//!
//! What is waited for is the mutex's to order; the words here are relaxed but for
//! the book. Joining is a release in the book after the slot, and notifiers
//! acquire it: who sees a joining in the book sees the slot. `WAITERS` is cleared
//! by a CAS of exactly the value that was read before the table was found empty,
//! so whoever joined in between keeps it set.

mod notify;

use super::owner::{Asked, FREE, take_from_dead};
use super::{Mutex, Refused};
use crate::deadline::{Deadline, Slices};
use crate::primitive::{AtomicU64, Ordering, Stamp, futex_wait};

const NOTIFIED: u64 = 1;

const WAITERS: u64 = 1;
const JOINED: u64 = 1 << 1;
const UNPLACED: u64 = 1 << 63;

#[derive(Debug)]
#[repr(C)]
pub(crate) struct Condvar<const N: usize> {
    book: AtomicU64,
    /// How often everybody was notified.
    broadcasts: AtomicU64,
    /// Where notifiers look first; a hint.
    oldest: AtomicU64,
    slots: [AtomicU64; N],
}

/// A place in the table.
#[derive(Debug)]
pub(crate) struct Waiter {
    slot: usize,
    /// The broadcasts before it.
    broadcasts: u64,
    slices: Slices,
}

/// Why a waiter no longer sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    Notified,
    TimedOut,
    /// A slice has passed: an occasion to look at what is waited for.
    Slice,
    /// An owner left the mutex behind, everybody was notified and this waiter
    /// forgotten, or a liar has taken its place: to look is right, but no notification
    /// is used up.
    ByItself,
}

impl<const N: usize> Condvar<N> {
    pub(crate) fn new() -> Condvar<N> {
        Condvar {
            book: AtomicU64::new(UNPLACED),
            broadcasts: AtomicU64::new(0),
            oldest: AtomicU64::new(0),
            slots: core::array::from_fn(|_| AtomicU64::new(FREE)),
        }
    }

    /// Makes a condition variable that nobody can see yet ready for use.
    pub(crate) fn place(&self) {
        self.book.store(0, Ordering::Relaxed);
    }

    /// Takes a place in the table, for a process that holds the mutex.
    pub(crate) fn join(&self, me: Stamp) -> Result<Waiter, Refused> {
        let book = self.book.load(Ordering::Relaxed);
        if book & UNPLACED != 0 {
            return Err(Refused::Unplaced);
        }
        let slot = self.take_slot(book, me).ok_or(Refused::Full)?;
        // Before the notifiers' time: a later broadcast is this waiter's too.
        let broadcasts = self.broadcasts.load(Ordering::Relaxed);
        let entered = |book: u64| Some(book.wrapping_add(JOINED) | WAITERS);
        let _ = self.book.fetch_update(Ordering::Release, Ordering::Relaxed, entered);
        Ok(Waiter { slot, broadcasts, slices: Slices::new() })
    }

    fn take_slot(&self, book: u64, me: Stamp) -> Option<usize> {
        let first = next_place(book, N);
        let free = |index: &usize| {
            let slot = &self.slots[*index];
            slot.load(Ordering::Relaxed) == FREE && swap(slot, FREE, me.word())
        };
        places(first, N).find(free).or_else(|| self.take_slot_from_dead(me))
    }

    #[cold]
    fn take_slot_from_dead(&self, me: Stamp) -> Option<usize> {
        self.take_over_notifications(me);
        let mut asked = Asked::new();
        self.slots.iter().position(|slot| {
            let seen = slot.load(Ordering::Relaxed);
            let vacant = is_waiting(seen) && asked.is_orphaned(seen) || seen == FREE;
            vacant && take_from_dead(slot, seen, me.word())
        })
    }

    /// Sleeps until one of the reasons to be [`Woken`], at most one slice.
    pub(crate) fn sleep(
        &self,
        waiter: &mut Waiter,
        mutex: &Mutex,
        me: Stamp,
        deadline: Deadline,
    ) -> Woken {
        let slot = &self.slots[waiter.slot];
        let mut slice_passed = false;
        loop {
            let seen = slot.load(Ordering::Relaxed);
            if is_notified(seen) {
                return Woken::Notified;
            }
            // No honest process takes a living one's place. It would never be woken,
            // nor fall asleep.
            if seen != me.word() {
                return Woken::ByItself;
            }
            if slice_passed {
                break;
            }
            if deadline.has_passed() {
                return Woken::TimedOut;
            }
            let passed = futex_wait(slot, me.word() as u32, waiter.slices.next(deadline));
            slice_passed = waiter.slices.is_over(passed);
        }
        let forgotten = newest(&self.broadcasts) != waiter.broadcasts;
        if forgotten || mutex.is_left_behind() {
            return Woken::ByItself;
        }
        self.take_over_notifications(me);
        Woken::Slice
    }

    /// Gives the place back, with the mutex held again. Returns whether the
    /// waiter was notified, which uses up the notification; one that came to a
    /// waiter who goes [by itself](Woken::ByItself) goes on to another.
    pub(crate) fn leave(&self, waiter: &Waiter, me: Stamp, woken: Woken) -> bool {
        let slot = &self.slots[waiter.slot];
        if woken != Woken::Notified && swap(slot, me.word(), FREE) {
            return false;
        }
        let needed = matches!(woken, Woken::Notified | Woken::TimedOut);
        if !needed {
            self.notify_one();
        }
        // Only now: what is in the table outlives this process.
        swap(slot, me.word() | NOTIFIED, FREE);
        needed
    }

    /// How often everybody was notified.
    #[cfg(test)]
    pub(crate) fn broadcasts(&self) -> u64 {
        self.broadcasts.load(Ordering::Relaxed)
    }

    /// Who has a place, and whether it was notified.
    pub(crate) fn waiters(&self) -> impl Iterator<Item = (Stamp, bool)> {
        self.slots.iter().filter_map(|slot| {
            let seen = slot.load(Ordering::Relaxed);
            Stamp::of(seen).map(|waiter| (waiter, is_notified(seen)))
        })
    }

    pub(crate) fn is_placed(&self) -> bool {
        self.book.load(Ordering::Relaxed) & UNPLACED == 0
    }
}

fn swap(word: &AtomicU64, seen: u64, next: u64) -> bool {
    word.compare_exchange(seen, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
}

/// The word as it is now: what a slice brings to light was often written by
/// somebody with whom the sleeper shares no order, and a load might never show
/// it.
fn newest(word: &AtomicU64) -> u64 {
    word.fetch_or(0, Ordering::Relaxed)
}

/// All places, `first` first.
fn places(first: usize, count: usize) -> impl Iterator<Item = usize> {
    (first..count).chain(0..first)
}

/// Where the next to join looks first.
fn next_place(book: u64, count: usize) -> usize {
    (book / JOINED) as usize % count
}

fn is_waiting(slot: u64) -> bool {
    Stamp::of(slot).is_some() && !is_notified(slot)
}

fn is_notified(slot: u64) -> bool {
    slot & NOTIFIED != 0
}
