//! Who holds a lock by a guard, and whether the guard may simply give it back.

use std::thread;

use crate::primitive::{self, Stamp};
use crate::shared::loans::{Kept, Loan, Thread};

/// One of the bits that a stamp leaves free: the thread was panicking already when it
/// took the lock. Then its panic says nothing about the value.
const PANICKING: u64 = 1;

/// What a guard knows besides its lock, in one word: with the lock a guard is two,
/// which travel in registers.
///
/// Without drop glue, so that a guard's drop is few instructions wherever it is: each
/// guard asks [`end`](Holder::end), unless [`end_if_sound`](Holder::end_if_sound) was all
/// that it took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holder {
    /// The stamp of the process that locked, and [`PANICKING`].
    word: u64,
    /// Keeps `spawn` from copying the guard, and the guard in its thread.
    loan: Kept,
}

/// How a guard is to end.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    /// Its lock is to be given back.
    Sound(Stamp),
    /// Likewise, but its thread began to panic meanwhile.
    Panicked(Stamp),
    /// It holds nothing: it is a copy in a fork of the process that locked.
    Copy,
}

impl Holder {
    pub(super) fn new(me: Stamp) -> Holder {
        Holder::lent(me, Loan::new())
    }

    /// As `new`, in a thread that is known: a few instructions.
    #[inline]
    pub(super) fn known(me: Stamp, thread: Thread) -> Holder {
        Holder::lent(me, thread.lend())
    }

    #[inline]
    fn lent(me: Stamp, loan: Loan) -> Holder {
        let flag = if thread::panicking() { PANICKING } else { 0 };
        Holder { word: me.word() | flag, loan: loan.keep() }
    }

    /// The stamp of the process that locked, if it is this one.
    pub(super) fn current(&self) -> Option<Stamp> {
        Stamp::of(self.word).filter(|owner| primitive::is_current(*owner))
    }

    /// Ends where there is nothing to it but to give the lock back, and says whose it
    /// is. Otherwise nothing has happened, and [`end`](Holder::end) says what to do.
    #[inline]
    pub(super) fn end_if_sound(&self) -> Option<Stamp> {
        let me = primitive::known()?;
        (me.word() == self.word && !thread::panicking() && self.loan.try_end()).then_some(me)
    }

    /// Ends, and says what the guard has to do.
    pub(super) fn end(&self) -> End {
        self.loan.end();
        let panicked = self.word & PANICKING == 0 && thread::panicking();
        match self.current() {
            Some(me) if panicked => End::Panicked(me),
            Some(me) => End::Sound(me),
            None => End::Copy,
        }
    }
}
