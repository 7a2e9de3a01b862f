//! pidfd_open(2), and what tells one life of a process id from the next.

use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions};

use super::errno::{Errno, Named};
use super::stat::Stat;
use crate::error::Error;

/// statfs(2)'s magic of pidfs, whose inodes are never reused (Linux 6.9 on).
const PIDFS_MAGIC: u64 = 0x5049_4446;

/// Opens a file descriptor that stands for the process.
pub(crate) fn open(pid: u32) -> Result<OwnedFd, Errno> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(Errno::SRCH)?;
    rustix::process::pidfd_open(pid, PidfdFlags::empty())
}

/// The inode of a pidfd: on pidfs one per life of a process.
pub(crate) fn inode(pidfd: BorrowedFd<'_>) -> Result<u64, Errno> {
    Ok(rustix::fs::fstat(pidfd)?.st_ino)
}

/// Whether a pidfd lives on pidfs.
pub(crate) fn is_on_pidfs(pidfd: BorrowedFd<'_>) -> Result<bool, Errno> {
    Ok(rustix::fs::fstatfs(pidfd)?.f_type as u64 == PIDFS_MAGIC)
}

/// When the process started, in clock ticks after boot as this process's time
/// namespace has it: field 22 of /proc/PID/stat.
pub(crate) fn start_time(pid: u32) -> Result<u64, Errno> {
    let stat = Stat::read(format!("/proc/{pid}/stat"))?;
    stat.field(22).and_then(|field| field.parse().ok()).ok_or(Errno::IO)
}

/// Whether a signal could be sent to `pid`: `kill(pid, 0)`. Needs no fd.
pub(crate) fn exists(pid: u32) -> bool {
    let Ok(pid) = i32::try_from(pid) else { return false };
    let nobody = Err(nix::errno::Errno::ESRCH);
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None) != nobody
}

/// Whether `pid` is a child of this process that has ended and was not yet
/// waited for. Leaves it so. Needs no fd.
pub(crate) fn is_own_zombie(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    matches!(rustix::process::waitid(WaitId::Pid(pid), look), Ok(Some(_)))
}

/// The inode of this process's PID namespace.
pub(crate) fn namespace() -> Result<u64, Error> {
    let stat = rustix::fs::stat("/proc/self/ns/pid").named("stat(/proc/self/ns/pid)")?;
    Ok(stat.st_ino)
}

/// The inode of this process's time namespace; zero where there are none, before
/// Linux 5.6.
pub(crate) fn time_namespace() -> Result<u64, Error> {
    match rustix::fs::stat("/proc/self/ns/time") {
        Err(Errno::NOENT) => Ok(0),
        stat => Ok(stat.named("stat(/proc/self/ns/time)")?.st_ino),
    }
}
