//! The seats of a barrier: whose the parties are.
//!
//! # States
//!
//! | word | meaning |
//! |---|---|
//! | `FREE` | a party that nobody has had yet: a round waits for it |
//! | stamp | a party of that process |
//! | `LEFT`, pid | a party that process pid gave up: no round waits for it |
//! | `ABSENT` | none: beyond the number of parties, or unplaced |
//!
//! # Transitions
//!
//! Seats that nobody has had yet are given out first, then those of the dead and
//! of those who left. Whether a dead party is among those who have arrived in the
//! round cannot be told; so whoever takes its seat breaks a round in which anybody
//! has. When all parties are gone, the first who comes frees all seats before it
//! takes one, so that the newcomers wait for each other and not for the dead.
//!
//! A party that leaves writes its seat and then reads the round, arrivals change
//! the round and then look at the seats, and on the round both are
//! read-modify-writes: one of them sees the other.

use super::{Barrier, Cause, newest, reset, swap};
use crate::primitive::{AtomicU64, Ordering, Stamp, pid_of};
use crate::raw::Refused;
use crate::raw::owner::{Asked, is_orphaned, take_from_dead};

pub(super) const FREE: u64 = 0;
const LEFT: u64 = 1;
pub(super) const ABSENT: u64 = 1 << 1;

/// What a seat says, for those who only look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seat {
    Free,
    Taken(Stamp),
    Left(u32),
}

impl<const N: usize> Barrier<N> {
    /// Takes a seat that nobody has.
    pub(crate) fn take_seat(&self, me: Stamp) -> Result<usize, Refused> {
        if !self.is_placed() {
            return Err(Refused::Unplaced);
        }
        loop {
            let free = |seat: &AtomicU64| swap(seat, FREE, me.word());
            if let Some(index) = self.seats.iter().position(free) {
                return Ok(index);
            }
            if self.begin_anew() {
                continue;
            }
            // Free ones too: somebody else may be at beginning anew.
            let vacant = |seat: &AtomicU64| free(seat) || self.take_over(seat, me);
            return self.seats.iter().position(vacant).ok_or(Refused::Full);
        }
    }

    /// Frees all seats, if all parties are gone. Returns whether seats may be free
    /// now.
    fn begin_anew(&self) -> bool {
        let round = newest(&self.round);
        let seen: [u64; N] = core::array::from_fn(|seat| newest(&self.seats[seat]));
        if !seen.iter().all(|seat| *seat == ABSENT || is_deserted(*seat)) {
            return false;
        }
        // Whoever is faster may have arrived already: exactly what was seen is
        // swapped.
        if swap(&self.round, round, reset(round)) {
            for (seat, seen) in self.seats.iter().zip(seen) {
                if seen != ABSENT {
                    take_from_dead(seat, seen, FREE);
                }
            }
        }
        true
    }

    /// Takes the seat of somebody who is gone.
    fn take_over(&self, seat: &AtomicU64, me: Stamp) -> bool {
        let seen = newest(seat);
        if !is_deserted(seen) || !take_from_dead(seat, seen, me.word()) {
            return false;
        }
        if !has_left(seen) {
            self.break_if_begun(Cause::Died, pid_of(seen));
        }
        true
    }

    /// Makes `me`'s seat another process's.
    pub(crate) fn give(&self, seat: usize, me: Stamp, other: Stamp) {
        if let Some(seat) = self.seats.get(seat) {
            swap(seat, me.word(), other.word());
        }
    }

    /// Gives `me`'s seat up. Whoever waits will not wait for it.
    pub(crate) fn leave(&self, seat: usize, me: Stamp) {
        let left = Stamp::lower_half(me.pid()) | LEFT;
        if !self.seats.get(seat).is_some_and(|seat| swap(seat, me.word(), left)) {
            return;
        }
        self.break_if_begun(Cause::Left, me.pid());
    }

    /// Whether the seat is `me`'s.
    #[inline]
    pub(super) fn is_at(&self, seat: usize, me: Stamp) -> bool {
        self.seats.get(seat).is_some_and(|seat| seat.load(Ordering::Relaxed) == me.word())
    }

    /// Whose the parties are.
    pub(crate) fn seats(&self) -> impl Iterator<Item = Seat> {
        self.seats.iter().filter_map(|seat| match seat.load(Ordering::Relaxed) {
            ABSENT => None,
            seen if has_left(seen) => Some(Seat::Left(pid_of(seen))),
            seen => Some(Stamp::of(seen).map_or(Seat::Free, Seat::Taken)),
        })
    }

    /// A party without which no round is completed. With `ask`, its process is
    /// asked whether it lives.
    pub(super) fn missing(&self, ask: bool) -> Option<(Cause, u32)> {
        let mut asked = Asked::new();
        self.seats.iter().find_map(|seat| {
            let seen = if ask { newest(seat) } else { seat.load(Ordering::Relaxed) };
            if has_left(seen) {
                return Some((Cause::Left, pid_of(seen)));
            }
            (ask && asked.is_orphaned(seen)).then(|| (Cause::Died, pid_of(seen)))
        })
    }
}

fn has_left(seat: u64) -> bool {
    Stamp::of(seat).is_none() && seat & LEFT != 0
}

/// Whether whoever had the seat is gone.
fn is_deserted(seat: u64) -> bool {
    has_left(seat) || is_orphaned(seat)
}
