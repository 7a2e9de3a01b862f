//! How `Debug` shows the state of a primitive, and who has part in it.
//!
//! One form for all: `owner: 1234 (alive)`, `owner: nobody`,
//! `readers: [1234 (alive), 1235 (dead)]`, `abandoned: by 1235`, and `Mutex(unplaced)`.

use core::fmt;

use crate::primitive::{Stamp, is_alive};

/// A process that has part in a primitive.
pub(crate) struct Participant(pub(crate) Stamp);

impl fmt::Debug for Participant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if is_alive(self.0) { "alive" } else { "dead" };
        write!(f, "{} ({state})", self.0.pid())
    }
}

/// The one process that may have a primitive.
pub(crate) struct Owner(pub(crate) Option<Stamp>);

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(owner) => Participant(owner).fmt(f),
            None => f.write_str("nobody"),
        }
    }
}

/// Whether a lock was left inconsistent, and by which process where it still says so.
pub(crate) struct Left {
    is_inconsistent: bool,
    by: Option<u32>,
}

impl Left {
    /// One whose owner died at work says so of itself only when somebody comes.
    pub(crate) fn new(is_inconsistent: bool, by: Option<u32>, at_work: Option<Stamp>) -> Left {
        let dead = at_work.filter(|owner| !is_alive(*owner));
        Left { is_inconsistent, by: by.or(dead.map(|owner| owner.pid())) }
    }
}

impl fmt::Debug for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.by {
            Some(pid) => write!(f, "by {pid}"),
            None => self.is_inconsistent.fmt(f),
        }
    }
}

/// All that have part.
pub(crate) fn participants(stamps: impl Iterator<Item = Stamp>) -> Vec<Participant> {
    stamps.map(Participant).collect()
}

/// A primitive that was never in a [`Shared`](crate::Shared).
pub(crate) fn unplaced(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    write!(f, "{name}(unplaced)")
}
