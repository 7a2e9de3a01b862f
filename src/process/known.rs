//! What is known of a process whatever it returns: who it is, and whether it runs.

use core::time::Duration;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::error::Error;
use crate::sys::errno::{Errno, Named};
use crate::sys::fd::poll_readable;
use crate::sys::fork;

#[derive(Debug)]
pub(super) struct Known {
    pub(super) pid: u32,
    pub(super) name: String,
    pub(super) pidfd: OwnedFd,
    /// Whether this process is to reap it, and not a zygote.
    pub(super) is_own: bool,
}

impl Known {
    pub(super) fn runs(&self) -> bool {
        !poll_readable(self, Some(Duration::ZERO)).unwrap_or(false)
    }

    pub(super) fn terminate(&self) -> Result<(), Error> {
        terminate(self.as_fd())
    }

    pub(super) fn kill(&self) -> Result<(), Error> {
        kill(self.as_fd())
    }
}

impl AsFd for Known {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

pub(super) fn terminate(pidfd: BorrowedFd<'_>) -> Result<(), Error> {
    ended_is_fine(fork::terminate(pidfd))
}

pub(super) fn kill(pidfd: BorrowedFd<'_>) -> Result<(), Error> {
    ended_is_fine(fork::kill(pidfd))
}

/// Signalling a process that is gone is no error: it is as it was to be.
fn ended_is_fine(sent: Result<(), Errno>) -> Result<(), Error> {
    match sent {
        Err(Errno::SRCH) => Ok(()),
        sent => sent.named("pidfd_send_signal"),
    }
}
