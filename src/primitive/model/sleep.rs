//! The modelled futex.
//!
//! It has no lock of its own. The one scheduling point of each call is a
//! read-modify-write of the word itself, which is what loom needs to try the
//! calls in both orders; from there to the sleep or the wake nobody else runs.
//! A lock would order more than the kernel does, and so hide missing orderings.

use core::time::Duration;

use super::AtomicU64;
use super::process::step;
use super::trace::note;
use super::world::World;

/// No spinning: it repeats what the loop around it does anyway. Not a constant,
/// lest the comparison with it be called absurd.
pub(crate) static SPINS: u32 = 0;
/// The same.
pub(crate) static YIELDS: u32 = 0;

/// None, for the same reason.
#[derive(Debug)]
pub(crate) struct Patience;

impl Patience {
    pub(crate) fn new() -> Patience {
        Patience
    }

    pub(crate) fn spins(&self) -> u32 {
        SPINS
    }

    pub(crate) fn was_worth(&self, _used: u32) {}

    pub(crate) fn was_in_vain(&self) {}
}

/// Sleeps while the low half of `word` is `expected`. Returns whether the
/// modelled timeout fired; how long the slice is does not matter.
pub(crate) fn futex_wait(word: &AtomicU64, expected: u32, _slice: Duration) -> bool {
    step();
    let seen = word.newest();
    note("futex_wait", Some(word.address()), [Some(expected.into()), None], Some(seen));
    if seen as u32 != expected {
        return false;
    }
    let world = World::current();
    world.sleep(word.address())
}

/// Wakes at most `count` sleepers, the longest first; returns how many.
pub(crate) fn futex_wake(word: &AtomicU64, count: u32) -> usize {
    step();
    word.newest();
    let woken = World::with(|world| world.wake(word.address(), count));
    note("futex_wake", Some(word.address()), [Some(count.into()), None], Some(woken as u64));
    woken
}

/// Lets the others go first.
pub(crate) fn pause() {
    loom::thread::yield_now();
}
