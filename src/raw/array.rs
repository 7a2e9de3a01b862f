//! Values in a row, of which any stretch changes at once: a redo log.
//!
//! There are two rows of the same length, the data and the log.
//!
//! # States
//!
//! | `version` | meaning |
//! |---|---|
//! | even | the data is the value |
//! | odd | `len` elements from `first` on are in the log, the others in the data |
//!
//! # Transitions
//!
//! A writer takes its `turn`, notes the stretch, writes the new elements into the
//! log, and commits by storing the odd version. Then it copies them into the
//! data and stores the even one. A reader reads each element from where the
//! version says that it is, and looks whether the version is still the same; if
//! not, it reads again. The stretch that a writer copies is the one that readers
//! have from the log, so they wait for nobody, also not for a writer that is
//! stopped in the middle.
//!
//! # When a process dies
//!
//! Before its commit it has changed nothing, after it everything. The next writer
//! takes its turn and copies what it left, which may happen any number of times.
//!
//! # Ordering
//!
//! As in [`Value`](super::Value): each commit is a release that pairs with the
//! acquire of a reader's first look, and each word of the rows and of the stretch
//! is written with release and read with acquire, so that whoever meets a later
//! one also sees, in the second look, the version before it.

use core::ops::Range;

use super::{Mutex, Refused};
use crate::deadline::Deadline;
use crate::primitive::{AtomicU64, Ordering, Stamp, pause};

#[derive(Debug)]
#[repr(C)]
pub(crate) struct Array {
    turn: Mutex,
    version: AtomicU64,
    first: AtomicU64,
    len: AtomicU64,
}

impl Array {
    /// The data is the value.
    pub(crate) fn new() -> Array {
        Array {
            turn: Mutex::new(),
            version: AtomicU64::new(0),
            first: AtomicU64::new(0),
            len: AtomicU64::new(0),
        }
    }

    /// Whether the array was made ready for use.
    pub(crate) fn is_placed(&self) -> bool {
        self.turn.is_placed()
    }

    /// Makes an array that nobody can see yet ready for use.
    pub(crate) fn place(&self) {
        self.turn.place();
    }

    /// What `read` says of the rows, being told which stretch is in the log; and
    /// which of all contents that is. It may be called more than once.
    #[inline]
    pub(crate) fn read<R>(&self, mut read: impl FnMut(Range<usize>) -> R) -> (R, u64) {
        loop {
            let version = self.version.load(Ordering::Acquire);
            let value = read(self.logged(version));
            if self.version.load(Ordering::Relaxed) == version {
                return (value, contents_of(version));
            }
            pause();
        }
    }

    /// Lets `log` write the new elements of `stretch` into the log and `apply`
    /// copy a stretch of it into the data; false, with nothing written, where the
    /// contents are no longer `expected`. Neither runs code but this crate's.
    pub(crate) fn write(
        &self,
        me: Stamp,
        thread: u64,
        expected: Option<u64>,
        stretch: Range<usize>,
        log: impl FnOnce(),
        apply: impl Fn(Range<usize>),
    ) -> Result<bool, Refused> {
        self.turn.take_turn(me, thread, Deadline::Never)?;
        // Relaxed: the turn orders the writers.
        let mut version = self.version.load(Ordering::Relaxed);
        if is_logged(version) {
            apply(self.logged(version));
            // A liar may have written any version, the last one there is as well.
            version = version.wrapping_add(1);
            self.version.store(version, Ordering::Release);
        }
        let is_current = expected.is_none_or(|expected| expected == contents_of(version));
        if is_current {
            self.first.store(stretch.start as u64, Ordering::Release);
            self.len.store(stretch.len() as u64, Ordering::Release);
            log();
            self.version.store(version.wrapping_add(1), Ordering::Release);
            apply(stretch);
            self.version.store(version.wrapping_add(2), Ordering::Release);
        }
        self.turn.unlock(me);
        Ok(is_current)
    }

    /// The stretch that is in the log, wherever it ends: whoever goes by it holds it to
    /// the rows.
    #[inline]
    fn logged(&self, version: u64) -> Range<usize> {
        if !is_logged(version) {
            return 0..0;
        }
        let first = self.first.load(Ordering::Acquire) as usize;
        first..first.saturating_add(self.len.load(Ordering::Acquire) as usize)
    }

    /// Who writes just now.
    pub(crate) fn writer(&self) -> Option<Stamp> {
        self.turn.owner()
    }
}

fn is_logged(version: u64) -> bool {
    version % 2 == 1
}

/// The same number for a stretch in the log and when it has been copied.
fn contents_of(version: u64) -> u64 {
    version.div_ceil(2)
}
