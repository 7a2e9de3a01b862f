//! A lock of many readers or one writer.
//!
//! Readers own a word each ([`Shares`]), so they never write to a line that
//! another reader reads. Writers exclude each other by a [`Mutex`], and its word
//! is what holds readers back: from the moment a writer has it, no new reader
//! gets in, so those inside are all it waits for. (A word per reader: Hsieh and
//! Weihl, "Scalable Reader-Writer Locks for Parallel Systems", 1992. A gate that
//! the writer shuts first: Courtois, Heymans and Parnas, 1971, the second problem.)
//!
//! The parts: `shares`, the readers' words; `read` and `write`, the two ways in
//! and out.
//!
//! # States
//!
//! | `writer` | shares | `dirty` | meaning |
//! |---|---|---|---|
//! | free | free | `FREE` | free |
//! | free | some stamps | `FREE` | being read |
//! | stamp | some stamps | `FREE` | a writer waits for the readers inside |
//! | stamp | free | its stamp | being written |
//! | stamp | free | another's, or any with `LEFT` | left half-written by that one, being repaired |
//! | free, `ABANDONED` | free | stamp | left half-written by that one |
//! | `UNPLACED` | free | `FREE` | not in shared memory: refuses everything |
//!
//! `LEFT` is what a writer adds that panics: other threads of its process bear the
//! same stamp.
//!
//! A share may bear a stamp for a moment in any of them: a reader claims first
//! and looks for a writer afterwards.
//!
//! # Transitions
//!
//! Read: claim a share; if `writer` is free, that is all. Otherwise free it again
//! and wait until the writer has left. Write: lock `writer`, wait for each share,
//! put the own stamp into `dirty`; and back, `dirty` first. A thread that has a
//! share reads by it once more, whoever waits.
//!
//! A dead writer's word is taken over by writers as [`Mutex`] says, and by a
//! reader whose slice ended in the same way. Its `dirty` tells whether it had
//! begun to write: if so the heir, reader or writer, has the lock for itself and
//! is told, and until it repairs the value the stamp stays. A reader that has
//! repaired it claims a share before it lets go, and so becomes a reader.
//!
//! # Ordering
//!
//! How a reader and a writer see each other is told in [`Shares`]. What a writer
//! wrote, readers get by the acquire of its free word, and writers as in
//! [`Mutex`]. `dirty` belongs to who has the writer's word, so plain stores do;
//! but no store to the value may stand before the one or behind the other. What
//! a kill leaves are the stores up to some instruction, so it is the compiler
//! alone that has to keep this order.

mod read;
mod shares;
mod write;

pub(crate) use read::Reading;

use super::owner::FREE;
use super::{EventCount, Mutex};
use crate::primitive::{AtomicU64, Ordering, Stamp};
use shares::Shares;

/// In `dirty`: its owner has left.
const LEFT: u64 = 1;

#[derive(Debug)]
#[repr(C)]
pub(crate) struct RwLock<const READERS: usize> {
    writer: Mutex,
    dirty: AtomicU64,
    /// Readers sleep here until the writer has left.
    writer_left: EventCount,
    shares: Shares<READERS>,
}

impl<const READERS: usize> RwLock<READERS> {
    pub(crate) fn new() -> RwLock<READERS> {
        RwLock {
            writer: Mutex::new(),
            dirty: AtomicU64::new(FREE),
            writer_left: EventCount::new(),
            shares: Shares::new(),
        }
    }

    /// Makes a lock that nobody can see yet ready for use.
    pub(crate) fn place(&self) {
        self.writer.place();
    }

    /// Who is writing, or left the value half-written.
    #[inline]
    pub(crate) fn dirty_by(&self) -> Option<Stamp> {
        Stamp::of(self.dirty.load(Ordering::Relaxed))
    }

    /// Whether the lock lies in shared memory.
    pub(crate) fn is_placed(&self) -> bool {
        self.writer.is_placed()
    }

    /// Who writes, or waits for the readers inside.
    pub(crate) fn writer(&self) -> Option<Stamp> {
        self.writer.owner()
    }

    /// Whether somebody left the value half-written, who does not write now.
    pub(crate) fn is_abandoned(&self) -> bool {
        let seen = self.dirty.load(Ordering::Relaxed);
        Stamp::of(seen).is_some() && (seen & LEFT != 0 || self.dirty_by() != self.writer())
    }

    /// Whose shares are claimed, the dead among them.
    pub(crate) fn readers(&self) -> impl Iterator<Item = Stamp> {
        self.shares.owners()
    }
}
