//! A barrier: parties that wait for one another, round after round.
//!
//! What the word says that they meet at is told in `round`; whose the parties are,
//! in `seat`.
//!
//! # Transitions
//!
//! Arrive: one more of the same generation; the last one opens the next generation
//! instead. Break: open -> a reason, of the same generation. Reset: any -> the next
//! generation, open. Each is one CAS of the whole word, so a round is completed,
//! broken or reset for all of its parties alike. (The sense of a sense-reversing
//! barrier, Hensgen, Finkel and Manber 1988, is the generation here; that it is in
//! one word with the count makes breaking it one step.)
//!
//! A waiter whose slice ended asks about all parties and breaks the round if one
//! is dead, whether that one had arrived or not. Broken is broken, for those who
//! come later too, until a reset; and after one the dead are still dead, so their
//! survivors are told again until somebody takes their seats.
//!
//! # Ordering
//!
//! What a party did before it arrived is seen by all whom the round lets through:
//! arrivals acquire and release the word, one after the other, and waiters acquire
//! its end.

mod round;
mod seat;

use crate::deadline::{Deadline, Slices};
use crate::primitive::{AtomicU64, Ordering, Patience, Stamp, futex_wait, futex_wake, pause};
use round::{SLEEPERS, arrivals, arrived, broken, completed, end_of, is_open, reason, reset};
use seat::{ABSENT, FREE};

pub(crate) use round::{Cause, Stop};
pub(crate) use seat::Seat;

#[derive(Debug)]
#[repr(C)]
pub(crate) struct Barrier<const N: usize> {
    round: AtomicU64,
    /// How many; zero: unplaced.
    parties: AtomicU64,
    seats: [AtomicU64; N],
}

impl<const N: usize> Barrier<N> {
    pub(crate) fn new() -> Barrier<N> {
        Barrier {
            round: AtomicU64::new(0),
            parties: AtomicU64::new(0),
            seats: core::array::from_fn(|_| AtomicU64::new(ABSENT)),
        }
    }

    /// Makes a barrier that nobody can see yet ready for use; `parties` is at
    /// least 1 and at most `N`.
    pub(crate) fn place(&self, parties: usize) {
        for seat in self.seats.iter().take(parties) {
            seat.store(FREE, Ordering::Relaxed);
        }
        self.round.store(0, Ordering::Relaxed);
        self.parties.store(parties as u64, Ordering::Relaxed);
    }

    /// Breaks the round if anybody has arrived in it and it `is_due`. That is asked
    /// after each look at the round, so what it says holds for the round as seen.
    fn break_if_begun(&self, cause: Cause, pid: u32, is_due: impl Fn(u64) -> bool) {
        loop {
            let seen = newest(&self.round);
            let is_begun = is_open(seen) && arrivals(seen) > 0;
            if !is_begun || !is_due(seen) || self.break_round(seen, cause, pid) {
                return;
            }
        }
    }

    /// Waits until all parties have arrived. Returns whether this was the last.
    #[inline]
    pub(crate) fn wait(
        &self,
        seat: usize,
        me: Stamp,
        deadline: Deadline,
        patience: &Patience,
    ) -> Result<bool, Stop> {
        if !self.is_at(seat, me) {
            return Err(Stop::NotOwner);
        }
        let parties = self.parties.load(Ordering::Relaxed);
        let mut seen = self.round.load(Ordering::Relaxed);
        loop {
            if !is_open(seen) {
                seen = self.unless_broken()?;
                continue;
            }
            let is_last = arrivals(seen) + 1 >= parties;
            let next = if is_last { completed(seen) } else { arrived(seen) };
            match self.round.compare_exchange(seen, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) if is_last => {
                    self.wake_all(seen);
                    return Ok(true);
                }
                Ok(_) => return self.wait_for_end(seen, me, deadline, patience).map(|()| false),
                Err(now) => seen = now,
            }
        }
    }

    /// The round as it is now, if it is open: the load before may have been of
    /// one that was reset since.
    #[cold]
    fn unless_broken(&self) -> Result<u64, Stop> {
        let seen = newest(&self.round);
        if is_open(seen) { Ok(seen) } else { Err(reason(seen)) }
    }

    /// Waits for the end of the round in which this party has arrived; `since`: the
    /// word before.
    fn wait_for_end(
        &self,
        since: u64,
        me: Stamp,
        deadline: Deadline,
        patience: &Patience,
    ) -> Result<(), Stop> {
        let spins = patience.spins();
        for spun in 0..spins {
            if let Some(end) = end_of(since, self.round.load(Ordering::Acquire)) {
                patience.was_worth(spun);
                return end;
            }
            pause();
        }
        patience.was_in_vain();
        self.sleep_until_end(since, me, deadline)
    }

    #[cold]
    fn sleep_until_end(&self, since: u64, me: Stamp, deadline: Deadline) -> Result<(), Stop> {
        let mut slices = Slices::new();
        let mut ask = false;
        loop {
            let seen = self.round.load(Ordering::Acquire);
            if let Some(end) = end_of(since, seen) {
                return end;
            }
            let is_late = deadline.has_passed();
            if let Some((cause, pid)) = self.missing(ask || is_late) {
                self.break_round(seen, cause, pid);
                continue;
            }
            if is_late {
                self.break_round(seen, Cause::TimedOut, me.pid());
                continue;
            }
            let marked = seen | SLEEPERS;
            if seen == marked || swap(&self.round, seen, marked) {
                let passed = futex_wait(&self.round, marked as u32, slices.next(deadline));
                ask = slices.is_over(passed);
            }
        }
    }

    /// Breaks the round, if it is open.
    pub(crate) fn abort(&self, me: Stamp) {
        let mut seen = newest(&self.round);
        while is_open(seen) && !self.break_round(seen, Cause::Aborted, me.pid()) {
            seen = newest(&self.round);
        }
    }

    /// Breaks the round if it still is as it was `seen`.
    #[cold]
    fn break_round(&self, seen: u64, cause: Cause, pid: u32) -> bool {
        let done = swap(&self.round, seen, broken(seen, cause, pid));
        if done {
            self.wake_all(seen);
        }
        done
    }

    /// Sends away whoever waits, and opens a new round.
    pub(crate) fn reset(&self) {
        let mut seen = newest(&self.round);
        while !swap(&self.round, seen, reset(seen)) {
            seen = newest(&self.round);
        }
        // Whoever broke the round may have died before it could wake them.
        self.wake_sleepers();
    }

    /// Wakes everybody, if the word that was replaced speaks of sleepers.
    #[inline]
    fn wake_all(&self, seen: u64) {
        if seen & SLEEPERS != 0 {
            self.wake_sleepers();
        }
    }

    #[cold]
    fn wake_sleepers(&self) {
        futex_wake(&self.round, u32::MAX);
    }

    pub(crate) fn is_placed(&self) -> bool {
        self.parties.load(Ordering::Relaxed) > 0
    }

    /// How many have arrived and wait.
    pub(crate) fn waiting(&self) -> usize {
        let seen = self.round.load(Ordering::Relaxed);
        if is_open(seen) { arrivals(seen) as usize } else { 0 }
    }

    /// Why the barrier is broken, if it is.
    pub(crate) fn broken(&self) -> Option<Stop> {
        let seen = self.round.load(Ordering::Acquire);
        (!is_open(seen)).then(|| reason(seen))
    }
}

fn swap(word: &AtomicU64, seen: u64, next: u64) -> bool {
    word.compare_exchange(seen, next, Ordering::AcqRel, Ordering::Relaxed).is_ok()
}

/// The word as it is now, read with a read-modify-write.
fn newest(word: &AtomicU64) -> u64 {
    word.fetch_or(0, Ordering::AcqRel)
}
