//! Files in /dev/shm: memory that has a name, or gets one when it is complete.

use core::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, CWD, FallocateFlags, FileType, Mode, OFlags, RawDir, Stat};
use rustix::io::Errno;

use super::errno::Named;
use super::fd::beyond_stdio;
use crate::error::Error;

/// The folder, which everybody may write to and where everybody may remove what is
/// their own.
pub(crate) const FOLDER: &str = "/dev/shm";

/// The effective user.
pub(crate) fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// A file of `len` zero bytes without a name, for which there is memory. It is gone
/// when the last descriptor is, unless it is [linked](link).
pub(crate) fn unnamed(mode: u32, len: usize) -> Result<OwnedFd, Error> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = rustix::fs::openat(CWD, FOLDER, flags, Mode::RUSR | Mode::WUSR);
    let file = beyond_stdio(file.named("open(/dev/shm, O_TMPFILE)")?)?;
    // Past the umask, which is for files that nobody said anything about.
    rustix::fs::fchmod(&file, Mode::from_raw_mode(mode)).named("fchmod")?;
    // A signal undoes the whole call: in pieces, lest many of them keep it from its end.
    const PIECE: usize = 1 << 20;
    for start in (0..len).step_by(PIECE) {
        let (start, piece) = (start as u64, PIECE.min(len - start) as u64);
        let allocate = || rustix::fs::fallocate(&file, FallocateFlags::empty(), start, piece);
        rustix::io::retry_on_intr(allocate).named("fallocate in /dev/shm")?;
    }
    Ok(file)
}

/// Gives a file that was made [`unnamed`] a name; EEXIST where that is taken.
pub(crate) fn link(file: BorrowedFd<'_>, path: &str) -> Result<(), Errno> {
    // AT_EMPTY_PATH would need a capability.
    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::linkat(CWD, open, CWD, path, AtFlags::SYMLINK_FOLLOW)
}

/// Opens what has the name, if it is no symbolic link.
pub(crate) fn open(path: &str) -> Result<OwnedFd, Error> {
    // Should it be a FIFO or a device, opening it must not wait for anything.
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    beyond_stdio(rustix::fs::openat(CWD, path, flags, Mode::empty()).named("open in /dev/shm")?)
}

/// Removes a name.
pub(crate) fn unlink(path: &str) -> Result<(), Error> {
    rustix::fs::unlinkat(CWD, path, AtFlags::empty()).named("unlink in /dev/shm")
}

/// Which file it is, and whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
    pub(crate) owner: u32,
    pub(crate) is_regular: bool,
}

impl From<Stat> for Identity {
    fn from(stat: Stat) -> Identity {
        Identity {
            device: stat.st_dev,
            inode: stat.st_ino,
            owner: stat.st_uid,
            is_regular: FileType::from_raw_mode(stat.st_mode).is_file(),
        }
    }
}

/// That of an open file.
pub(crate) fn identity(file: BorrowedFd<'_>) -> Result<Identity, Error> {
    Ok(rustix::fs::fstat(file).named("fstat")?.into())
}

/// That of what has the name; `None` where nothing has.
pub(crate) fn identity_of(path: &str) -> Result<Option<Identity>, Error> {
    match rustix::fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat.into())),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno).named("stat in /dev/shm"),
    }
}

/// The names in the folder.
pub(crate) fn names() -> Result<Vec<String>, Error> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::openat(CWD, FOLDER, flags, Mode::empty());
    let folder = folder.named("open(/dev/shm)")?;
    let mut room = [MaybeUninit::uninit(); 4096];
    let mut entries = RawDir::new(folder, &mut room);
    let mut names = Vec::new();
    while let Some(entry) = entries.next() {
        let entry = entry.named("getdents(/dev/shm)")?;
        // What is no text is none of ours.
        names.extend(entry.file_name().to_str().map(String::from));
    }
    Ok(names)
}
