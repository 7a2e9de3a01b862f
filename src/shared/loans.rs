//! What a thread has on loan from shared memory.
//!
//! A guard dropped in a forked child would free what the parent holds, and a
//! `&mut T` taken out of one would be in two processes. So guards are counted
//! by thread, and a safe `spawn` refuses while the count is not zero. A guard
//! that was leaked stays counted; when its thread ends, the count moves to the
//! process, where it falls only for a guard that is dropped later still, by the
//! thread's own locals.

use core::cell::Cell;
use core::marker::PhantomData;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// What threads that have ended left behind.
static LEFT: AtomicUsize = AtomicUsize::new(0);

struct Account {
    loans: Cell<usize>,
}

impl Drop for Account {
    fn drop(&mut self) {
        LEFT.fetch_add(self.loans.get(), Ordering::Relaxed);
    }
}

thread_local! {
    static ACCOUNT: Account = const { Account { loans: Cell::new(0) } };

    /// Zero until somebody asks. Beside the account, since it is there to the
    /// thread's last instruction: nothing is to be done at its end.
    static NUMBER: Cell<u32> = const { Cell::new(0) };
}

/// One loan of this thread, for as long as it lives. `!Send`, like the guards
/// that hold one.
#[derive(Debug)]
pub(crate) struct Loan(PhantomData<*const ()>);

impl Loan {
    #[inline]
    pub(crate) fn new() -> Loan {
        // A thread whose locals are gone is about to end: count at the process.
        let counted = ACCOUNT.try_with(|account| account.loans.set(account.loans.get() + 1));
        if counted.is_err() {
            LEFT.fetch_add(1, Ordering::Relaxed);
        }
        Loan(PhantomData)
    }
}

impl Drop for Loan {
    #[inline]
    fn drop(&mut self) {
        let counted = ACCOUNT.try_with(|account| account.loans.set(account.loans.get() - 1));
        if counted.is_err() {
            // Made so late, or moved there when the thread's locals went.
            LEFT.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// The loans of this thread, and those that ended threads left behind.
pub(crate) fn outstanding() -> usize {
    ACCOUNT.try_with(|account| account.loans.get()).unwrap_or(0) + LEFT.load(Ordering::Relaxed)
}

/// A number that no other thread of this process has or had; never zero, at
/// most 32 bits.
#[inline]
pub(crate) fn thread_number() -> u64 {
    match NUMBER.get() {
        0 => first_number(),
        number => number.into(),
    }
}

#[cold]
fn first_number() -> u64 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NUMBER.set(NEXT.fetch_add(1, Ordering::Relaxed).max(1));
    NUMBER.get().into()
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

        thread_local! { static KEPT: Cell<Option<Loan>> = const { Cell::new(None) } }
        let keeps_one = std::thread::spawn(|| {
            // Before the account, so that it goes after it.
            KEPT.set(None);
            KEPT.set(Some(Loan::new()));
        });
        keeps_one.join().unwrap();
        assert_eq!(outstanding(), before + 1);
    }
}
