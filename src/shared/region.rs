//! A region: a mapped file with a header that says what is in it.
#![allow(unsafe_code)]

use core::mem::{offset_of, size_of};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;

use crate::error::{Error, Kind};
use crate::primitive::{self, Birth};
use crate::shared::plain;
use crate::sys::map::{self, Mapping};

/// The first bytes of every region, read by a person: "killprf" and a zero.
const MAGIC: u64 = u64::from_ne_bytes(*b"killprf\0");

/// Raised whenever the meaning of any shared byte changes.
const VERSION: u32 = 1;

/// Where the body starts: behind the header, on a cache line of its own.
const BODY: usize = 128;

crate::plain! {
    /// Written once, before anybody else can see the region.
    struct Header {
        magic: u64,
        version: u32,
        birth: u32,
        /// Of the whole region in bytes.
        size: u64,
        /// What the body is; see `layout_of`.
        layout: u64,
        /// The creator's namespaces, as `primitive::namespace` has them.
        namespace: u64,
    }
}

const _: () = assert!(size_of::<Header>() <= BODY && offset_of!(Header, magic) == 0);

/// A mapping with a checked header; the body is whatever its users agree on.
#[derive(Debug)]
pub(crate) struct Region {
    mapping: Mapping,
}

impl Region {
    /// A new region with `len` bytes of zeroes for a body that `layout` names.
    pub(crate) fn create(name: &str, layout: u64, len: usize) -> Result<Region, Error> {
        let size = len.checked_add(BODY).ok_or(Error::new("region", Kind::Limit))?;
        let header = Header { size: size as u64, ..Header::expected(layout)? };
        let mapping = Mapping::new(map::sealed_memfd(name, size)?, size)?;
        // SAFETY: the mapping is at least `BODY` bytes, page-aligned, and
        // nobody else can see it yet.
        unsafe { mapping.start().cast::<Header>().write(header) };
        Ok(Region { mapping })
    }

    /// Maps a region that arrived as a file descriptor, after checking that it
    /// is one and that its body is what `layout` names.
    pub(crate) fn open(fd: OwnedFd, layout: u64, len: usize) -> Result<Region, Error> {
        let corrupt = || Error::new("region", Kind::Corrupt);
        let size = map::len(fd.as_fd())?;
        // Unsealed, a peer could shrink it under us: every load a SIGBUS.
        if size < BODY || !map::is_length_sealed(fd.as_fd()) {
            return Err(corrupt());
        }
        let mapping = Mapping::new(fd, size)?;
        // SAFETY: `BODY` bytes were just checked to be there; any bytes are
        // valid as `u8`, and they are copied out before they are looked at.
        let bytes = unsafe { mapping.start().cast::<[u8; size_of::<Header>()]>().read_volatile() };
        let header = plain::from_bytes::<Header>(&bytes).ok_or_else(corrupt)?;
        if header.magic != MAGIC || header.size != size as u64 {
            return Err(corrupt());
        }
        let expected = Header::expected(layout)?;
        if header.namespace != expected.namespace {
            return Err(Error::new("region", Kind::ForeignNamespace));
        }
        let same = (header.version, header.birth, header.layout)
            == (expected.version, expected.birth, expected.layout);
        if !same || size - BODY < len {
            return Err(Error::new("region", Kind::Mismatch));
        }
        Ok(Region { mapping })
    }

    /// The first byte of the body, aligned to 128.
    pub(crate) fn body(&self) -> NonNull<u8> {
        // SAFETY: the mapping is longer than `BODY`: made so by `create`,
        // checked by `open`.
        let body = unsafe { self.mapping.start().add(BODY) };
        // SAFETY: an address inside a mapping is not null.
        unsafe { NonNull::new_unchecked(body) }
    }

    /// The length of the body in bytes.
    pub(crate) fn len(&self) -> usize {
        self.mapping.len() - BODY
    }
}

impl AsFd for Region {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.mapping.as_fd()
    }
}

// SAFETY: a region is an address range that stays mapped until dropped; what
// may be done with its bytes from several threads is decided by who casts them.
unsafe impl Send for Region {}
// SAFETY: as above; `&Region` gives out addresses and the file, nothing else.
unsafe impl Sync for Region {}

impl Header {
    /// What this process would write, but for the size.
    fn expected(layout: u64) -> Result<Header, Error> {
        let birth = match primitive::birth()? {
            Birth::Inode => 1,
            Birth::StartTime => 2,
        };
        // A process outside its family's namespace must not make one either.
        primitive::current()?;
        let namespace = primitive::namespace()?;
        Ok(Header { magic: MAGIC, version: VERSION, birth, size: 0, layout, namespace })
    }
}

/// A number for the layout of `T`, with `salt` for what its type does not say:
/// FNV-1a over the type's name, size and alignment.
pub(crate) fn layout_of<T>(salt: &[u64]) -> u64 {
    let name = core::any::type_name::<T>().bytes();
    let numbers = [size_of::<T>() as u64, align_of::<T>() as u64];
    let numbers = numbers.into_iter().chain(salt.iter().copied()).flat_map(u64::to_ne_bytes);
    name.chain(numbers).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
