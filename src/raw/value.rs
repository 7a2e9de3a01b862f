//! A value of two copies, of which one word says which counts.
//!
//! # States
//!
//! | `version` | meaning |
//! |---|---|
//! | v | copy v % 2 is the value; nobody writes it until v + 1 is committed |
//!
//! # Transitions
//!
//! A writer takes its `turn`, writes the copy that does not count, and commits by
//! one store of the next version. A reader reads the copy that counts and looks
//! whether the version is still the same; if not, it reads again. So a reader
//! waits for nobody, also not for a writer that is stopped in the middle.
//!
//! # When a process dies
//!
//! A writer leaves the old value or the new one, as the version says, and at most
//! its turn, which the next writer takes. What it wrote into the copy that does
//! not count is overwritten.
//!
//! # Ordering
//!
//! The release of the commit pairs with the acquire of the reader's first look,
//! so it sees the whole copy. Each word of a copy is written with release and
//! read with acquire: a reader that meets a word of a later write also sees,
//! in its second look, the version that was committed before that write began,
//! and reads again. Source: H.-J. Boehm, "Can Seqlocks Get Along With Programming
//! Language Memory Models?", 2012, with acquire loads for the fence.

use super::{Mutex, Refused};
use crate::deadline::Deadline;
use crate::primitive::{AtomicU64, Ordering, Stamp, pause};

#[derive(Debug)]
#[repr(C)]
pub(crate) struct Value {
    turn: Mutex,
    version: AtomicU64,
}

impl Value {
    /// Copy 0 is the value.
    pub(crate) fn new() -> Value {
        Value { turn: Mutex::new(), version: AtomicU64::new(0) }
    }

    /// Makes a value that nobody can see yet ready for use.
    pub(crate) fn place(&self) {
        self.turn.place();
    }

    /// What `read` says of the copy that counts, which it is told, and the
    /// version of that. It may be called more than once.
    #[inline]
    pub(crate) fn read<R>(&self, mut read: impl FnMut(usize) -> R) -> (R, u64) {
        loop {
            let version = self.version.load(Ordering::Acquire);
            let value = read(copy_of(version));
            if self.version.load(Ordering::Relaxed) == version {
                return (value, version);
            }
            pause();
        }
    }

    /// Lets `write` fill the copy that it is told, and makes it the one that
    /// counts; false, with nothing written, where the version is no longer
    /// `expected`. `write` runs no code but this crate's.
    pub(crate) fn write(
        &self,
        me: Stamp,
        thread: u64,
        expected: Option<u64>,
        write: impl FnOnce(usize),
    ) -> Result<bool, Refused> {
        // What a dead writer left: its commit happened or it did not.
        self.turn.take_turn(me, thread, Deadline::Never)?;
        // Relaxed: the turn orders the writers.
        let version = self.version.load(Ordering::Relaxed);
        let is_current = expected.is_none_or(|expected| expected == version);
        if is_current {
            // Where a liar has written it, the last version there is has a next one, too.
            let next = version.wrapping_add(1);
            write(copy_of(next));
            self.version.store(next, Ordering::Release);
        }
        self.turn.unlock(me);
        Ok(is_current)
    }

    /// Whether it was placed.
    #[inline]
    pub(crate) fn is_placed(&self) -> bool {
        self.turn.is_placed()
    }

    /// Who writes just now.
    pub(crate) fn writer(&self) -> Option<Stamp> {
        self.turn.owner()
    }
}

fn copy_of(version: u64) -> usize {
    (version % 2) as usize
}
