//! Where a queue's words and bytes lie in its mapping.
#![allow(unsafe_code)]

use core::mem::size_of;
use std::os::fd::{AsFd, BorrowedFd};

use super::plan::{self, Geometry, Plan};
use crate::error::{Error, Kind};
use crate::primitive::{AtomicU64, Bell, Ordering};
use crate::raw::Queue;
use crate::raw::queue::{Block, Cell, Control, Memory, Meta, Order, Rank, Seat, Side, Slot};
use crate::shared::layout::Layout;
use crate::shared::region::Region;
use crate::shared::trust::Trust;

/// A queue's words and bytes in a mapping.
#[derive(Debug)]
pub(super) struct Mapped {
    region: Region,
    geometry: Geometry,
    plan: Plan,
    /// Those of each side.
    bells: [Bell; 2],
    trust: Trust,
}

impl Mapped {
    /// A new queue of messages of type `T`.
    pub(super) fn create<T>(geometry: Geometry, trust: Trust) -> Result<Queue<Mapped>, Error> {
        let layout = plan::layout(Layout::of::<T>(), &geometry.expected());
        let region = Region::create("killproof-queue", &layout, Plan::of(geometry)?.len)?;
        Mapped::over(region, [Bell::new()?, Bell::new()?], trust)
    }

    /// The queue in a region, which is as large as its header says.
    pub(super) fn over(
        region: Region,
        bells: [Bell; 2],
        trust: Trust,
    ) -> Result<Queue<Mapped>, Error> {
        let geometry = Geometry::of(region.settings())?;
        let plan = Plan::of(geometry)?;
        if region.len() < plan.len {
            return Err(Error::new("the size of a queue", Kind::Corrupt));
        }
        let Geometry { order, capacity, cells, attempts, .. } = geometry;
        let mapped = Mapped { region, geometry, plan, bells, trust };
        let mut queue = Queue::new(mapped, capacity, cells).with_order(order);
        if attempts > 0 {
            queue = queue.with_attempts(attempts as u32);
        }
        Ok(queue)
    }

    pub(super) fn order(&self) -> Order {
        self.geometry.order
    }

    /// Whether the descriptors are all that another process needs.
    pub(super) fn may_be_sent(&self) -> Result<(), Error> {
        self.region.may_be_sent()
    }

    /// The memory file, and the bells', to be sent to another process. Where there are
    /// none, as many that are none.
    pub(super) fn descriptors(&self) -> [BorrowedFd<'_>; 3] {
        let region = self.region.as_fd();
        let [one, other] = self.bells.each_ref().map(|bell| bell.fd().unwrap_or(region));
        [region, one, other]
    }

    /// The address `offset` bytes into the body.
    #[inline]
    fn at(&self, offset: usize) -> *mut u8 {
        debug_assert!(offset <= self.region.len());
        // SAFETY: every offset is below the length of the plan, and `over` has found the
        // region to be so long.
        unsafe { self.region.body().as_ptr().add(offset) }
    }

    /// The `index`-th of the values that start at `start`, `stride` apart.
    #[inline]
    fn get<T>(&self, start: usize, stride: usize, index: usize) -> &T {
        let value = self.at(start + index * stride).cast::<T>();
        // SAFETY: 1. Inside the mapping and aligned to at least 8: the starts
        //    are multiples of 8 behind a body aligned to 128, those of what is
        //    aligned to more multiples of 128, and the strides of 8. 2. `T` is
        //    made of atomics, for which any bytes are valid. 3. The mapping lives
        //    as long as `self`.
        unsafe { &*value }
    }

    /// Room for a message in the slot of this number, in whole words.
    #[inline]
    pub(super) fn slot_words(&self, index: usize) -> &[AtomicU64] {
        debug_assert!(index < self.geometry.capacity.next_power_of_two());
        let start = self.plan.slots_at + index * self.plan.slot_stride + size_of::<Slot>();
        self.words(start, self.geometry.inline)
    }

    /// The same of a cell.
    #[inline]
    pub(super) fn cell_words(&self, index: usize) -> &[AtomicU64] {
        assert!(index < self.geometry.cells);
        let start = self.plan.cells_at + index * self.plan.cell_stride + size_of::<Cell>();
        self.words(start, self.geometry.inline)
    }

    /// The same of a block.
    pub(super) fn block_words(&self, index: usize) -> &[AtomicU64] {
        assert!(index < self.plan.blocks);
        let start = self.plan.bytes_at + index * self.plan.block_stride;
        self.words(start, self.geometry.largest)
    }

    /// Where the `bytes` from `start` on lie, in whole words.
    #[inline]
    fn words(&self, start: usize, bytes: usize) -> &[AtomicU64] {
        let words = self.at(start).cast::<AtomicU64>();
        // SAFETY: 1. Inside the mapping: what stands at `start` has a stride of whole
        //    words, in which there is room for so many bytes. 2. Atomics, valid whatever
        //    their bytes, which live as long as `self`.
        unsafe { core::slice::from_raw_parts(words, bytes.div_ceil(size_of::<AtomicU64>())) }
    }

    /// The most bytes of a message.
    pub(super) fn largest(&self) -> usize {
        self.geometry.largest
    }

    /// The most bytes of a message that needs no block.
    pub(super) fn inline(&self) -> usize {
        self.geometry.inline
    }

    pub(super) fn trust(&self) -> Trust {
        self.trust
    }

    /// What a slot or cell says of its message, held to what can be.
    pub(super) fn checked(&self, meta: &AtomicU64) -> Meta {
        let meta = Meta::of(meta.load(Ordering::Relaxed));
        match meta.block {
            Some(block) if block < self.plan.blocks => {
                Meta { len: meta.len.min(self.geometry.largest), ..meta }
            }
            _ => Meta { len: meta.len.min(self.geometry.inline), block: None },
        }
    }
}

impl Memory for Mapped {
    #[inline]
    fn control(&self) -> &Control {
        self.get(0, 0, 0)
    }

    #[inline]
    fn slot(&self, index: usize) -> &Slot {
        debug_assert!(index < self.geometry.capacity.next_power_of_two());
        self.get(self.plan.slots_at, self.plan.slot_stride, index)
    }

    /// By a store to a word that means nothing: unlike a prefetch, it is done.
    #[inline]
    fn touch(&self, index: usize) {
        if let Some(spare_at) = self.plan.spare_at {
            let spare: &AtomicU64 =
                self.get(self.plan.slots_at + spare_at, self.plan.slot_stride, index);
            spare.store(0, Ordering::Relaxed);
        }
    }

    fn cell(&self, index: usize) -> &Cell {
        assert!(index < self.geometry.cells);
        self.get(self.plan.cells_at, self.plan.cell_stride, index)
    }

    fn seats(&self, side: Side) -> &[Seat] {
        let start = self.at(self.plan.seats_at[side as usize]).cast::<Seat>();
        // SAFETY: the plan has room for as many seats in a row; they are
        // atomics, valid whatever their bytes, and live as long as `self`.
        unsafe { core::slice::from_raw_parts(start, self.geometry.seats) }
    }

    fn rank(&self, index: usize) -> &Rank {
        assert!(self.geometry.order != Order::Arrival);
        assert!(index < self.geometry.capacity.next_power_of_two() + self.geometry.cells);
        self.get(self.plan.ranks_at, size_of::<Rank>(), index)
    }

    fn blocks(&self) -> &[Block] {
        let start = self.at(self.plan.blocks_at).cast::<Block>();
        // SAFETY: as for the seats.
        unsafe { core::slice::from_raw_parts(start, self.plan.blocks) }
    }

    #[inline]
    fn bell(&self, side: Side) -> &Bell {
        &self.bells[side as usize]
    }
}
