//! Shared mappings of sealed memfds, and the page that a fork wipes.
#![allow(unsafe_code)]

use core::ops::Range;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;

use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{MemfdFlags, SealFlags};

use super::errno::Named;
use super::fd::beyond_stdio;
use crate::error::{Error, Kind};

/// A memory file of `len` zero bytes whose length can no longer change.
///
/// Sealed so that no peer's `ftruncate` can turn our loads into SIGBUS.
pub(crate) fn sealed_memfd(name: &str, len: usize) -> Result<OwnedFd, Error> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let fd = beyond_stdio(rustix::fs::memfd_create(name, flags).named("memfd_create")?)?;
    rustix::fs::ftruncate(&fd, len as u64).named("ftruncate")?;
    let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&fd, seals).named("fcntl(F_ADD_SEALS)")?;
    Ok(fd)
}

/// Whether the length of `fd` is sealed.
pub(crate) fn is_length_sealed(fd: BorrowedFd<'_>) -> bool {
    let wanted = SealFlags::SHRINK | SealFlags::GROW;
    rustix::fs::fcntl_get_seals(fd).is_ok_and(|seals| seals.contains(wanted))
}

/// The length of the file behind `fd` in bytes.
pub(crate) fn len(fd: BorrowedFd<'_>) -> Result<usize, Error> {
    let stat = rustix::fs::fstat(fd).named("fstat")?;
    usize::try_from(stat.st_size).map_err(|_| Error::new("fstat", Kind::Corrupt))
}

/// Fills `bytes` with the start of the file; false where that has fewer.
pub(crate) fn read_start(fd: BorrowedFd<'_>, bytes: &mut [u8]) -> Result<bool, Error> {
    let mut filled = 0;
    while filled < bytes.len() {
        let read = || rustix::io::pread(fd, &mut bytes[filled..], filled as u64);
        match rustix::io::retry_on_intr(read).named("pread")? {
            0 => return Ok(false),
            more => filled += more,
        }
    }
    Ok(true)
}

/// A file mapped whole, read and write, shared; unmapped when dropped.
#[derive(Debug)]
pub(crate) struct Mapping {
    map: MmapRaw,
    file: File,
}

impl Mapping {
    /// Maps `len` bytes of `fd`.
    pub(crate) fn new(fd: OwnedFd, len: usize) -> Result<Mapping, Error> {
        let file = File::from(fd);
        let map = MmapOptions::new().len(len).map_raw(&file).named("mmap")?;
        Ok(Mapping { map, file })
    }

    /// The first byte. Page-aligned, never null.
    pub(crate) fn start(&self) -> *mut u8 {
        self.map.as_mut_ptr()
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }
}

impl AsFd for Mapping {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// The addresses at which a process has code.
#[derive(Clone, Debug)]
pub(crate) struct Code(Vec<Range<usize>>);

impl Code {
    /// This process's, by now.
    pub(crate) fn here() -> Result<Code, Error> {
        let maps = std::fs::read_to_string("/proc/self/maps").named("read(/proc/self/maps)")?;
        let code = maps.lines().filter_map(|line| {
            let (addresses, rest) = line.split_once(' ')?;
            let (start, end) = addresses.split_once('-')?;
            let number = |text| usize::from_str_radix(text, 16).ok();
            rest.get(2..3).filter(|flag| *flag == "x")?;
            Some(number(start)?..number(end)?)
        });
        Ok(Code(code.collect()))
    }

    /// Whether all of these are among them.
    pub(crate) fn has(&self, addresses: &[usize]) -> bool {
        let is_code = |address| self.0.iter().any(|code| code.contains(address));
        addresses.iter().all(is_code)
    }
}

/// A private page of zeroes that reads as zero again in every forked child.
///
/// `MADV_WIPEONFORK` sees every kind of fork, raw `clone` included, which
/// `pthread_atfork` does not. The page is never unmapped.
pub(crate) fn wiped_on_fork() -> Result<NonNull<u8>, Error> {
    // Less than a page is asked for; the kernel gives and wipes whole pages.
    const LEN: usize = 64;
    let mut page = MmapOptions::new().len(LEN).map_anon().named("mmap")?;
    let start = NonNull::from(&mut page[0]);
    // SAFETY: the range is the private anonymous mapping made just above;
    // the advice changes what a child sees of it, nothing in this process.
    let result = unsafe { libc::madvise(start.as_ptr().cast(), LEN, libc::MADV_WIPEONFORK) };
    if result != 0 {
        return Err(std::io::Error::last_os_error()).named("madvise(MADV_WIPEONFORK)");
    }
    core::mem::forget(page);
    Ok(start)
}
