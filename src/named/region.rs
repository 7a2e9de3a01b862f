//! Memory with a name, and nothing more.
#![allow(unsafe_code)]

use core::fmt;
use std::sync::Arc;

use super::builder::sealed::Sealed;
use super::builder::{Nameable, Named};
use crate::error::{Error, Kind};
use crate::primitive::AtomicU64;
use crate::shared::layout::Layout;
use crate::shared::region;
use crate::shared::words;

/// Memory that unrelated processes have in common by a name: what Python's
/// `multiprocessing.shared_memory.SharedMemory` is.
///
/// Bytes, zero at first, that anybody may read and write at any time: they are copied in
/// and out, and a copy that is made while others write may have some of the bytes from
/// before and some from after. Eight bytes at a multiple of eight are always all from one
/// moment, and whoever has read the last of what another has written also reads all that
/// it has written before. For more than that, there are
/// [`Value`](crate::sync::Value) and the like.
///
/// A handle: clone it, and let children inherit it.
///
/// # When a process dies
///
/// Killed in a [`write_at`](Region::write_at), it has written the first so many bytes. The
/// memory stays for as long as anybody has it, or it has a name.
///
/// # Examples
///
/// See [`Named`].
#[doc(alias = "SharedMemory")]
#[derive(Clone)]
pub struct Region {
    region: Arc<region::Region>,
    name: String,
    len: usize,
}

impl Region {
    /// How many bytes there are.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::Named;
    /// use killproof::named::Region;
    ///
    /// let named = Named::new(format!("page-{}", std::process::id()));
    /// let _region: Region = named.clone().capacity(4096).create()?;
    /// let opened: Region = named.open()?;
    /// assert_eq!((opened.len(), opened.is_empty()), (4096, false));
    /// named.unlink()?;
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none, as never.
    ///
    /// # Examples
    ///
    /// See [`len`](Region::len).
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The name by which it was created or opened.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Copies the bytes from `offset` on into `bytes`.
    ///
    /// # Panics
    ///
    /// Where there are not so many, as with slices.
    pub fn read_at(&self, offset: usize, bytes: &mut [u8]) {
        self.check(offset, bytes.len());
        words::read(self.words(), offset, bytes);
    }

    /// Copies `bytes` to `offset` and on.
    ///
    /// # Panics
    ///
    /// As [`read_at`](Region::read_at).
    pub fn write_at(&self, offset: usize, bytes: &[u8]) {
        self.check(offset, bytes.len());
        words::write(self.words(), offset, bytes);
    }

    fn check(&self, offset: usize, count: usize) {
        let is_inside = offset.checked_add(count).is_some_and(|end| end <= self.len);
        assert!(is_inside, "{count} bytes at {offset} of a region of {}", self.len);
    }

    fn words(&self) -> &[AtomicU64] {
        let start = self.region.body().cast::<AtomicU64>();
        // SAFETY: 1. `over` has found that the body is so long, rounded up, and it is
        //    aligned to 128. 2. Any bytes are atomics. 3. It stays mapped for as long as
        //    `self.region` lives.
        unsafe { core::slice::from_raw_parts(start.as_ptr(), words_in(self.len)) }
    }

    fn over(region: region::Region, named: &Named) -> Result<Region, Error> {
        let corrupt = || Error::new("region", Kind::Corrupt);
        let [len, ..] = *region.settings();
        let len = usize::try_from(len).map_err(|_| corrupt())?;
        if !(1..=LARGEST).contains(&len) || words_in(len) * size_of::<AtomicU64>() > region.len() {
            return Err(corrupt());
        }
        Ok(Region { region: Arc::new(region), name: named.name().into(), len })
    }
}

/// Beyond any memory, and far from where sums of such numbers overflow.
const LARGEST: usize = isize::MAX as usize / 2;

fn words_in(len: usize) -> usize {
    len.div_ceil(size_of::<AtomicU64>())
}

fn layout(len: Option<usize>) -> Layout {
    Layout::new("region of bytes".into(), &[("capacity", len.map(|len| len as u64))])
}

impl Sealed for Region {}

impl Nameable for Region {
    fn create(named: &Named) -> Result<Region, Error> {
        let len = named.said_capacity().filter(|len| (1..=LARGEST).contains(len));
        let len = len.ok_or(Error::new("a region's capacity", Kind::Limit))?;
        let body = words_in(len) * size_of::<AtomicU64>();
        Region::over(named.create_region(&layout(Some(len)), body, |_| ())?, named)
    }

    fn open(named: &Named) -> Result<Region, Error> {
        Region::over(named.open_region(&layout(named.said_capacity()))?, named)
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Region")
            .field("name", &self.name)
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}
