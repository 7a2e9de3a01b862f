//! Peers: which processes are at a side of the queue.
//!
//! # States of a seat
//!
//! | `owner` | meaning |
//! |---|---|
//! | 0 | nobody's |
//! | stamp, n | that process has n handles at this side |
//!
//! The flags of the word count the handles, so that the last one to leave and
//! the next one to come cannot miss each other. A count that is full stays so:
//! the process then counts as a peer until it ends.
//!
//! `credits` counts the handles that a parent gave to this process at its
//! birth and that it has not used yet; it bears the process's stamp, so what an
//! earlier owner of the seat left there is nobody's.
//!
//! `arrivals` and `departures` count who sat down and who left for good, once
//! that is done.
//!
//! A process that comes to a queue by its name may be the first. It remembers at which
//! sides nobody was then, and how many had come there before; until that number
//! changes it waits for a first peer and does not take the side for deserted.
//!
//! # When a process dies
//!
//! Its seats bear a dead stamp: they count for nobody and are the next
//! newcomer's.

use super::{Memory, Queue};
use crate::primitive::{AtomicU64, FLAGS, Ordering, Stamp};
use crate::raw::owner::{Asked, FREE, is_orphaned, take_from_dead};

const MOST_HANDLES: u64 = FLAGS;

/// An end of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Send,
    Receive,
}

impl Side {
    #[inline]
    pub(crate) fn other(self) -> Side {
        match self {
            Side::Send => Side::Receive,
            Side::Receive => Side::Send,
        }
    }
}

/// One process at one side. All zero is an empty seat.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Seat {
    owner: AtomicU64,
    credits: AtomicU64,
}

impl Seat {
    #[cfg(any(loom, test))]
    pub(crate) fn new() -> Seat {
        Seat { owner: AtomicU64::new(FREE), credits: AtomicU64::new(0) }
    }

    /// Counts a handle, if the seat is `me`'s.
    fn count_up(&self, me: Stamp) -> bool {
        let more = |word| {
            (Stamp::of(word) == Some(me)).then(|| word + u64::from(word & FLAGS < MOST_HANDLES))
        };
        self.owner.fetch_update(Ordering::AcqRel, Ordering::Relaxed, more).is_ok()
    }

    /// Uses a handle that was given at birth; false if there is none left.
    fn use_credit(&self, me: Stamp) -> bool {
        let less = |word| (Stamp::of(word) == Some(me) && word & FLAGS != 0).then(|| word - 1);
        self.credits.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

impl<M: Memory> Queue<M> {
    /// Counts a new handle of `me` at `side`; the seat's number, or `None` where
    /// all seats are taken by the living.
    pub(crate) fn enter(&self, side: Side, me: Stamp) -> Option<usize> {
        let seats = self.memory.seats(side);
        let newcomer = me.word() | 1;
        let sit_down = |seat: &Seat| {
            let seen = seat.owner.load(Ordering::Relaxed);
            seen == FREE
                && seat
                    .owner
                    .compare_exchange(FREE, newcomer, Ordering::AcqRel, Ordering::Relaxed)
                    .is_ok()
        };
        let take_over = |seat: &Seat| {
            let seen = seat.owner.load(Ordering::Relaxed);
            is_orphaned(seen) && take_from_dead(&seat.owner, seen, newcomer)
        };
        if let Some(index) = seats.iter().position(|seat| seat.count_up(me)) {
            return Some(index);
        }
        let index = seats.iter().position(sit_down);
        let index = index.or_else(|| seats.iter().position(take_over))?;
        self.calm().arrivals[side as usize].fetch_add(1, Ordering::AcqRel);
        Some(index)
    }

    /// Counts a handle that came with a fork: one of those that the parent gave,
    /// else a new one.
    pub(crate) fn enter_inherited(&self, side: Side, me: Stamp) -> Option<usize> {
        self.claim_credit(side, me).or_else(|| self.enter(side, me))
    }

    /// The seat of a handle that the parent gave and that was not used yet.
    pub(crate) fn claim_credit(&self, side: Side, me: Stamp) -> Option<usize> {
        self.memory.seats(side).iter().position(|seat| seat.use_credit(me))
    }

    /// Gives `child`, who waits for it, a handle of its own.
    pub(crate) fn give(&self, side: Side, child: Stamp) {
        // Without a free seat the child finds out at its first use.
        if let Some(index) = self.enter(side, child) {
            let credits = &self.memory.seats(side)[index].credits;
            let seen = credits.load(Ordering::Relaxed);
            let given = if Stamp::of(seen) == Some(child) { seen } else { child.word() };
            // Past the most, the seat is the child's until it ends anyway.
            let one = u64::from(given & FLAGS < MOST_HANDLES);
            credits.store(given + one, Ordering::Release);
        }
    }

    /// A handle of `me` is gone.
    pub(crate) fn leave(&self, side: Side, seat: usize, me: Stamp) {
        let Some(seat) = self.memory.seats(side).get(seat) else { return };
        let fewer = |word: u64| match word & FLAGS {
            _ if Stamp::of(word) != Some(me) => None,
            MOST_HANDLES | 0 => None,
            1 => Some(FREE),
            _ => Some(word - 1),
        };
        let left = seat.owner.fetch_update(Ordering::AcqRel, Ordering::Relaxed, fewer);
        if left.is_ok_and(|before| before & FLAGS == 1) {
            self.calm().departures[side as usize].fetch_add(1, Ordering::AcqRel);
            match side {
                Side::Send => self.notify_ready(u32::MAX),
                Side::Receive => {
                    self.notify_room(u32::MAX);
                    self.notify_spare(u32::MAX);
                }
            }
            self.calm().done.notify(u32::MAX);
        }
    }

    /// Whether nobody is at `side`. Without `ask`, the dead count as well: a
    /// look at a few words; with it, each process is asked until one lives.
    ///
    /// Who leaves may have given its place to somebody who sits where was already
    /// looked, so the look counts only if nobody came during it.
    pub(crate) fn is_deserted(&self, side: Side, ask: bool) -> bool {
        let mut asked = Asked::new();
        let mut is_taken = |seat: &Seat| {
            let seen = seat.owner.load(Ordering::Acquire);
            Stamp::of(seen).is_some() && !(ask && asked.is_orphaned(seen))
        };
        let arrivals = &self.calm().arrivals[side as usize];
        let mut before = arrivals.load(Ordering::Acquire);
        loop {
            if self.memory.seats(side).iter().any(&mut is_taken) {
                return false;
            }
            let after = arrivals.load(Ordering::Acquire);
            if after == before {
                return self.to_come[side as usize] != Some(after);
            }
            before = after;
        }
    }

    /// A number that changes whenever a process leaves `side`.
    #[inline]
    pub(crate) fn departures_hint(&self, side: Side) -> u64 {
        self.calm().departures[side as usize].load(Ordering::Relaxed)
    }

    /// The same, read with a read-modify-write, for a look before a sleep.
    pub(super) fn departures(&self, side: Side) -> u64 {
        self.calm().departures[side as usize].fetch_or(0, Ordering::AcqRel)
    }
}
