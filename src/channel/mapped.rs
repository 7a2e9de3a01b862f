//! Where a queue's words and bytes lie in its mapping.
#![allow(unsafe_code)]

use core::mem::size_of;
use std::sync::Arc;

use crate::error::{Error, Kind};
use crate::primitive::{AtomicU64, Bell, Ordering};
use crate::raw::Queue;
use crate::raw::queue::{Cell, Control, Memory, Meta, Order, Rank, Seat, Side, Slot};
use crate::shared::region::{Region, layout_of};
use crate::shared::trust::Trust;

/// The sizes that the layout follows from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    pub(super) order: Order,
    pub(super) capacity: usize,
    /// Bytes of a message inside a slot.
    pub(super) inline: usize,
    /// Bytes of a message at most.
    pub(super) largest: usize,
    pub(super) seats: usize,
    pub(super) cells: usize,
    /// How often a message may be leased, if that is limited.
    pub(super) attempts: Option<u32>,
    pub(super) trust: Trust,
}

/// A queue's words and bytes in a mapping:
/// control, seats of both sides, block words, cells, ranks, slots, blocks.
#[derive(Debug)]
pub(super) struct Mapped {
    region: Region,
    geometry: Geometry,
    blocks: usize,
    slot_stride: usize,
    cell_stride: usize,
    seats_at: [usize; 2],
    blocks_at: usize,
    cells_at: usize,
    ranks_at: usize,
    slots_at: usize,
    bytes_at: usize,
    /// Those of each side.
    bells: [Bell; 2],
}

/// Slots smaller than a cache line share one, larger ones start on their own.
const fn stride(words: usize, bytes: usize) -> usize {
    let len = words + bytes;
    if len <= 32 { 32 } else { len.next_multiple_of(64) }
}

impl Mapped {
    /// A new queue of messages of type `T`.
    pub(super) fn create<T>(geometry: Geometry) -> Result<Arc<Queue<Mapped>>, Error> {
        let Geometry { order, capacity, inline, largest, seats, cells, attempts, .. } = geometry;
        let limit = || Error::new("the size of a queue", Kind::Limit);
        // First: nothing that is computed from these overflows then.
        if largest > u32::MAX as usize || inline > largest {
            return Err(limit());
        }
        let slots = capacity.next_power_of_two();
        // Each message in the ring or on lease may fill one, and each sender
        // may be filling one.
        let blocks = if largest > inline { capacity + cells + seats } else { 0 };
        let slot_stride = stride(size_of::<Slot>(), inline);
        let cell_stride = stride(size_of::<Cell>(), inline);
        let mut end = size_of::<Control>();
        let mut next = |count: usize, each: usize| {
            let start = end.checked_next_multiple_of(128)?;
            end = start.checked_add(count.checked_mul(each)?)?;
            Some(start)
        };
        let seats_at = [
            next(seats, size_of::<Seat>()).ok_or_else(limit)?,
            next(seats, size_of::<Seat>()).ok_or_else(limit)?,
        ];
        let blocks_at = next(blocks, size_of::<AtomicU64>()).ok_or_else(limit)?;
        let cells_at = next(cells, cell_stride).ok_or_else(limit)?;
        let ranks = if order == Order::Arrival { 0 } else { slots };
        let ranks_at = next(ranks, size_of::<Rank>()).ok_or_else(limit)?;
        let slots_at = next(slots, slot_stride).ok_or_else(limit)?;
        let bytes_at = next(blocks, largest).ok_or_else(limit)?;
        if end > isize::MAX as usize / 2 {
            return Err(limit());
        }
        let limit = attempts.unwrap_or(0) as usize;
        let order_too = order as usize;
        let salt = [capacity, inline, largest, seats, cells, limit, order_too];
        let salt = salt.map(|size| size as u64);
        let region = Region::create("killproof-queue", layout_of::<T>(&salt), end)?;
        let mapped = Mapped {
            region,
            geometry,
            blocks,
            slot_stride,
            cell_stride,
            seats_at,
            blocks_at,
            cells_at,
            ranks_at,
            slots_at,
            bytes_at,
            bells: [Bell::new()?, Bell::new()?],
        };
        let queue = Queue::new(mapped, capacity, cells).with_order(order);
        Ok(Arc::new(match attempts {
            Some(most) => queue.with_attempts(most),
            None => queue,
        }))
    }

    /// The address `offset` bytes into the body.
    #[inline]
    fn at(&self, offset: usize) -> *mut u8 {
        debug_assert!(offset <= self.region.len());
        // SAFETY: every offset is below the length that `create` computed and
        // mapped.
        unsafe { self.region.body().as_ptr().add(offset) }
    }

    /// The `index`-th of the values that start at `start`, `stride` apart.
    #[inline]
    fn get<T>(&self, start: usize, stride: usize, index: usize) -> &T {
        let value = self.at(start + index * stride).cast::<T>();
        // SAFETY: 1. Inside the mapping and aligned to at least 8: the starts
        //    are multiples of 128 behind a body aligned to 128, the strides of
        //    8. 2. `T` is made of atomics, for which any bytes are valid. 3. The
        //    mapping lives as long as `self`.
        unsafe { &*value }
    }

    #[inline]
    pub(super) fn slot_bytes(&self, index: usize) -> *mut u8 {
        self.at(self.slots_at + index * self.slot_stride + size_of::<Slot>())
    }

    #[inline]
    pub(super) fn cell_bytes(&self, index: usize) -> *mut u8 {
        self.at(self.cells_at + index * self.cell_stride + size_of::<Cell>())
    }

    pub(super) fn block_bytes(&self, index: usize) -> *mut u8 {
        self.at(self.bytes_at + index * self.geometry.largest)
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
        self.geometry.trust
    }

    /// What a slot or cell says of its message, held to what can be.
    pub(super) fn checked(&self, meta: &AtomicU64) -> Meta {
        let meta = Meta::of(meta.load(Ordering::Relaxed));
        match meta.block {
            Some(block) if block < self.blocks => {
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
        self.get(self.slots_at, self.slot_stride, index)
    }

    fn cell(&self, index: usize) -> &Cell {
        assert!(index < self.geometry.cells);
        self.get(self.cells_at, self.cell_stride, index)
    }

    fn seats(&self, side: Side) -> &[Seat] {
        let start: *const Seat = self.get(self.seats_at[side as usize], 0, 0);
        // SAFETY: `create` made room for as many seats in a row; they are
        // atomics, valid whatever their bytes, and live as long as `self`.
        unsafe { core::slice::from_raw_parts(start, self.geometry.seats) }
    }

    fn rank(&self, index: usize) -> &Rank {
        assert!(self.geometry.order != Order::Arrival);
        assert!(index < self.geometry.capacity.next_power_of_two());
        self.get(self.ranks_at, size_of::<Rank>(), index)
    }

    fn blocks(&self) -> &[AtomicU64] {
        let start: *const AtomicU64 = self.get(self.blocks_at, 0, 0);
        // SAFETY: as for the seats.
        unsafe { core::slice::from_raw_parts(start, self.blocks) }
    }

    #[inline]
    fn bell(&self, side: Side) -> &Bell {
        &self.bells[side as usize]
    }
}
