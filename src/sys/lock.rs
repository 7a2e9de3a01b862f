//! Locks of an open file description (F_OFD_SETLK): the kernel keeps them for as long
//! as any process has a descriptor of that opening, and no longer, however it ended. A
//! forked child has the same ones.
#![allow(unsafe_code)]

use core::ffi::c_short;
use core::ops::Range;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::errno::Named;
use crate::error::Error;

/// Who else may have a lock on the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lock {
    /// Others of this kind.
    Shared,
    Exclusive,
}

/// Locks these bytes of the file, which may lie past its end, in place of what this
/// opening had locked of them; false where another one's lock is in the way.
pub(crate) fn try_lock(file: BorrowedFd<'_>, lock: Lock, bytes: Range<i64>) -> Result<bool, Error> {
    let mut request = request(lock, bytes);
    match call(file, libc::F_OFD_SETLK, &mut request) {
        Ok(()) => Ok(true),
        Err(error) => match error.raw_os_error() {
            Some(libc::EAGAIN | libc::EACCES) => Ok(false),
            _ => Err(error).named("fcntl(F_OFD_SETLK)"),
        },
    }
}

/// A lock that another opening has on any of these bytes. Locks nothing.
pub(crate) fn held(file: BorrowedFd<'_>, bytes: Range<i64>) -> Result<Option<Lock>, Error> {
    let mut request = request(Lock::Exclusive, bytes);
    call(file, libc::F_OFD_GETLK, &mut request).named("fcntl(F_OFD_GETLK)")?;
    Ok(match i32::from(request.l_type) {
        libc::F_UNLCK => None,
        libc::F_RDLCK => Some(Lock::Shared),
        _ => Some(Lock::Exclusive),
    })
}

fn request(lock: Lock, bytes: Range<i64>) -> libc::flock {
    let kind = match lock {
        Lock::Shared => libc::F_RDLCK,
        Lock::Exclusive => libc::F_WRLCK,
    };
    libc::flock {
        l_type: kind as c_short,
        l_whence: libc::SEEK_SET as c_short,
        l_start: bytes.start,
        l_len: bytes.end - bytes.start,
        // Must be zero for locks of this kind.
        l_pid: 0,
    }
}

fn call(
    file: BorrowedFd<'_>,
    command: libc::c_int,
    request: &mut libc::flock,
) -> std::io::Result<()> {
    // SAFETY: both commands read and write one `flock`, which this is.
    match unsafe { libc::fcntl(file.as_raw_fd(), command, core::ptr::from_mut(request)) } {
        -1 => Err(std::io::Error::last_os_error()),
        _ => Ok(()),
    }
}
