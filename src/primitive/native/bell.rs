//! What a process that polls hears: an eventfd.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::error::Error;
use crate::sys::fd::{self, Takes};

/// Readable once it was rung, until somebody silences it. Processes have it in
/// common by inheriting it.
///
/// Who comes to a thing by its name has inherited nothing. There the bell is dumb:
/// whoever polls has a timer only.
#[derive(Debug)]
pub(crate) struct Bell(Option<OwnedFd>);

impl Bell {
    pub(crate) fn new() -> Result<Bell, Error> {
        Ok(fd::eventfd(Takes::AllTokens)?.into())
    }

    /// One that nobody hears.
    pub(crate) const fn dumb() -> Bell {
        Bell(None)
    }

    pub(crate) fn ring(&self) {
        self.fd().into_iter().for_each(|bell| fd::eventfd_put(bell, 1));
    }

    pub(crate) fn silence(&self) {
        self.fd().into_iter().for_each(fd::eventfd_take);
    }

    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.0.as_ref().map(AsFd::as_fd)
    }

    /// Waits until it rings, at most one slice. Returns whether the slice passed.
    #[cfg(test)]
    pub(crate) fn wait(&self, slice: core::time::Duration) -> bool {
        !fd::poll_readable(self.fd().unwrap(), Some(slice)).unwrap()
    }
}

impl From<OwnedFd> for Bell {
    /// The eventfd of a bell, from a process that has it.
    fn from(eventfd: OwnedFd) -> Bell {
        Bell(Some(eventfd))
    }
}
