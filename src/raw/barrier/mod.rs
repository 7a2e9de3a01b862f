//! A barrier: parties that wait for one another, round after round.
//!
//! Here is the round; whose the parties are is told in `seat`.
//!
//! # States of the round
//!
//! The lower half is what sleepers compare:
//!
//! | bits | meaning |
//! |---|---|
//! | `SLEEPERS` | somebody may sleep: whoever ends the round wakes all |
//! | `RESET` | the generation before this one was not completed but reset |
//! | `STATE` | `OPEN`, or why it is broken |
//! | the rest | the generation |
//!
//! The upper half is, while the round is open, how many have arrived, and in a
//! broken one the pid of who broke it.
//!
//! # Transitions
//!
//! Arrive: one more in the upper half; the last one opens the next generation
//! instead. Break: `OPEN` -> a reason, of the same generation. Reset: any -> the
//! next generation, open, with `RESET`. Each is one CAS of the whole word, so a
//! round is completed, broken or reset for all of its parties alike: one that
//! arrived in generation g and sees g + 1 was let through, unless `RESET` says
//! otherwise; one that sees g with a reason was not. (One that sleeps on through
//! two generations can only have slept through a reset.)
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

mod seat;

use crate::deadline::{Deadline, Slices};
use crate::primitive::{AtomicU64, Ordering, Patience, Stamp, futex_wait, futex_wake, pause};
use seat::{ABSENT, FREE};

const SLEEPERS: u64 = 1;
const RESET: u64 = 1 << 1;
const STATE: u64 = 0b111 << STATE_SHIFT;
const STATE_SHIFT: u32 = 2;
const GENERATION: u64 = 1 << 5;
const GENERATIONS: u64 = 0xffff_ffff & !(GENERATION - 1);
const UPPER_SHIFT: u32 = 32;

const OPEN: u64 = 0;

/// Why a round is broken; the numbers are those of `STATE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A party died.
    Died = 1,
    /// A party was given up.
    Left = 2,
    Aborted = 3,
    /// The time of a party was up.
    TimedOut = 4,
    /// It was reset; no state of its own.
    Reset = 5,
}

/// Why a party was not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The process that broke the round, or 0 if nobody knows any more.
    Broken(Cause, u32),
    /// The seat is another process's.
    NotOwner,
}

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
        self.parties.store(parties as u64, Ordering::Relaxed);
    }

    /// Breaks the round if anybody has arrived in it.
    fn break_if_begun(&self, cause: Cause, pid: u32) {
        let mut seen = newest(&self.round);
        while is_open(seen) && upper(seen) > 0 && !self.break_round(seen, cause, pid) {
            seen = newest(&self.round);
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
            let is_last = upper(seen) + 1 >= parties;
            let next = if is_last { next_generation(seen) } else { seen + (1 << UPPER_SHIFT) };
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
        if is_open(seen) { Ok(seen) } else { Err(broken(seen)) }
    }

    /// Waits for the end of the round in which this party has arrived.
    fn wait_for_end(
        &self,
        arrived: u64,
        me: Stamp,
        deadline: Deadline,
        patience: &Patience,
    ) -> Result<(), Stop> {
        let spins = patience.spins();
        for spun in 0..spins {
            if let Some(end) = end_of(arrived, self.round.load(Ordering::Acquire)) {
                patience.was_worth(spun);
                return end;
            }
            pause();
        }
        patience.was_in_vain();
        self.sleep_until_end(arrived, me, deadline)
    }

    #[cold]
    fn sleep_until_end(&self, arrived: u64, me: Stamp, deadline: Deadline) -> Result<(), Stop> {
        let mut slices = Slices::new();
        let mut ask = false;
        loop {
            let seen = self.round.load(Ordering::Acquire);
            if let Some(end) = end_of(arrived, seen) {
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
        let lower = seen & (GENERATIONS | RESET) | (cause as u64) << STATE_SHIFT;
        let broken = u64::from(pid) << UPPER_SHIFT | lower;
        let done =
            self.round.compare_exchange(seen, broken, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        if done {
            self.wake_all(seen);
        }
        done
    }

    /// Sends away whoever waits, and opens a new round.
    pub(crate) fn reset(&self) {
        let mut seen = newest(&self.round);
        while !swap(&self.round, seen, next_generation(seen) | RESET) {
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

    /// How many have arrived and wait.
    pub(crate) fn waiting(&self) -> usize {
        let seen = self.round.load(Ordering::Relaxed);
        if is_open(seen) { upper(seen) as usize } else { 0 }
    }

    /// Why the barrier is broken, if it is.
    pub(crate) fn broken(&self) -> Option<Stop> {
        let seen = self.round.load(Ordering::Acquire);
        (!is_open(seen)).then(|| broken(seen))
    }
}

/// How the round ended that a party arrived in when the word was `arrived`, as
/// the word is `seen` now.
#[inline]
fn end_of(arrived: u64, seen: u64) -> Option<Result<(), Stop>> {
    if generation(seen) == generation(arrived) {
        return (!is_open(seen)).then(|| Err(broken(seen)));
    }
    let is_next = generation(seen) == generation(next_generation(arrived));
    let completed = is_next && seen & RESET == 0;
    Some(if completed { Ok(()) } else { Err(Stop::Broken(Cause::Reset, 0)) })
}

/// What a broken word says.
#[cold]
fn broken(word: u64) -> Stop {
    let cause = match (word & STATE) >> STATE_SHIFT {
        1 => Cause::Died,
        2 => Cause::Left,
        3 => Cause::Aborted,
        4 => Cause::TimedOut,
        _ => Cause::Reset,
    };
    Stop::Broken(cause, upper(word) as u32)
}

/// An open round after the one that `word` is about; nobody has arrived.
#[inline]
fn next_generation(word: u64) -> u64 {
    word.wrapping_add(GENERATION) & GENERATIONS
}

#[inline]
fn generation(word: u64) -> u64 {
    word & GENERATIONS
}

#[inline]
fn is_open(word: u64) -> bool {
    word & STATE == OPEN
}

#[inline]
fn upper(word: u64) -> u64 {
    word >> UPPER_SHIFT
}

fn swap(word: &AtomicU64, seen: u64, next: u64) -> bool {
    word.compare_exchange(seen, next, Ordering::AcqRel, Ordering::Relaxed).is_ok()
}

/// The word as it is now, read with a read-modify-write.
fn newest(word: &AtomicU64) -> u64 {
    word.fetch_or(0, Ordering::AcqRel)
}
