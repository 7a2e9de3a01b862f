//! Which file has a name, who uses it, and who may take the name away.
//!
//! # States of a name
//!
//! | in the folder there is | meaning |
//! |---|---|
//! | nothing | nobody has made it, or it was unlinked |
//! | a file of which somebody holds `USERS` | in use |
//! | a file of which nobody does | left behind by the dead, or by who let go of it |
//!
//! # Transitions
//!
//! A file is complete, and its maker holds `USERS`, before one linkat(2) gives it its
//! name. Until then it has none, and is gone with its maker; so there is no half-made
//! file, nor one that seems left behind by a maker who is on its way. Whoever opens a
//! file takes `USERS`, and then looks whether it still has the name: a file that was
//! unlinked in between is none that others would meet in.
//!
//! A name is removed by whoever holds `NAME` of the file that has it and has looked,
//! holding it, whether it still has. No two remove the same file's, and nobody a newer
//! file's. Where it is to be removed only if nobody uses it, `USERS` is held as well, in
//! one step: whoever would begin to use it meanwhile has to wait, and then finds that it
//! has no name.
//!
//! # When a process dies
//!
//! Both are locks of an opening, see `sys::lock`, which end with it. A name of a dead
//! process is as it was before the unlink(2) or linkat(2), or as after it.
//!
//! # Strangers
//!
//! Whoever may open the file may hold these locks, and for as long as it likes. Nobody
//! waits for them for long; see `Patience`.

use core::ops::Range;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::thread;
use std::time::Duration;

use crate::deadline::{Deadline, Slices};
use crate::error::{Error, Kind};
use crate::sys::errno::{Errno, Named};
use crate::sys::lock::{self, Lock, try_lock};
use crate::sys::shm;

/// Held, shared, by all who use the file.
const USERS: Range<i64> = 0..1;
/// Held by whoever removes the file's name.
const NAME: Range<i64> = 1..2;
const USERS_AND_NAME: Range<i64> = USERS.start..NAME.end;

/// As often another process may come in between.
pub(super) const ATTEMPTS: usize = 100;

/// A new file of `len` zeroes, in use and without a name.
pub(super) fn make(mode: u32, len: usize) -> Result<OwnedFd, Error> {
    let file = shm::unnamed(mode, len)?;
    let is_locked = try_lock(file.as_fd(), Lock::Shared, USERS)?;
    debug_assert!(is_locked, "nobody else has it");
    Ok(file)
}

/// Gives a file that was made just now its name. What is left behind there by the dead is
/// removed if `takes_over`; otherwise, and where it is in use, EEXIST.
pub(super) fn publish(file: BorrowedFd<'_>, path: &str, takes_over: bool) -> Result<(), Error> {
    for _ in 0..ATTEMPTS {
        match shm::link(file, path) {
            Err(Errno::EXIST) if takes_over && remove_unused(path, shm::user())? => {}
            linked => return linked.named("link in /dev/shm"),
        }
    }
    Err(busy())
}

/// Opens the file that has the name, and counts among its users.
pub(super) fn join(path: &str, owner: u32) -> Result<OwnedFd, Error> {
    let mut patience = Patience::new();
    loop {
        let file = open(path, owner)?;
        if try_lock(file.as_fd(), Lock::Shared, USERS)? && has_name(file.as_fd(), path)? {
            return Ok(file);
        }
        patience.wait()?;
    }
}

/// Removes the name if nobody uses the file; whether the name is free now.
pub(super) fn remove_unused(path: &str, owner: u32) -> Result<bool, Error> {
    let mut patience = Patience::new();
    loop {
        let file = match open(path, owner) {
            Err(error) if error.is_not_found() => return Ok(true),
            file => file?,
        };
        if try_lock(file.as_fd(), Lock::Exclusive, USERS_AND_NAME)? {
            if has_name(file.as_fd(), path)? {
                shm::unlink(path)?;
            }
            return Ok(true);
        }
        // Or else somebody removes it just now, or just did.
        if is_used(file.as_fd())? {
            return Ok(false);
        }
        patience.wait()?;
    }
}

/// Removes the name, whoever uses the file, if `may` says so of the file; ENOENT where
/// nothing has the name.
pub(super) fn remove(
    path: &str,
    owner: u32,
    may: impl Fn(BorrowedFd<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut patience = Patience::new();
    loop {
        let file = open(path, owner)?;
        may(file.as_fd())?;
        if try_lock(file.as_fd(), Lock::Exclusive, NAME)? && has_name(file.as_fd(), path)? {
            return shm::unlink(path);
        }
        patience.wait()?;
    }
}

/// How long to wait for somebody who removes a name: a few calls, unless it is stopped
/// there.
struct Patience {
    deadline: Deadline,
    slices: Slices,
}

impl Patience {
    const MOST: Duration = Duration::from_secs(1);

    fn new() -> Patience {
        Patience { deadline: Deadline::after(Patience::MOST), slices: Slices::new() }
    }

    /// Sleeps for one slice.
    fn wait(&mut self) -> Result<(), Error> {
        if self.deadline.has_passed() {
            return Err(busy());
        }
        thread::sleep(self.slices.next(self.deadline));
        self.slices.is_over(true);
        Ok(())
    }
}

/// Whether anybody uses it, but for what `file` itself has locked.
pub(super) fn is_used(file: BorrowedFd<'_>) -> Result<bool, Error> {
    Ok(lock::held(file, USERS)? == Some(Lock::Shared))
}

/// Opens what has the name, if it is what can have been made here: a regular file of the
/// owner's. Anybody may make something by any name in the folder.
pub(super) fn open(path: &str, owner: u32) -> Result<OwnedFd, Error> {
    let file = shm::open(path)?;
    let identity = shm::identity(file.as_fd())?;
    if identity.owner != owner {
        let errno = Errno::ACCESS.raw_os_error();
        return Err(Error::new("the owner of a file in /dev/shm", Kind::Os(errno)));
    }
    if !identity.is_regular {
        return Err(Error::new("a file in /dev/shm", Kind::Corrupt));
    }
    Ok(file)
}

fn has_name(file: BorrowedFd<'_>, path: &str) -> Result<bool, Error> {
    Ok(shm::identity_of(path)? == Some(shm::identity(file)?))
}

/// Others come in between, again and again, or one stands still there.
#[cold]
pub(super) fn busy() -> Error {
    Error::new("a name that somebody else removes", Kind::WouldBlock)
}
