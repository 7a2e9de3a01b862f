//! A region: a mapped file with a header that says what is in it.
#![allow(unsafe_code)]

use core::mem::{offset_of, size_of};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;

use super::layout::{Layout, SETTINGS, WORDS, fnv};
use crate::error::{Error, Kind};
use crate::primitive::{self, Birth, Stamp};
use crate::shared::plain;
use crate::sys::map::{self, Mapping};

/// The first bytes of every region, read by a person: "killprf" and a zero.
const MAGIC: u64 = u64::from_ne_bytes(*b"killprf\0");

/// Raised whenever the meaning of any shared byte changes.
const VERSION: u32 = 3;

/// Where the body starts: behind the header, on a cache line of its own.
const BODY: usize = 256;

crate::plain! {
    /// Written once, before anybody else can see the region.
    struct Header {
        magic: u64,
        version: u32,
        birth: u32,
        /// Of the whole region in bytes.
        size: u64,
        /// What the body is: a number for all of its `words`, which may be cut off.
        layout: u64,
        /// The creator's namespaces, as `primitive::namespace` has them.
        namespace: u64,
        /// The creator's stamp.
        creator: u64,
        settings: [u64; SETTINGS],
        words: [u8; WORDS],
    }
}

const _: () = assert!(size_of::<Header>() <= BODY && offset_of!(Header, magic) == 0);

/// A mapping with a checked header; the body is whatever its users agree on.
#[derive(Debug)]
pub(crate) struct Region {
    mapping: Mapping,
    settings: [u64; SETTINGS],
}

/// What a file says of itself. Its bytes are an allegation.
#[derive(Clone, Debug)]
pub(crate) struct Glance {
    pub(crate) words: String,
    pub(crate) creator: Option<Stamp>,
}

impl Region {
    /// A new region with `len` bytes of zeroes for a body that `layout` names.
    pub(crate) fn create(name: &str, layout: &Layout, len: usize) -> Result<Region, Error> {
        let size = Region::size(len)?;
        Region::fill(map::sealed_memfd(name, size)?, layout, len)
    }

    /// How long the file of a region is, for a body of `len` bytes.
    pub(crate) fn size(len: usize) -> Result<usize, Error> {
        len.checked_add(BODY).ok_or(Error::new("region", Kind::Limit))
    }

    /// Makes a file of [`size`](Region::size) zero bytes, which nobody else can see
    /// yet, a region.
    pub(crate) fn fill(fd: OwnedFd, layout: &Layout, len: usize) -> Result<Region, Error> {
        let size = Region::size(len)?;
        debug_assert_eq!(map::len(fd.as_fd()), Ok(size));
        let settings = layout.settings();
        let header = Header {
            size: size as u64,
            layout: fnv(layout.words().as_bytes()),
            settings,
            words: layout.short_words(),
            ..Header::of_this_process()?
        };
        let mapping = Mapping::new(fd, size)?;
        // SAFETY: the mapping is at least `BODY` bytes, page-aligned, and
        // nobody else can see it yet.
        unsafe { mapping.start().cast::<Header>().write(header) };
        Ok(Region { mapping, settings })
    }

    /// Maps a region that arrived as a file descriptor, after checking that it
    /// is one and that its body is what `layout` expects.
    pub(crate) fn open(fd: OwnedFd, layout: &Layout) -> Result<Region, Error> {
        // Unsealed, a peer could shrink it under us: every load a SIGBUS.
        if !map::is_length_sealed(fd.as_fd()) {
            return Err(Error::new("region", Kind::Corrupt));
        }
        Region::open_unsealed(fd, layout)
    }

    /// The same for a file that whoever owns it may make shorter or longer.
    pub(crate) fn open_unsealed(fd: OwnedFd, layout: &Layout) -> Result<Region, Error> {
        let size = map::len(fd.as_fd())?;
        let header = Header::read(fd.as_fd())?;
        let expected = Header::of_this_process()?;
        layout.differs("version", expected.version, header.version)?;
        if header.size != size as u64 {
            return Err(Error::new("region", Kind::Corrupt));
        }
        if header.namespace != expected.namespace {
            return Err(Error::new("region", Kind::ForeignNamespace));
        }
        layout.differs("kind of birth", expected.birth, header.birth)?;
        layout.is_met(header.layout, &header.words, &header.settings)?;
        Ok(Region { mapping: Mapping::new(fd, size)?, settings: header.settings })
    }

    /// Whether whoever gets its file may [`open`](Region::open) it.
    pub(crate) fn may_be_sent(&self) -> Result<(), Error> {
        match map::is_length_sealed(self.as_fd()) {
            true => Ok(()),
            // A file with a name cannot be sealed, since it is linked as it was made.
            false => Err(Error::new("a handle", Kind::HasName)),
        }
    }

    /// The first byte of the body, aligned to 128.
    pub(crate) fn body(&self) -> NonNull<u8> {
        // SAFETY: the mapping is longer than `BODY`: made so by `fill`, and by
        // `open_unsealed` found to be as long as a header that was read.
        let body = unsafe { self.mapping.start().add(BODY) };
        // SAFETY: an address inside a mapping is not null.
        unsafe { NonNull::new_unchecked(body) }
    }

    /// The length of the body in bytes.
    pub(crate) fn len(&self) -> usize {
        self.mapping.len() - BODY
    }

    /// The settings of its layout: as they were when this process opened it, whatever
    /// has become of them.
    pub(crate) fn settings(&self) -> &[u64; SETTINGS] {
        &self.settings
    }
}

/// What the file says that it is; `is_corrupt` where it is no region.
pub(crate) fn glance(fd: BorrowedFd<'_>) -> Result<Glance, Error> {
    let header = Header::read(fd)?;
    let words = super::layout::shown(&header.words);
    Ok(Glance { words, creator: Stamp::of(header.creator) })
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
    /// What this process would write, but for the size and the layout.
    fn of_this_process() -> Result<Header, Error> {
        let birth = match primitive::birth()? {
            Birth::Inode => 1,
            Birth::StartTime => 2,
        };
        // A process outside its family's namespace must not make one either.
        let creator = primitive::current()?.word();
        let namespace = primitive::namespace()?;
        Ok(Header {
            magic: MAGIC,
            version: VERSION,
            birth,
            size: 0,
            layout: 0,
            namespace,
            creator,
            settings: [0; SETTINGS],
            words: [0; WORDS],
        })
    }

    /// The header of a file that may be anything: copied out before it is looked at.
    fn read(fd: BorrowedFd<'_>) -> Result<Header, Error> {
        let mut bytes = [0; size_of::<Header>()];
        let header = match map::read_start(fd, &mut bytes)? {
            true => plain::from_bytes::<Header>(&bytes),
            false => None,
        };
        // Shorter than a body's beginning it would not even have room for the header.
        let is_region = |header: &Header| header.magic == MAGIC && header.size >= BODY as u64;
        header.filter(is_region).ok_or(Error::new("region", Kind::Corrupt))
    }
}
