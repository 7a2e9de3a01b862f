//! Where a pipe's words and bytes lie in its mapping.
#![allow(unsafe_code)]

use core::mem::size_of;
use core::ptr::NonNull;
use std::sync::Arc;

use super::builder::PipeBuilder;
use crate::error::{Error, Kind};
use crate::primitive::{self, AtomicU64, Bell, Ordering};
use crate::raw::Pipe;
use crate::raw::pipe::{Control, Memory};
use crate::raw::queue::Side;
use crate::shared::layout::Layout;
use crate::shared::region::Region;
use crate::shared::trust::Trust;

/// A pipe's words in a mapping, and the ring behind them.
#[derive(Debug)]
pub(super) struct Ring {
    region: Region,
    /// A power of two.
    capacity: usize,
    /// Those of each side.
    bells: [Bell; 2],
    trust: Trust,
}

impl Ring {
    /// A new pipe of messages of type `T`, with both ends this process's.
    pub(super) fn create<T>(capacity: usize) -> Result<Arc<Pipe<Ring>>, Error> {
        debug_assert!(capacity.is_power_of_two());
        let layout = Ring::layout(Layout::of::<T>(), Some(capacity));
        let region = Region::create("killproof-pipe", &layout, Ring::len(capacity))?;
        let bells = [Bell::new()?, Bell::new()?];
        let ring = Ring { region, capacity, bells, trust: Trust::Family };
        let pipe = Pipe::new(ring, capacity as u64);
        pipe.place(primitive::current()?);
        Ok(Arc::new(pipe))
    }

    /// The pipe in a region that has a name, which is as large as its header says.
    pub(super) fn named(region: Region) -> Result<Arc<Pipe<Ring>>, Error> {
        let corrupt = Error::new("the size of a pipe", Kind::Corrupt);
        let [capacity, ..] = *region.settings();
        let can_be = |capacity: &usize| {
            let sizes = PipeBuilder::LEAST..=PipeBuilder::MAX_CAPACITY;
            sizes.contains(capacity) && capacity.is_power_of_two()
        };
        let capacity = usize::try_from(capacity).ok().filter(can_be);
        let Some(capacity) = capacity.filter(|capacity| Ring::len(*capacity) <= region.len())
        else {
            return Err(corrupt);
        };
        let bells = [Bell::dumb(), Bell::dumb()];
        let ring = Ring { region, capacity, bells, trust: Trust::Strangers };
        Ok(Arc::new(Pipe::new(ring, capacity as u64)))
    }

    /// How long the words and the ring are together.
    pub(super) fn len(capacity: usize) -> usize {
        size_of::<Control>() + capacity
    }

    /// What a pipe of messages `of` some type is, for its header.
    pub(super) fn layout(of: Layout, capacity: Option<usize>) -> Layout {
        of.with_settings(&[("capacity", capacity.map(|bytes| bytes as u64))])
    }

    /// Copies `bytes` into the ring, from `position` on.
    ///
    /// # Safety
    ///
    /// `bytes` is no longer than the ring, and until the copy is made nobody else
    /// reads or writes the bytes that it goes to.
    #[inline]
    pub(super) unsafe fn write(&self, position: u64, bytes: &[u8]) {
        let (start, len) = self.piece(position, bytes.len());
        // SAFETY: 1. `len` bytes from `start` on are inside the ring, see `piece`,
        //    and of `bytes` it is at most all. 2. Nobody else uses them, says the
        //    caller. 3. `bytes` is a reference, and so none of them.
        unsafe { start.copy_from_nonoverlapping(NonNull::from(bytes).cast(), len) };
        if len < bytes.len() {
            let rest = NonNull::from(&bytes[len..]);
            // SAFETY: as above; the rest is shorter than the ring.
            unsafe { self.start().copy_from_nonoverlapping(rest.cast(), rest.len()) };
        }
    }

    /// Copies `len` bytes out of the ring, from `position` on, to the end of `into`.
    ///
    /// # Safety
    ///
    /// `len` is no more than the ring's length, and until the copy is made nobody
    /// else writes the bytes that it comes from.
    #[inline]
    pub(super) unsafe fn read(&self, position: u64, len: usize, into: &mut Vec<u8>) {
        into.reserve(len);
        let (start, first) = self.piece(position, len);
        let filled = into.len();
        let to = NonNull::from(&mut into.spare_capacity_mut()[..len]).cast::<u8>();
        // SAFETY: 1. `first` bytes from `start` on are inside the ring, see `piece`,
        //    and of the room just reserved it is at most all. 2. Nobody writes them,
        //    says the caller. 3. The vector's room is none of them.
        unsafe { to.copy_from_nonoverlapping(start, first) };
        // SAFETY: `first` is at most `len`, for which there is room.
        let rest = unsafe { to.add(first) };
        // SAFETY: as above; the rest is shorter than the ring.
        unsafe { rest.copy_from_nonoverlapping(self.start(), len - first) };
        // SAFETY: room for them was reserved, and they were written just now.
        unsafe { into.set_len(filled + len) };
    }

    /// The `len` bytes from `position` on, if they lie in one piece and may be lent.
    ///
    /// # Safety
    ///
    /// Nobody else reads or writes them as long as the reference lives.
    #[inline]
    #[allow(clippy::mut_from_ref)]
    pub(super) unsafe fn slice_mut(&self, position: u64, len: usize) -> Option<&mut [u8]> {
        let (start, first) = self.piece(position, len);
        if first < len || self.trust == Trust::Strangers {
            return None;
        }
        // SAFETY: 1. All `len` bytes are inside the ring, see `piece`, and were
        //    zeroed or written before. 2. Nobody else uses them, says the caller.
        Some(unsafe { NonNull::slice_from_raw_parts(start, len).as_mut() })
    }

    /// The `len` bytes from `position` on, if they lie in one piece and may be lent.
    ///
    /// # Safety
    ///
    /// Nobody else writes them as long as the reference lives.
    #[inline]
    pub(super) unsafe fn slice(&self, position: u64, len: usize) -> Option<&[u8]> {
        let (start, first) = self.piece(position, len);
        if first < len || self.trust == Trust::Strangers {
            return None;
        }
        // SAFETY: as in `slice_mut`, for reading.
        Some(unsafe { NonNull::slice_from_raw_parts(start, len).as_ref() })
    }

    /// The eight bytes at `position`, a multiple of eight, by one load: whoever else
    /// writes there, what is checked is what is used.
    #[inline]
    pub(super) fn word(&self, position: u64) -> u64 {
        // A multiple of eight, below the capacity by eight at least.
        let offset = position as usize & (self.capacity - size_of::<u64>());
        // SAFETY: below the capacity, which is mapped behind the words, as in `piece`.
        let word = unsafe { self.start().add(offset) };
        // SAFETY: 1. All eight are inside the ring, which begins at a multiple of 128
        //    bytes. 2. Any bytes are a valid atomic. 3. The mapping lives as long as
        //    `self`.
        unsafe { word.cast::<AtomicU64>().as_ref() }.load(Ordering::Relaxed)
    }

    /// Where `position` is, and how many of the `len` bytes from there on lie before
    /// the end of the ring.
    #[inline]
    fn piece(&self, position: u64, len: usize) -> (NonNull<u8>, usize) {
        assert!(len <= self.capacity);
        let offset = position as usize & (self.capacity - 1);
        // SAFETY: below the capacity, which is mapped behind the words: `create` made it
        // so, `named` found it so.
        let start = unsafe { self.start().add(offset) };
        (start, len.min(self.capacity - offset))
    }

    /// The first byte of the ring.
    #[inline]
    fn start(&self) -> NonNull<u8> {
        // SAFETY: more than the words is mapped, as in `piece`.
        unsafe { self.region.body().add(size_of::<Control>()) }
    }
}

impl Memory for Ring {
    #[inline]
    fn control(&self) -> &Control {
        // SAFETY: 1. The body begins with the words: there is room for them, as in `piece`,
        //    and it is aligned to 128, as they are. 2. They are atomics, for which any
        //    bytes are valid. 3. The mapping lives as long as `self`.
        unsafe { self.region.body().cast::<Control>().as_ref() }
    }

    #[inline]
    fn bell(&self, side: Side) -> &Bell {
        &self.bells[side as usize]
    }
}
