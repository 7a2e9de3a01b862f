//! The lifeline of a process: a pipe that breaks when it ends.
//!
//! Nobody writes to it, and its write end is in this one process: every child of
//! libc's `fork` closes it as it comes to be (pthread_atfork; not of `_Fork`, nor one
//! that another thread forks inside `make`), every program that is started does
//! (O_CLOEXEC). So the kernel closes it when the process ends, however that
//! happens, and not when a thread of it does. Whoever holds a read end that is
//! armed gets a signal then: O_ASYNC sends one when a pipe loses its last writer,
//! F_SETSIG says which. (`PR_SET_PDEATHSIG` is about the forking thread.)
#![allow(unsafe_code)]

use core::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::fs::File;
use std::os::fd::{AsRawFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;

use rustix::fs::OFlags;

use super::errno::Named;
use super::fd::{beyond_stdio, pipe};
use crate::error::Error;

/// The write end of this process's lifeline, which is nobody else's; or
/// [`NONE`].
static WRITE_END: AtomicI32 = AtomicI32::new(NONE);

const NONE: RawFd = -1;

/// fcntl(2)'s command; not in every `libc`.
const F_SETSIG: libc::c_int = 10;

/// A new read end of this process's lifeline, with no signal to send yet. It is
/// a file of its own, so the signal of one has nothing to do with another's.
///
/// One caller at a time.
pub(crate) fn read_end() -> Result<OwnedFd, Error> {
    let write_end = match WRITE_END.load(Ordering::Relaxed) {
        NONE => make()?,
        fd => fd,
    };
    let path = format!("/proc/self/fd/{write_end}");
    // A FIFO's open waits for its other side, but this one has it.
    let opened = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    beyond_stdio(OwnedFd::from(opened.named("open(/proc/self/fd)")?))
}

/// Makes the pipe, keeps its write end and gives the number of that.
fn make() -> Result<RawFd, Error> {
    close_in_children()?;
    let (_, write_end) = pipe()?;
    let write_end = write_end.into_raw_fd();
    WRITE_END.store(write_end, Ordering::Relaxed);
    Ok(write_end)
}

/// Has every child that libc forks close its copy.
fn close_in_children() -> Result<(), Error> {
    static IS_REGISTERED: AtomicBool = AtomicBool::new(false);
    extern "C" fn child() {
        let_go();
    }
    if IS_REGISTERED.load(Ordering::Relaxed) {
        return Ok(());
    }
    // SAFETY: the handler is async-signal-safe, as a child of a process with
    // threads demands, and lives as long as the program.
    let errno = unsafe { libc::pthread_atfork(None, None, Some(child)) };
    if errno != 0 {
        return Err(std::io::Error::from_raw_os_error(errno)).named("pthread_atfork");
    }
    IS_REGISTERED.store(true, Ordering::Relaxed);
    Ok(())
}

/// In a forked child: closes the copy of its parent's write end, if there is one.
/// Async-signal-safe.
pub(crate) fn let_go() {
    let copy = WRITE_END.load(Ordering::Relaxed);
    if copy != NONE {
        WRITE_END.store(NONE, Ordering::Relaxed);
        // SAFETY: `make` owned this descriptor and gave it to the static, out of
        // which it was just taken.
        unsafe { libc::close(copy) };
    }
}

/// Says to whom `read_end` will send its signal, a SIGKILL: the process that has
/// the number `pid` now.
pub(crate) fn aim(read_end: BorrowedFd<'_>, pid: u32) -> Result<(), Error> {
    set(read_end, F_SETSIG, libc::SIGKILL).named("fcntl(F_SETSIG)")?;
    set(read_end, libc::F_SETOWN, pid as i32).named("fcntl(F_SETOWN)")
}

/// From here on the signal is sent when the pipe breaks, for as long as anybody
/// has `read_end` open.
pub(crate) fn arm(read_end: BorrowedFd<'_>) -> Result<(), Error> {
    let flags = OFlags::NONBLOCK | OFlags::from_bits_retain(libc::O_ASYNC as u32);
    rustix::fs::fcntl_setfl(read_end, flags).named("fcntl(F_SETFL)")
}

fn set(fd: BorrowedFd<'_>, command: libc::c_int, value: libc::c_int) -> std::io::Result<()> {
    // SAFETY: both commands take a number, and change what the descriptor's file
    // says, nothing in memory.
    match unsafe { libc::fcntl(fd.as_raw_fd(), command, value) } {
        -1 => Err(std::io::Error::last_os_error()),
        _ => Ok(()),
    }
}
