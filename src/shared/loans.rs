//! What a thread has on loan from shared memory.
//!
//! A guard dropped in a forked child would free what the parent holds, and a
//! `&mut T` taken out of one would be in two processes. So guards are counted
//! by thread, and a safe `spawn` refuses while the count is not zero. A guard
//! that was leaked stays counted; when its thread ends, the count moves to the
//! process, where it never falls.

use core::cell::Cell;
use core::marker::PhantomData;
use core::sync::atomic::{AtomicUsize, Ordering};

/// What threads that have ended left behind.
static LEFT: AtomicUsize = AtomicUsize::new(0);

struct Count(Cell<usize>);

impl Drop for Count {
    fn drop(&mut self) {
        LEFT.fetch_add(self.0.get(), Ordering::Relaxed);
    }
}

thread_local! {
    static COUNT: Count = const { Count(Cell::new(0)) };
}

/// One loan of this thread, for as long as it lives. `!Send`, like the guards
/// that hold one.
#[derive(Debug)]
pub(crate) struct Loan(PhantomData<*const ()>);

impl Loan {
    #[inline]
    pub(crate) fn new() -> Loan {
        // A thread whose locals are gone is about to end: count at the process.
        let counted = COUNT.try_with(|count| count.0.set(count.0.get() + 1));
        if counted.is_err() {
            LEFT.fetch_add(1, Ordering::Relaxed);
        }
        Loan(PhantomData)
    }
}

impl Drop for Loan {
    #[inline]
    fn drop(&mut self) {
        let _ = COUNT.try_with(|count| count.0.set(count.0.get() - 1));
    }
}

/// The loans of this thread, and those that ended threads left behind.
pub(crate) fn outstanding() -> usize {
    COUNT.try_with(|count| count.0.get()).unwrap_or(0) + LEFT.load(Ordering::Relaxed)
}

/// A number that no other living thread of this process has; never zero.
#[inline]
pub(crate) fn thread_number() -> u64 {
    // Zero would mean "no thread"; a thread whose locals are gone shares one
    // number with its like, and is then only told "locked" for "deadlock".
    COUNT.try_with(|count| core::ptr::from_ref(count).addr() as u64).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    // One test: the counts are the process's.
    #[test]
    fn a_loan_is_counted_until_dropped_and_for_ever_if_leaked_by_a_thread() {
        let before = outstanding();
        let loan = Loan::new();
        assert_eq!(outstanding(), before + 1);
        drop(loan);
        assert_eq!(outstanding(), before);
        let other = std::thread::spawn(|| {
            core::mem::forget(Loan::new());
            thread_number()
        });
        assert_ne!(other.join().unwrap(), 0);
        assert_eq!(outstanding(), before + 1);
    }
}
