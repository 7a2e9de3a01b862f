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
//! All but the last with `CREW` or without: it is that of the seat before, and
//! changes where a seat is freed.
//!
//! # Transitions
//!
//! Seats that nobody has had yet are given out first, then those of the dead and
//! of those who left. Whether a dead party is among those who have arrived in the
//! round cannot be told; so whoever takes its seat breaks a round in which anybody
//! has; only the round as it was before the seat was taken, since in a later one
//! the dead have not arrived. When all parties are gone, the first who comes frees
//! all seats before it takes one, so that the newcomers wait for each other and not
//! for the dead.
//!
//! Should it die at that, seats that are free stand beside seats of the dead.
//! `CREW` tells whether those died before the others were freed, and then whoever
//! comes next frees them too, or among a crew of which the rest has not come yet,
//! and then the rest is told.
//!
//! A party that leaves writes its seat and then reads the round, arrivals change
//! the round and then look at the seats, and on the round both are
//! read-modify-writes: one of them sees the other.

use super::round::is_same;
use super::{Barrier, Cause, newest, reset, swap};
use crate::primitive::{AtomicU64, Ordering, Stamp, pid_of};
use crate::raw::Refused;
use crate::raw::owner::{Asked, is_orphaned, take_from_dead};

pub(super) const FREE: u64 = 0;
const LEFT: u64 = 1;
pub(super) const ABSENT: u64 = 1 << 1;
/// Which of two crews a seat belongs to: the one that is there, or the one before.
const CREW: u64 = 1 << 2;

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
            // Before any free seat is taken: whoever freed it may have died before
            // it freed the others.
            if self.begin_anew() {
                continue;
            }
            let free = |seat: &AtomicU64| take_free(seat, me);
            if let Some(index) = self.seats.iter().position(free) {
                return Ok(index);
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
        let mut seen = [ABSENT; N];
        for (seen, seat) in seen.iter_mut().zip(&self.seats) {
            *seen = newest(seat);
            if was_had(*seen) && !is_deserted(*seen) {
                return false;
            }
        }
        let Some(gone) = seen.iter().find(|seat| was_had(**seat)).map(|seat| seat & CREW) else {
            return false;
        };
        // A party of theirs is still to come, and will be told.
        if seen.contains(&(FREE | gone)) {
            return false;
        }
        // Whoever is faster may have arrived already: exactly what was seen is
        // swapped.
        if swap(&self.round, round, reset(round)) {
            for (seat, seen) in self.seats.iter().zip(seen) {
                if was_had(seen) {
                    take_from_dead(seat, seen, FREE | gone ^ CREW);
                }
            }
        }
        true
    }

    /// Takes the seat of somebody who is gone.
    fn take_over(&self, seat: &AtomicU64, me: Stamp) -> bool {
        let seen = newest(seat);
        if !is_deserted(seen) {
            return false;
        }
        let round = newest(&self.round);
        if !take_from_dead(seat, seen, me.word() | seen & CREW) {
            return false;
        }
        if !has_left(seen) {
            self.break_if_begun(Cause::Died, pid_of(seen), |now| is_same(now, round));
        }
        true
    }

    /// Makes `me`'s seat another process's.
    pub(crate) fn give(&self, seat: usize, me: Stamp, other: Stamp) {
        if let Some(seat) = self.seats.get(seat) {
            let crew = seat.load(Ordering::Relaxed) & CREW;
            swap(seat, me.word() | crew, other.word() | crew);
        }
    }

    /// Gives `me`'s seat up. Whoever waits will not wait for it.
    pub(crate) fn leave(&self, seat: usize, me: Stamp) {
        let Some(seat) = self.seats.get(seat) else { return };
        let crew = seat.load(Ordering::Relaxed) & CREW;
        let left = Stamp::lower_half(me.pid()) | LEFT | crew;
        if swap(seat, me.word() | crew, left) {
            // Not a round that is begun when somebody else has the seat already.
            self.break_if_begun(Cause::Left, me.pid(), |_| newest(seat) == left);
        }
    }

    /// Whether the seat is `me`'s.
    #[inline]
    pub(super) fn is_at(&self, seat: usize, me: Stamp) -> bool {
        self.seats.get(seat).is_some_and(|seat| seat.load(Ordering::Relaxed) & !CREW == me.word())
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

/// Takes a seat that nobody has had.
fn take_free(seat: &AtomicU64, me: Stamp) -> bool {
    let mut free = FREE;
    loop {
        match seat.compare_exchange(
            free,
            me.word() | free & CREW,
            Ordering::AcqRel,
            Ordering::Relaxed,
        ) {
            Ok(_) => return true,
            Err(seen) if seen & !CREW == FREE => free = seen,
            Err(_) => return false,
        }
    }
}

/// Whether somebody has the seat, or had it last.
fn was_had(seat: u64) -> bool {
    seat != ABSENT && seat & !CREW != FREE
}

fn has_left(seat: u64) -> bool {
    Stamp::of(seat).is_none() && seat & LEFT != 0
}

/// Whether whoever had the seat is gone.
fn is_deserted(seat: u64) -> bool {
    has_left(seat) || is_orphaned(seat)
}
