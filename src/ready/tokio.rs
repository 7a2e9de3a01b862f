//! The same descriptors, waited for by tokio.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;

use crate::error::Error;
use crate::sys::errno::Named;
use crate::sys::fd::duplicate;

/// Whether this thread is inside a runtime: a child that is forked from here would be,
/// too, and what it registers with the epoll that the two share would be addresses in
/// its own memory, which the parent takes for its own.
pub(crate) fn is_in_runtime() -> bool {
    Handle::try_current().is_ok()
}

/// Wakes a task whenever a descriptor becomes readable.
///
/// On a number of its own, since tokio takes each only once, and several tasks
/// may wait for one handle.
#[derive(Debug)]
pub(crate) struct Wakes(AsyncFd<OwnedFd>);

impl Wakes {
    /// The first one comes at once where the descriptor is readable already.
    pub(crate) fn of(fd: BorrowedFd<'_>) -> Result<Wakes, Error> {
        let own = duplicate(fd)?;
        // SAFETY: an `OwnedFd` is open, and the same file, for as long as it is
        // there; nobody takes it out of the `AsyncFd`.
        let registered = unsafe { AsyncFd::register_with_interest(own, Interest::READABLE) };
        registered.map(Wakes).map_err(io::Error::from).named("epoll_ctl")
    }

    /// Waits for the next. Forgotten at once: what came is looked at afterwards,
    /// and what comes during that look wakes again.
    pub(crate) async fn next(&self) -> Result<(), Error> {
        self.0.readable().await.named("epoll_wait")?.clear_ready();
        Ok(())
    }
}
