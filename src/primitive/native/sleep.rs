//! Waiting for a word to change: a pause of the CPU, or a sleep in the kernel.

use core::sync::atomic::AtomicU64;
use core::time::Duration;

use crate::sys;

/// How often a waiter looks before it sleeps.
///
/// About as long as the wake of an idle CPU takes to save, far shorter than
/// what a spinner costs the owner it waits for when both share a CPU.
pub(crate) const SPINS: u32 = 100;

/// Sleeps while the low half of `word` is `expected`, at most one slice.
/// Returns whether the slice passed.
pub(crate) fn futex_wait(word: &AtomicU64, expected: u32, slice: Duration) -> bool {
    sys::futex::wait(word, expected, slice)
}

/// Wakes at most `count` sleepers; returns how many.
pub(crate) fn futex_wake(word: &AtomicU64, count: u32) -> usize {
    sys::futex::wake(word, count)
}

/// Tells the CPU that this is a spin.
#[inline]
pub(crate) fn pause() {
    core::hint::spin_loop();
}
