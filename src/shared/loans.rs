//! What a thread has on loan from shared memory.
//!
//! A guard dropped in a forked child would free what the parent holds, and a
//! `&mut T` taken out of one would be in two processes. So guards are counted
//! by thread, and a safe `spawn` refuses while the count is not zero. A guard
//! that was leaked stays counted; when its thread ends, the count moves to the
//! process, where it falls only for a guard that is dropped later still, by the
//! thread's own locals.
//!
//! A thread's count and number lie together, in a local that is there from its
//! first instruction to its last: nothing is made at its first use and nothing
//! done at its end, so a look at it is an addition. A second local, which is
//! looked up once, closes the count at the thread's end.

use core::cell::Cell;
use core::marker::PhantomData;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// What threads that have ended left behind.
static LEFT: AtomicUsize = AtomicUsize::new(0);

/// In place of a count that is closed: not opened yet, or moved to [`LEFT`]. One
/// loan more or less, and it is still negative.
const CLOSED: isize = isize::MIN / 2;

struct Local {
    /// The loans, or [`CLOSED`] and one that is about to be counted elsewhere.
    loans: Cell<isize>,
    /// The thread's number while the count is open, otherwise zero: one look tells
    /// who comes to lock both.
    known: Cell<u32>,
    /// The thread's number, zero until somebody asks.
    number: Cell<u32>,
}

/// Closes the count of a thread that ends.
struct Account;

impl Drop for Account {
    fn drop(&mut self) {
        let loans = LOCAL.with(|local| {
            local.known.set(0);
            local.loans.replace(CLOSED)
        });
        LEFT.fetch_add(open_loans(loans), Ordering::Relaxed);
    }
}

thread_local! {
    static LOCAL: Local = const {
        Local { loans: Cell::new(CLOSED), known: Cell::new(0), number: Cell::new(0) }
    };

    static ACCOUNT: Account = const { Account };
}

/// This thread, where its number is known and its count open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thread {
    number: u32,
    /// Of use to this thread only.
    _here: PhantomData<*const ()>,
}

impl Thread {
    /// `None` for a thread that has no number yet or is about to end, which then goes
    /// by [`thread_number`] and [`Loan::new`].
    #[inline]
    pub(crate) fn known() -> Option<Thread> {
        let number = LOCAL.with(|local| local.known.get());
        (number != 0).then_some(Thread { number, _here: PhantomData })
    }

    /// As [`thread_number`] says.
    #[inline]
    pub(crate) fn number(self) -> u64 {
        self.number.into()
    }

    /// [`Loan::new`], without a look whether the count is open.
    #[inline]
    pub(crate) fn lend(self) -> Loan {
        LOCAL.with(|local| local.loans.set(local.loans.get() + 1));
        Loan(PhantomData)
    }
}

/// One loan of this thread, for as long as it lives. `!Send`, like the guards
/// that hold one.
#[derive(Debug)]
pub(crate) struct Loan(PhantomData<*const ()>);

impl Loan {
    #[inline]
    pub(crate) fn new() -> Loan {
        if change_by(1) < 0 {
            first_or_late();
        }
        Loan(PhantomData)
    }

    /// Leaves it counted, for who ends it by other means than dropping it, and exactly
    /// once.
    #[inline]
    pub(crate) fn keep(self) -> Kept {
        core::mem::forget(self);
        Kept(PhantomData)
    }
}

/// A loan that is not dropped but [ended](Kept::end).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept(PhantomData<*const ()>);

impl Kept {
    /// Ends the loan if that is a mere subtraction; otherwise nothing has happened.
    #[inline]
    pub(crate) fn try_end(&self) -> bool {
        LOCAL.with(|local| {
            let rest = local.loans.get() - 1;
            if rest >= 0 {
                local.loans.set(rest);
            }
            rest >= 0
        })
    }

    /// Ends the loan.
    pub(crate) fn end(&self) {
        drop(Loan(PhantomData));
    }
}

impl Drop for Loan {
    #[inline]
    fn drop(&mut self) {
        if change_by(-1) < 0 {
            drop_late();
        }
    }
}

#[inline]
fn change_by(loans: isize) -> isize {
    LOCAL.with(|local| {
        local.loans.set(local.loans.get() + loans);
        local.loans.get()
    })
}

#[cold]
fn first_or_late() {
    LOCAL.with(|local| local.loans.set(CLOSED));
    if is_open() {
        change_by(1);
    } else {
        LEFT.fetch_add(1, Ordering::Relaxed);
    }
}

/// A loan made so late, or moved when the thread's locals went.
#[cold]
fn drop_late() {
    LOCAL.with(|local| local.loans.set(CLOSED));
    LEFT.fetch_sub(1, Ordering::Relaxed);
}

/// Opens the count, if it is not open; false in a thread whose locals are gone. It is
/// about to end: what it lends counts at the process.
fn is_open() -> bool {
    let is_alive = ACCOUNT.try_with(|_| ()).is_ok();
    LOCAL.with(|local| {
        if is_alive && local.loans.get() == CLOSED {
            local.loans.set(0);
        }
    });
    is_alive
}

fn open_loans(loans: isize) -> usize {
    usize::try_from(loans).unwrap_or(0)
}

/// The loans of this thread, and those that ended threads left behind.
pub(crate) fn outstanding() -> usize {
    open_loans(change_by(0)) + LEFT.load(Ordering::Relaxed)
}

/// A number that no other thread of this process has or had; never zero, at
/// most 32 bits.
#[inline]
pub(crate) fn thread_number() -> u64 {
    match Thread::known() {
        Some(thread) => thread.number(),
        None => number_of_first_or_late(),
    }
}

#[cold]
fn number_of_first_or_late() -> u64 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let is_open = is_open();
    LOCAL.with(|local| {
        if local.number.get() == 0 {
            local.number.set(NEXT.fetch_add(1, Ordering::Relaxed).max(1));
        }
        if is_open {
            local.known.set(local.number.get());
        }
        local.number.get().into()
    })
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

        // The same for what is ended by hand, by a thread that was known.
        struct Late(Kept, u64);
        impl Drop for Late {
            fn drop(&mut self) {
                assert!(Thread::known().is_none(), "its count is closed");
                assert_eq!(thread_number(), self.1);
                assert!(!self.0.try_end());
                self.0.end();
            }
        }
        thread_local! { static LATE: Cell<Option<Late>> = const { Cell::new(None) } }
        let ends_late = std::thread::spawn(move || {
            LATE.set(None);
            let number = thread_number();
            let thread = Thread::known().unwrap();
            assert_eq!(thread.number(), number);
            assert!(thread.lend().keep().try_end(), "open: a subtraction");
            LATE.set(Some(Late(thread.lend().keep(), number)));
            assert_eq!(outstanding(), before + 2);
        });
        ends_late.join().unwrap();
        assert_eq!(outstanding(), before + 1);
    }
}
