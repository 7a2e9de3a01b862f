//! futex(2), process-shared: FUTEX_PRIVATE_FLAG is never set.
#![allow(unsafe_code)]

use core::sync::atomic::{AtomicU32, AtomicU64};
use core::time::Duration;

use rustix::io::Errno;
use rustix::thread::futex::{self, Timespec};

/// Sleeps while the low half of `word` is `expected`, at most `timeout`.
///
/// Returns whether the whole time passed. Everything else that ends the sleep
/// (a wake, a signal, a word that differs) means "look again", which is what
/// every caller does.
pub(crate) fn wait(word: &AtomicU64, expected: u32, timeout: Duration) -> bool {
    let timeout = Timespec {
        tv_sec: timeout.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    };
    let result = futex::wait(low_half(word), futex::Flags::empty(), expected, Some(&timeout));
    debug_assert!(
        matches!(result, Ok(()) | Err(Errno::AGAIN | Errno::INTR | Errno::TIMEDOUT)),
        "futex wait: {result:?}"
    );
    result == Err(Errno::TIMEDOUT)
}

/// Wakes at most `count` sleepers of `word`; returns how many.
pub(crate) fn wake(word: &AtomicU64, count: u32) -> usize {
    // The kernel counts with a signed number, and one below zero wakes one.
    let count = count.min(i32::MAX as u32);
    let result = futex::wake(low_half(word), futex::Flags::empty(), count);
    debug_assert!(result.is_ok(), "futex wake: {result:?}");
    result.unwrap_or(0)
}

/// The four bytes of `word` that the kernel compares.
fn low_half(word: &AtomicU64) -> &AtomicU32 {
    let start: *const AtomicU32 = core::ptr::from_ref(word).cast();
    let half = start.wrapping_add(usize::from(cfg!(target_endian = "big")));
    // SAFETY: both halves of an eight-byte word are four aligned bytes that
    // live as long as the word; nobody but the kernel accesses them through
    // this reference, so no differently sized accesses of ours mix.
    unsafe { &*half }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::Ordering;

    #[test]
    fn a_wake_for_everybody_wakes_everybody() {
        const SLEEPERS: usize = 3;
        let word = AtomicU64::new(0);
        // Nothing tells when all are asleep, so a wake that comes too early is
        // tried again.
        let wakes_all = |_| {
            std::thread::sleep(Duration::from_millis(1));
            wake(&word, u32::MAX) == SLEEPERS
        };
        std::thread::scope(|scope| {
            for _ in 0..SLEEPERS {
                scope.spawn(|| {
                    while word.load(Ordering::Relaxed) == 0 {
                        wait(&word, 0, Duration::from_millis(100));
                    }
                });
            }
            let woken = (0..10_000).any(wakes_all);
            word.store(1, Ordering::Relaxed);
            assert!(woken, "no wake woke all {SLEEPERS}");
        });
    }
}
