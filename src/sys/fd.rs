//! Descriptors: eventfd(2), poll(2), and numbers that are nobody's stdout.

use core::time::Duration;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::event::Timespec;
use rustix::event::{EventfdFlags, PollFd, PollFlags};
use rustix::io::Errno;

use super::errno::Named;
use crate::error::Error;

/// What one read of an eventfd takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    OneToken,
    AllTokens,
}

/// A non-blocking eventfd without tokens.
pub(crate) fn eventfd(takes: Takes) -> Result<OwnedFd, Error> {
    let mut flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
    flags.set(EventfdFlags::SEMAPHORE, takes == Takes::OneToken);
    beyond_stdio(rustix::event::eventfd(0, flags).named("eventfd")?)
}

/// The same file under a number that nobody takes for stdin, stdout or stderr:
/// a program that has closed those must not print into it.
pub(crate) fn beyond_stdio(fd: OwnedFd) -> Result<OwnedFd, Error> {
    const FIRST: i32 = 3;
    if fd.as_raw_fd() >= FIRST {
        return Ok(fd);
    }
    rustix::io::fcntl_dupfd_cloexec(&fd, FIRST).named("fcntl(F_DUPFD)")
}

/// Another number for the same file.
#[cfg(feature = "tokio")]
pub(crate) fn duplicate(fd: BorrowedFd<'_>) -> Result<OwnedFd, Error> {
    beyond_stdio(rustix::io::fcntl_dupfd_cloexec(fd, 0).named("fcntl(F_DUPFD)")?)
}

/// Puts `count` tokens into an eventfd. Async-signal-safe.
///
/// It refuses only when there are nearly 2^64.
pub(crate) fn eventfd_put(fd: BorrowedFd<'_>, count: u64) {
    while rustix::io::write(fd, &count.to_ne_bytes()) == Err(Errno::INTR) {}
}

/// Takes tokens out of an eventfd, if there are any: see [`Takes`].
pub(crate) fn eventfd_take(fd: BorrowedFd<'_>) {
    let mut count = [0; 8];
    while rustix::io::read(fd, &mut count) == Err(Errno::INTR) {}
}

/// Waits until `fd` is readable; returns whether it is. EINTR counts as "not
/// yet", so callers with time left look again.
pub(crate) fn poll_readable(fd: impl AsFd, timeout: Option<Duration>) -> Result<bool, Error> {
    poll(&mut [PollFd::new(&fd, PollFlags::IN)], timeout)
}

/// The same for any of several.
pub(crate) fn poll_any(fds: &[BorrowedFd<'_>], timeout: Duration) -> Result<bool, Error> {
    let mut asked: Vec<PollFd<'_>> = fds.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
    poll(&mut asked, Some(timeout))
}

fn poll(fds: &mut [PollFd<'_>], timeout: Option<Duration>) -> Result<bool, Error> {
    let timeout = timeout.map(|timeout| Timespec {
        tv_sec: timeout.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    });
    match rustix::event::poll(fds, timeout.as_ref()) {
        Ok(ready) => Ok(ready != 0),
        Err(Errno::INTR) => Ok(false),
        Err(errno) => Err(errno).named("poll"),
    }
}
