//! What a process that polls hears: an eventfd.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::error::Error;
use crate::sys::fd::{self, Takes};

/// Readable once it was rung, until somebody silences it. Processes have it in
/// common by inheriting it.
#[derive(Debug)]
pub(crate) struct Bell(OwnedFd);

impl Bell {
    pub(crate) fn new() -> Result<Bell, Error> {
        fd::eventfd(Takes::AllTokens).map(Bell)
    }

    pub(crate) fn ring(&self) {
        fd::eventfd_put(self.0.as_fd(), 1);
    }

    pub(crate) fn silence(&self) {
        fd::eventfd_take(self.0.as_fd());
    }

    /// Waits until it rings, at most one slice. Returns whether the slice passed.
    #[cfg(test)]
    pub(crate) fn wait(&self, slice: core::time::Duration) -> bool {
        !fd::poll_readable(&self.0, Some(slice)).unwrap()
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
