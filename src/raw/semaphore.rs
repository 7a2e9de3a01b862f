//! A semaphore: `N` slots, each free or naming the process that holds it.
//!
//! # States of a slot
//!
//! | word | meaning |
//! |---|---|
//! | `FREE` | a permit for whoever comes |
//! | stamp | a permit in use by that process |
//! | `ABSENT` | no permit: beyond the semaphore's initial value, or unplaced |
//!
//! # Transitions
//!
//! Acquire: `FREE` -> own stamp, at the slot that `hint` names or else at the
//! first free one. Release: own stamp -> `FREE`. A waiter whose slice ended, or
//! who may not wait, asks the owners and swaps a dead one's stamp for its own:
//! the permit needs no repair. So does one in so many contended acquires, since
//! with permits that come and go nobody waits for as long as a slice.
//!
//! `hint` is where a permit was freed last. It may be wrong; then the slots are
//! looked through, once, which is bounded by `N`.
//!
//! # Ordering
//!
//! The acquire of a permit pairs with the release of the one before it in the
//! same slot. Release of a slot and the sleeper's last look at it are both
//! read-modify-writes, as [`EventCount`] demands.

use super::owner::{Asked, take_from_dead};
use super::{EventCount, Refused};
use crate::deadline::{Deadline, Slices};
use crate::primitive::{AtomicU32, AtomicU64, Ordering, SPINS, Stamp, pause};

const FREE: u64 = 0;
const ABSENT: u64 = 1;

/// After so many contended acquires of a busy semaphore, one asks.
const WAITS_BETWEEN_ASKS: u32 = 64;

const UNPLACED: u32 = 0;
const PLACED: u32 = 1;

#[derive(Debug)]
#[repr(C)]
pub(crate) struct Semaphore<const N: usize> {
    freed: EventCount,
    hint: AtomicU32,
    placed: AtomicU32,
    /// Counts the waits, to ask about the owners now and then although permits
    /// come and go, and no slice ever ends.
    waits: AtomicU32,
    slots: [AtomicU64; N],
}

impl<const N: usize> Semaphore<N> {
    pub(crate) fn new() -> Semaphore<N> {
        Semaphore {
            freed: EventCount::new(),
            hint: AtomicU32::new(0),
            placed: AtomicU32::new(UNPLACED),
            waits: AtomicU32::new(0),
            slots: core::array::from_fn(|_| AtomicU64::new(ABSENT)),
        }
    }

    /// Makes a semaphore that nobody can see yet ready for use, with the first
    /// `permits` slots free.
    pub(crate) fn place(&self, permits: usize) {
        for slot in self.slots.iter().take(permits) {
            slot.store(FREE, Ordering::Relaxed);
        }
        self.placed.store(PLACED, Ordering::Relaxed);
    }

    /// Takes a permit; returns its slot.
    #[inline]
    pub(crate) fn acquire(&self, me: Stamp, deadline: Deadline) -> Result<usize, Refused> {
        let hint = self.hint.load(Ordering::Relaxed) as usize;
        match self.slots.get(hint) {
            Some(slot) if take_free(slot, me) => Ok(hint),
            _ => self.acquire_contended(me, deadline),
        }
    }

    #[cold]
    fn acquire_contended(&self, me: Stamp, deadline: Deadline) -> Result<usize, Refused> {
        if self.placed.load(Ordering::Relaxed) == UNPLACED {
            return Err(Refused::Unplaced);
        }
        let mut slices = Slices::new();
        let mut spins = if deadline.is_now() { SPINS } else { 0 };
        if self.waits.fetch_add(1, Ordering::Relaxed) % WAITS_BETWEEN_ASKS == WAITS_BETWEEN_ASKS - 1
            && let Some(index) = self.rescue(me)
        {
            return Ok(index);
        }
        loop {
            let free =
                |slot: &AtomicU64| slot.load(Ordering::Relaxed) == FREE && take_free(slot, me);
            if let Some(index) = self.slots.iter().position(free) {
                self.hint.store(index as u32 + 1, Ordering::Relaxed);
                return Ok(index);
            }
            if deadline.has_passed() {
                return self.rescue(me).ok_or(Refused::TimedOut);
            }
            if spins < SPINS {
                spins += 1;
                pause();
                continue;
            }
            let ticket = self.freed.prepare();
            // The last look: a read-modify-write on each slot, see Ordering.
            let freed = |slot: &AtomicU64| {
                slot.fetch_or(0, Ordering::AcqRel) == FREE && take_free(slot, me)
            };
            if let Some(index) = self.slots.iter().position(freed) {
                return Ok(index);
            }
            let passed = self.freed.sleep(ticket, slices.next(deadline));
            if slices.is_over(passed)
                && let Some(index) = self.rescue(me)
            {
                return Ok(index);
            }
        }
    }

    /// Takes the permit of a dead process.
    fn rescue(&self, me: Stamp) -> Option<usize> {
        let mut asked = Asked::new();
        self.slots.iter().position(|slot| {
            let seen = slot.load(Ordering::Relaxed);
            asked.is_orphaned(seen) && take_from_dead(slot, seen, me.word())
        })
    }

    /// Gives slot `index` back, if `me` holds it: a copy of a permit in a
    /// forked child does nothing.
    #[inline]
    pub(crate) fn release(&self, me: Stamp, index: usize) {
        let Some(slot) = self.slots.get(index) else { return };
        let freed =
            slot.compare_exchange(me.word(), FREE, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        if freed {
            self.hint.store(index as u32, Ordering::Relaxed);
            self.freed.notify(1);
        }
    }

    /// How many permits could be had now: free ones, and those of the dead.
    pub(crate) fn available(&self) -> usize {
        let mut asked = Asked::new();
        let is_available = |slot: &&AtomicU64| {
            let seen = slot.load(Ordering::Relaxed);
            seen == FREE || asked.is_orphaned(seen)
        };
        self.slots.iter().filter(is_available).count()
    }
}

#[inline]
fn take_free(slot: &AtomicU64, me: Stamp) -> bool {
    slot.compare_exchange(FREE, me.word(), Ordering::Acquire, Ordering::Relaxed).is_ok()
}
