//! Words that forked children share, and a file behind them that may grow.
#![allow(unsafe_code)]

use core::mem::size_of;
use core::sync::atomic::AtomicU64;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::MemfdFlags;

use super::errno::Named;
use super::fd::beyond_stdio;
use crate::error::{Error, Kind};

/// `N` words, zero at first, at the start of a memory file.
///
/// The words are mapped; what is behind them is only ever read and written as
/// a file, so it may have any length and nobody has to map it. Not sealed: the
/// file is between a parent and its child, which do not truncate it.
#[derive(Debug)]
pub(crate) struct Words<const N: usize> {
    map: MmapRaw,
    file: File,
}

impl<const N: usize> Words<N> {
    const LEN: usize = N * size_of::<AtomicU64>();

    pub(crate) fn new(name: &str) -> Result<Words<N>, Error> {
        let fd = rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC).named("memfd_create")?;
        let fd = beyond_stdio(fd)?;
        rustix::fs::ftruncate(&fd, Self::LEN as u64).named("ftruncate")?;
        let file = File::from(fd);
        let map = MmapOptions::new().len(Self::LEN).map_raw(&file).named("mmap")?;
        Ok(Words { map, file })
    }

    /// The words that somebody else made, in a descriptor that came from it.
    pub(crate) fn open(fd: OwnedFd) -> Result<Words<N>, Error> {
        if rustix::fs::fstat(&fd).named("fstat")?.st_size < Self::LEN as i64 {
            return Err(Error::new("fstat", Kind::Corrupt));
        }
        let file = File::from(fd);
        let map = MmapOptions::new().len(Self::LEN).map_raw(&file).named("mmap")?;
        Ok(Words { map, file })
    }

    pub(crate) fn words(&self) -> &[AtomicU64; N] {
        let start: *const [AtomicU64; N] = self.map.as_ptr().cast();
        // SAFETY: 1. The mapping is `LEN` bytes, page-aligned, and lives as
        //    long as `self`. 2. `new` made the file that long, or `open` found it so,
        //    and any bytes are valid as atomics. 3. `write_behind` starts after them.
        unsafe { &*start }
    }

    /// Writes `bytes` right behind the words.
    pub(crate) fn write_behind(&self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all_at(bytes, Self::LEN as u64).named("pwrite")
    }

    /// The first `len` bytes behind the words.
    pub(crate) fn read_behind(&self, len: usize) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; len];
        self.file.read_exact_at(&mut bytes, Self::LEN as u64).named("pread")?;
        Ok(bytes)
    }
}

impl<const N: usize> AsFd for Words<N> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}
