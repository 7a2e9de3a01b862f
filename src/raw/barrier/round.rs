//! The round of a barrier: one word, and what it says.
//!
//! # States
//!
//! The lower half is what sleepers compare:
//!
//! | bits | meaning |
//! |---|---|
//! | `SLEEPERS` | somebody may sleep: whoever ends the round wakes all |
//! | `COMPLETED` | how many rounds were completed, even or odd |
//! | `STATE` | `OPEN`, or why it is broken |
//! | the rest | the generation: how many rounds were ended, completed or reset |
//!
//! The upper half is, while the round is open, how many have arrived, and in a
//! broken one the pid of who broke it.
//!
//! A party that arrived in a round and has not returned yet is missing from every
//! later one. So at most one round is completed meanwhile, its own, whatever was
//! reset after it: one bit tells.

pub(super) const SLEEPERS: u64 = 1;
const COMPLETED: u64 = 1 << 1;
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

/// How the round ended that a party arrived in when the word was `arrived`, as
/// the word is `seen` now.
#[inline]
pub(super) fn end_of(arrived: u64, seen: u64) -> Option<Result<(), Stop>> {
    if seen & GENERATIONS == arrived & GENERATIONS {
        return (!is_open(seen)).then(|| Err(reason(seen)));
    }
    let completed = (seen ^ arrived) & COMPLETED != 0;
    Some(if completed { Ok(()) } else { Err(Stop::Broken(Cause::Reset, 0)) })
}

/// What a broken word says.
#[cold]
pub(super) fn reason(word: u64) -> Stop {
    let cause = match (word & STATE) >> STATE_SHIFT {
        1 => Cause::Died,
        2 => Cause::Left,
        3 => Cause::Aborted,
        4 => Cause::TimedOut,
        _ => Cause::Reset,
    };
    Stop::Broken(cause, (word >> UPPER_SHIFT) as u32)
}

/// One more has arrived.
#[inline]
pub(super) fn arrived(word: u64) -> u64 {
    // Wrapping: a liar may have let as many arrive as there are numbers.
    word.wrapping_add(1 << UPPER_SHIFT)
}

/// The last one has: the next round is open.
#[inline]
pub(super) fn completed(word: u64) -> u64 {
    reset(word) ^ COMPLETED
}

/// The next round is open, and this one was not completed.
#[inline]
pub(super) fn reset(word: u64) -> u64 {
    word.wrapping_add(GENERATION) & GENERATIONS | word & COMPLETED
}

/// `pid` has broken it.
#[cold]
pub(super) fn broken(word: u64, cause: Cause, pid: u32) -> u64 {
    let state = (cause as u64) << STATE_SHIFT;
    u64::from(pid) << UPPER_SHIFT | word & (GENERATIONS | COMPLETED) | state
}

#[inline]
pub(super) fn is_open(word: u64) -> bool {
    word & STATE == OPEN
}

/// How many have arrived in an open round.
#[inline]
pub(super) fn arrivals(word: u64) -> u64 {
    word >> UPPER_SHIFT
}

/// Whether two words speak of the same round.
pub(super) fn is_same(one: u64, other: u64) -> bool {
    one & GENERATIONS == other & GENERATIONS
}
