//! Descriptors: eventfd(2), poll(2), and numbers that are nobody's stdout.
#![allow(unsafe_code)]

use core::time::Duration;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::event::Timespec;
use rustix::event::{EventfdFlags, PollFd, PollFlags};
use rustix::io::{Errno, FdFlags};
use rustix::pipe::PipeFlags;

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

/// A pipe: its read end and its write end, [beyond stdio](beyond_stdio).
pub(crate) fn pipe() -> Result<(OwnedFd, OwnedFd), Error> {
    let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).named("pipe2")?;
    Ok((beyond_stdio(reader)?, beyond_stdio(writer)?))
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

/// The numbers, past those of the standard streams, of this process's descriptors
/// that are files, pipes, sockets or devices. The others are what this crate's
/// handles are made of: its own memory files, with a name or without, eventfds,
/// pidfds, epolls.
pub(crate) fn files() -> Result<Vec<RawFd>, Error> {
    const LIST: &str = "/proc/self/fd";
    // What was made without a name goes by its number, also when it has one.
    const OTHERS: [&str; 4] =
        ["/memfd:killproof", "anon_inode:", "/dev/shm/killproof.", "/dev/shm/#"];
    let mut files = Vec::new();
    for entry in std::fs::read_dir(LIST).named("read(/proc/self/fd)")?.flatten() {
        let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
        // One that cannot be read any more is closed.
        let (Some(number), Ok(target)) = (number, std::fs::read_link(entry.path())) else {
            continue;
        };
        let target = target.to_string_lossy();
        let is_list = target.starts_with("/proc/") && target.ends_with("/fd");
        if number > 2 && !is_list && !OTHERS.iter().any(|other| target.starts_with(other)) {
            files.push(number);
        }
    }
    Ok(files)
}

/// The file that somebody left open under this number, under a new one: neither
/// goes on to programs that are started here.
pub(crate) fn taken_over(number: RawFd) -> Result<OwnedFd, Error> {
    // SAFETY: it is borrowed for two calls, which fail where nobody has it.
    let left = unsafe { BorrowedFd::borrow_raw(number) };
    rustix::io::fcntl_setfd(left, FdFlags::CLOEXEC).named("fcntl(F_SETFD)")?;
    rustix::io::fcntl_dupfd_cloexec(left, number).named("fcntl(F_DUPFD)")
}

/// Leaves `fd` open in the program that `command` starts, under its number here.
pub(crate) fn leave_open(command: &mut Command, fd: OwnedFd) {
    let keep = move || rustix::io::fcntl_setfd(&fd, FdFlags::empty()).map_err(std::io::Error::from);
    // SAFETY: one fcntl(2), which is async-signal-safe, on what it owns.
    unsafe { command.pre_exec(keep) };
}

/// Writes `line` to stderr, by one write(2), past Rust's lock for it. What does not
/// go at once is lost.
#[cfg(feature = "log")]
pub(crate) fn write_to_stderr(line: &[u8]) {
    // SAFETY: it is borrowed for one call, which fails where nobody has it.
    let stderr = unsafe { BorrowedFd::borrow_raw(2) };
    while rustix::io::write(stderr, line) == Err(Errno::INTR) {}
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

/// Waits until `fd` takes more; returns whether it does. EINTR as above.
pub(crate) fn poll_writable(fd: impl AsFd, timeout: Option<Duration>) -> Result<bool, Error> {
    poll(&mut [PollFd::new(&fd, PollFlags::OUT)], timeout)
}

/// Waits until one of `fds` is readable; returns the first that is. EINTR counts
/// as none yet.
pub(crate) fn poll_any(
    fds: &[impl AsFd],
    timeout: Option<Duration>,
) -> Result<Option<usize>, Error> {
    let mut fds: Vec<PollFd<'_>> = fds.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
    let any = poll(&mut fds, timeout)?;
    Ok(fds.iter().position(|fd| any && !fd.revents().is_empty()))
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
