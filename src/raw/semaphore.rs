//! A semaphore: `N` slots, each free or naming the process that holds it.
//!
//! # States of a slot
//!
//! | word | meaning |
//! |---|---|
//! | `FREE` | a permit for whoever comes |
//! | stamp | a permit in use by that process |
//! | stamp, `GIVEN`, serial | a permit of that process, for whoever adopts it |
//! | `ABSENT` | no permit: one can be added, or the semaphore is unplaced |
//! | `SEALED` | no permit, for good: beyond the value of a bounded semaphore |
//!
//! # Transitions
//!
//! Acquire: `FREE` -> own stamp, at the slot that `hint` names or else at the
//! first free one. Release: own stamp -> `FREE`. A waiter whose slice ended, or
//! who may not wait, asks the owners and swaps a dead one's stamp for its own:
//! the permit needs no repair. So does one in so many contended acquires, since
//! with permits that come and go nobody waits for as long as a slice.
//!
//! Hand-over: own stamp -> own stamp with `GIVEN` -> the adopter's stamp. Until it
//! is adopted it is the giver's, and free if that one dies. Each giving has a serial,
//! so that its name is no other's. It stands beside the slot, where the owner writes
//! it before it gives, and its lowest bits in the slot as well: while those are as
//! they were when the rest was read, nobody gave the permit meanwhile, or 512 times
//! as many did in the time of two steps. The first serial is each semaphore's own, so
//! that the names of one are good for no other.
//!
//! Adding: `ABSENT` -> own stamp -> `FREE`, all of the first step before any of the
//! second, so that it can be taken back where there are too few. Whoever dies in
//! between has added up to as many as it wanted.
//!
//! Acquiring many: one after the other, while holding `turn`, so that two who want
//! many never wait for each other's half. Who wants one does not ask for the turn.
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
use super::spin::Spin;
use super::{EventCount, Mutex, Refused};
use crate::deadline::{Deadline, Slices};
use crate::primitive::{AtomicU32, AtomicU64, FLAGS, Ordering, Stamp};

const FREE: u64 = 0;
const ABSENT: u64 = 1;
const SEALED: u64 = 2;

/// Beside a stamp, with the lowest bits of the serial above it.
const GIVEN: u64 = 1;

/// After so many contended acquires of a busy semaphore, one asks.
const WAITS_BETWEEN_ASKS: u32 = 64;

#[derive(Debug)]
#[repr(C)]
pub(crate) struct Semaphore<const N: usize> {
    freed: EventCount,
    hint: AtomicU32,
    /// Counts the waits, to ask about the owners now and then although permits
    /// come and go, and no slice ever ends.
    waits: AtomicU32,
    /// Of those who acquire more than one; placed with the semaphore.
    turn: Mutex,
    slots: [AtomicU64; N],
    /// The serial of the next permit that is given.
    next_serial: AtomicU64,
    /// Of the permits given last, one for each slot.
    serials: [AtomicU64; N],
}

impl<const N: usize> Semaphore<N> {
    pub(crate) fn new() -> Semaphore<N> {
        Semaphore {
            freed: EventCount::new(),
            hint: AtomicU32::new(0),
            waits: AtomicU32::new(0),
            turn: Mutex::new(),
            slots: core::array::from_fn(|_| AtomicU64::new(ABSENT)),
            next_serial: AtomicU64::new(0),
            serials: core::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    /// Makes a semaphore that nobody can see yet ready for use, with the first
    /// `permits` slots free; if it `is_bounded`, none can be added. Serials begin at
    /// `first_serial`.
    pub(crate) fn place(&self, permits: usize, is_bounded: bool, first_serial: u64) {
        let beyond = if is_bounded { SEALED } else { ABSENT };
        for (index, slot) in self.slots.iter().enumerate() {
            slot.store(if index < permits { FREE } else { beyond }, Ordering::Relaxed);
        }
        self.next_serial.store(first_serial, Ordering::Relaxed);
        self.turn.place();
    }

    /// Whether the semaphore was made ready for use.
    pub(crate) fn is_placed(&self) -> bool {
        self.turn.is_placed()
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
        if !self.is_placed() {
            return Err(Refused::Unplaced);
        }
        let mut slices = Slices::new();
        let mut spin = Spin::until(deadline);
        let waits = self.waits.fetch_add(1, Ordering::Relaxed);
        if waits % WAITS_BETWEEN_ASKS == WAITS_BETWEEN_ASKS - 1 {
            if let Some(index) = self.rescue(me) {
                return Ok(index);
            }
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
            if spin.again() {
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
            if slices.is_over(passed) {
                if let Some(index) = self.rescue(me) {
                    return Ok(index);
                }
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

    /// Takes as many permits as `slots` has places, or none.
    pub(crate) fn acquire_many(
        &self,
        me: Stamp,
        thread: u64,
        deadline: Deadline,
        slots: &mut [usize],
    ) -> Result<(), Refused> {
        self.turn.take_turn(me, thread, deadline)?;
        let mut taken = 0;
        let mut refused = None;
        for slot in slots.iter_mut() {
            match self.acquire(me, deadline) {
                Ok(index) => *slot = index,
                Err(reason) => {
                    refused = Some(reason);
                    break;
                }
            }
            taken += 1;
        }
        self.turn.unlock(me);
        let Some(reason) = refused else { return Ok(()) };
        slots[..taken].iter().for_each(|slot| self.release(me, *slot));
        Err(reason)
    }

    /// Marks slot `index` as given to whoever adopts it, and says with which serial;
    /// `None` where `me` does not hold it, so that it is not `me`'s to give.
    pub(crate) fn give(&self, me: Stamp, index: usize) -> Option<u64> {
        let (slot, serial) = (self.slots.get(index)?, self.serials.get(index)?);
        if slot.load(Ordering::Relaxed) != me.word() {
            return None;
        }
        let own = self.next_serial.fetch_add(1, Ordering::Relaxed);
        serial.store(own, Ordering::Relaxed);
        // Release pairs with the acquires of `adopt`: the serial, and what the giver
        // did before.
        let given = given_by(me, own);
        slot.compare_exchange(me.word(), given, Ordering::Release, Ordering::Relaxed).ok()?;
        Some(own)
    }

    /// Takes slot `index`, which `giver` gave with `serial`; false where it was
    /// adopted already, or is free since the giver died.
    pub(crate) fn adopt(&self, giver: Stamp, index: usize, serial: u64, me: Stamp) -> bool {
        let given = given_by(giver, serial);
        let (Some(slot), Some(own)) = (self.slots.get(index), self.serials.get(index)) else {
            return false;
        };
        // In this order: the serial that goes with what the slot says.
        slot.load(Ordering::Acquire) == given
            && own.load(Ordering::Relaxed) == serial
            && slot.compare_exchange(given, me.word(), Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Adds `count` permits; false, and none added, where there is no room for so
    /// many.
    pub(crate) fn add(&self, me: Stamp, count: usize) -> Result<bool, Refused> {
        if !self.is_placed() {
            return Err(Refused::Unplaced);
        }
        // Others that add may have claimed what was missing here, in vain: then the
        // last of them to look sees all that they put back, which takes
        // read-modify-writes on both sides.
        let is_absent = |slot: &&AtomicU64| slot.fetch_or(0, Ordering::AcqRel) == ABSENT;
        while self.slots.iter().filter(is_absent).count() >= count {
            let mut claimed = [false; N];
            let mut missing = count;
            for (slot, claimed) in self.slots.iter().zip(&mut claimed) {
                if missing > 0 {
                    *claimed = slot
                        .compare_exchange(ABSENT, me.word(), Ordering::Relaxed, Ordering::Relaxed)
                        .is_ok();
                    missing -= usize::from(*claimed);
                }
            }
            for index in (0..N).filter(|index| claimed[*index]) {
                if missing == 0 {
                    self.release(me, index);
                } else {
                    self.slots[index].swap(ABSENT, Ordering::AcqRel);
                }
            }
            if missing == 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Who holds permits, one stamp for each.
    pub(crate) fn owners(&self) -> impl Iterator<Item = Stamp> {
        self.slots.iter().filter_map(|slot| Stamp::of(slot.load(Ordering::Relaxed)))
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

/// The word of a permit that `giver` gave with `serial`.
fn given_by(giver: Stamp, serial: u64) -> u64 {
    giver.word() | (serial << 1) & FLAGS | GIVEN
}
