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
use crate::shared::place::{Place, View};
use crate::shared::region::Region;
use crate::shared::trust::Trust;
use crate::shared::words::Span;

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
    /// reads or writes the bytes that it goes to who keeps to the rules.
    #[inline]
    pub(super) unsafe fn write(&self, position: u64, bytes: &[u8]) {
        let (offset, len) = self.piece(position, bytes.len());
        let (first, rest) = bytes.split_at(len);
        // SAFETY: nobody else uses them, says the caller.
        unsafe { self.place_at(offset, len) }.write(first);
        if !rest.is_empty() {
            // SAFETY: as above.
            unsafe { self.place_at(0, rest.len()) }.write(rest);
        }
    }

    /// Copies `len` bytes out of the ring, from `position` on, to the end of `into`.
    ///
    /// # Safety
    ///
    /// `len` is no more than the ring's length, and until the copy is made nobody
    /// else writes the bytes that it comes from who keeps to the rules.
    #[inline]
    pub(super) unsafe fn read(&self, position: u64, len: usize, into: &mut Vec<u8>) {
        into.reserve(len);
        let (offset, first) = self.piece(position, len);
        // SAFETY: nobody writes them, says the caller.
        unsafe { self.view_at(offset, first) }.append_to(into);
        if first < len {
            // SAFETY: as above.
            unsafe { self.view_at(0, len - first) }.append_to(into);
        }
    }

    /// The `len` bytes from `position` on, to be written, if they lie in one piece.
    ///
    /// # Safety
    ///
    /// As long as the place lives, nobody else touches them who keeps to the rules.
    #[inline]
    pub(super) unsafe fn place(&self, position: u64, len: usize) -> Option<Place<'_>> {
        let (offset, first) = self.piece(position, len);
        // SAFETY: as the caller says.
        (first == len).then(|| unsafe { self.place_at(offset, len) })
    }

    /// The `len` bytes from `position` on, if they lie in one piece.
    ///
    /// # Safety
    ///
    /// As long as the view lives, nobody else writes them who keeps to the rules.
    #[inline]
    pub(super) unsafe fn view(&self, position: u64, len: usize) -> Option<View<'_>> {
        let (offset, first) = self.piece(position, len);
        // SAFETY: as the caller says.
        (first == len).then(|| unsafe { self.view_at(offset, len) })
    }

    /// # Safety
    ///
    /// As [`place`](Ring::place).
    #[inline]
    unsafe fn place_at(&self, offset: usize, len: usize) -> Place<'_> {
        // SAFETY: as the caller says; they were zeroed or written before.
        unsafe { Place::of(Span::new(self.words(), offset, len), self.trust) }
    }

    /// # Safety
    ///
    /// As [`view`](Ring::view).
    #[inline]
    unsafe fn view_at(&self, offset: usize, len: usize) -> View<'_> {
        // SAFETY: as the caller says.
        unsafe { View::of(Span::new(self.words(), offset, len), self.trust) }
    }

    /// The eight bytes at `position`, a multiple of eight, by one load: whoever else
    /// writes there, what is checked is what is used.
    #[inline]
    pub(super) fn word(&self, position: u64) -> u64 {
        self.word_at(position).load(Ordering::Relaxed)
    }

    /// Writes them by one store.
    #[inline]
    pub(super) fn set_word(&self, position: u64, word: u64) {
        self.word_at(position).store(word, Ordering::Relaxed);
    }

    #[inline]
    fn word_at(&self, position: u64) -> &AtomicU64 {
        let (offset, _) = self.piece(position, 0);
        &self.words()[offset / size_of::<AtomicU64>()]
    }

    /// Where `position` is, and how many of the `len` bytes from there on lie before
    /// the end of the ring.
    #[inline]
    fn piece(&self, position: u64, len: usize) -> (usize, usize) {
        assert!(len <= self.capacity);
        let offset = position as usize & (self.capacity - 1);
        (offset, len.min(self.capacity - offset))
    }

    /// The ring.
    #[inline]
    fn words(&self) -> &[AtomicU64] {
        let len = self.capacity / size_of::<AtomicU64>();
        // SAFETY: more than `Control` is mapped: `create` made it so, `named` found it so.
        let start = unsafe { self.region.body().add(size_of::<Control>()) };
        // SAFETY: 1. Behind it, the capacity is mapped, a multiple of eight, from a
        //    multiple of 128 bytes on. 2. Any bytes are valid atomics. 3. The mapping
        //    lives as long as `self`.
        unsafe { NonNull::slice_from_raw_parts(start.cast(), len).as_ref() }
    }
}

impl Memory for Ring {
    #[inline]
    fn control(&self) -> &Control {
        // SAFETY: 1. The body begins with the words: there is room for them, as in `words`,
        //    and it is aligned to 128, as they are. 2. They are atomics, for which any
        //    bytes are valid. 3. The mapping lives as long as `self`.
        unsafe { self.region.body().cast::<Control>().as_ref() }
    }

    #[inline]
    fn bell(&self, side: Side) -> &Bell {
        &self.bells[side as usize]
    }
}
