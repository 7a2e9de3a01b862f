//! Waiting for a word to change: a pause of the CPU, or a sleep in the kernel.

use core::sync::atomic::AtomicU64;
use core::time::Duration;

use crate::sys;

/// How often a waiter looks before it sleeps.
///
/// About as long as the wake of an idle CPU takes to save, far shorter than
/// what a spinner costs the owner it waits for when both share a CPU.
pub(crate) const SPINS: u32 = 100;

/// How often a waiter at a queue or pipe then lets others run, and looks again, before
/// it sleeps.
///
/// With more processes than CPUs whoever it waits for may just want this one. By the
/// time it comes back there is work for more than one look; and nobody has to wake it,
/// which costs the other side a system call for each message while it is faster than
/// they come. One sender with four receivers on two CPUs: 18 million messages a second
/// instead of 6, and 2 yields do nearly as well as 32.
pub(crate) const YIELDS: u32 = 8;

/// Sleeps while the low half of `word` is `expected`, at most one slice.
/// Returns whether the slice passed.
pub(crate) fn futex_wait(word: &AtomicU64, expected: u32, slice: Duration) -> bool {
    sys::futex::wait(word, expected, slice)
}

/// Wakes at most `count` sleepers; returns how many.
pub(crate) fn futex_wake(word: &AtomicU64, count: u32) -> usize {
    sys::futex::wake(word, count)
}

/// Lets whoever else wants this CPU have it first.
pub(crate) fn yield_now() {
    std::thread::yield_now();
}

/// Tells the CPU that this is a spin.
#[inline]
pub(crate) fn pause() {
    core::hint::spin_loop();
}
