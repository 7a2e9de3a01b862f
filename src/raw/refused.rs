//! What a machine answers where it does not do what was asked.

use crate::error::{Error, Kind};

/// Why a machine did not do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The deadline passed first.
    TimedOut,
    /// The caller itself holds what it waits for.
    Deadlock,
    /// The machine was never placed in shared memory.
    Unplaced,
    /// Every place is taken by somebody alive.
    Full,
}

impl Refused {
    /// The error of `call` that says so.
    #[cold]
    pub(crate) fn error(self, call: &'static str) -> Error {
        let kind = match self {
            Refused::TimedOut => Kind::TimedOut,
            Refused::Deadlock => Kind::Deadlock,
            Refused::Unplaced => Kind::Unplaced,
            Refused::Full => Kind::Limit,
        };
        Error::new(call, kind)
    }
}
