//! How large a queue is, and what lies where in its memory.

use core::mem::size_of;

use super::builder::Builder;
use crate::error::{Error, Kind};
use crate::primitive::AtomicU64;
use crate::raw::queue::{Block, Cell, Control, MOST_ATTEMPTS, Order, Rank, Seat, Slot};
use crate::shared::layout::Layout;

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
    /// How often a message may be leased; zero where that is not limited.
    pub(super) attempts: usize,
}

/// What each of the numbers in a header is, in their order there.
const SETTINGS: [&str; 7] = [
    "capacity",
    "order",
    "bytes in a slot",
    "bytes of a message",
    "participants",
    "leases",
    "attempts",
];

/// What of a queue its opener expects; nothing, where it has not said.
pub(super) type Expected = [Option<usize>; SETTINGS.len()];

impl Geometry {
    /// The sizes that a queue's header alleges.
    pub(super) fn of(settings: &[u64]) -> Result<Geometry, Error> {
        let corrupt = Error::new("the sizes of a queue", Kind::Corrupt);
        let mut numbers = [0; SETTINGS.len()];
        for (number, setting) in numbers.iter_mut().zip(settings) {
            *number = usize::try_from(*setting).map_err(|_| corrupt.clone())?;
        }
        let [capacity, order, inline, largest, seats, cells, attempts] = numbers;
        let order = [Order::Arrival, Order::Latest, Order::Smallest].get(order).copied();
        let order = order.ok_or(corrupt.clone())?;
        let geometry = Geometry { order, capacity, inline, largest, seats, cells, attempts };
        geometry.check().map_err(|_| corrupt)?;
        Ok(geometry)
    }

    /// The numbers for a header.
    pub(super) fn expected(self) -> Expected {
        let Geometry { order, capacity, inline, largest, seats, cells, attempts } = self;
        [capacity, order as usize, inline, largest, seats, cells, attempts].map(Some)
    }

    /// Whether there can be such a queue.
    pub(super) fn check(self) -> Result<(), Error> {
        let most = match self.order {
            Order::Arrival => (Builder::MAX_CAPACITY, "a queue's capacity, 1 to 1048576"),
            _ => (Builder::MAX_RANKED_CAPACITY, "the capacity of a queue by rank, 1 to 4096"),
        };
        let settings = [
            (self.capacity, most.0, most.1),
            (self.seats, Builder::MAX_PARTICIPANTS, "a queue's participants, 1 to 1023"),
            (self.cells, Builder::MAX_CAPACITY, "a queue's leases, 1 to 1048576"),
        ];
        for (setting, most, what) in settings {
            if !(1..=most).contains(&setting) {
                return Err(Error::new(what, Kind::Limit));
            }
        }
        if self.attempts > MOST_ATTEMPTS as usize {
            return Err(Error::new("a queue's attempts, 1 to 1022", Kind::Limit));
        }
        // Nothing that is computed from these overflows then.
        if self.largest > u32::MAX as usize || self.inline > self.largest {
            return Err(Error::new("the size of a queue", Kind::Limit));
        }
        Ok(())
    }
}

/// What a queue of messages `of` some type is, for its header.
pub(super) fn layout(of: Layout, expected: &Expected) -> Layout {
    let settings = expected.map(|number| number.map(|number| number as u64));
    let named: Vec<_> = SETTINGS.into_iter().zip(settings).collect();
    of.with_settings(&named)
}

/// Where the parts are: control, seats of both sides, block words, cells, ranks of slots
/// and cells, slots, blocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) blocks: usize,
    pub(super) slot_stride: usize,
    /// Where in a slot of several lines the word is that means nothing: stored to for
    /// the sake of its line.
    pub(super) spare_at: Option<usize>,
    pub(super) cell_stride: usize,
    pub(super) block_stride: usize,
    pub(super) seats_at: [usize; 2],
    pub(super) blocks_at: usize,
    pub(super) cells_at: usize,
    pub(super) ranks_at: usize,
    pub(super) slots_at: usize,
    pub(super) bytes_at: usize,
    /// Of all of them together.
    pub(super) len: usize,
}

/// Bytes of a cache line.
const LINE: usize = 64;

/// Slots smaller than a cache line share one, larger ones start on their own.
const fn stride(len: usize) -> usize {
    if len <= 32 { 32 } else { len.next_multiple_of(LINE) }
}

/// With a word on the last of several lines that nobody reads; see [`Plan::spare_at`].
const fn slot_stride(len: usize) -> usize {
    stride(if len <= LINE { len } else { len + size_of::<AtomicU64>() })
}

impl Plan {
    pub(super) fn of(geometry: Geometry) -> Result<Plan, Error> {
        geometry.check()?;
        let Geometry { order, capacity, inline, largest, seats, cells, .. } = geometry;
        let limit = || Error::new("the size of a queue", Kind::Limit);
        let slots = capacity.next_power_of_two();
        // Each message in the ring or on lease may fill one, and each sender
        // may be filling one.
        let blocks = if largest > inline { capacity + cells + seats } else { 0 };
        let slot_stride = slot_stride(size_of::<Slot>() + inline);
        let cell_stride = stride(size_of::<Cell>() + inline);
        let spare_at = (slot_stride > LINE).then(|| slot_stride - size_of::<AtomicU64>());
        let block_stride = largest.next_multiple_of(size_of::<AtomicU64>());
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
        let blocks_at = next(blocks, size_of::<Block>()).ok_or_else(limit)?;
        let cells_at = next(cells, cell_stride).ok_or_else(limit)?;
        let ranks = if order == Order::Arrival { 0 } else { slots + cells };
        let ranks_at = next(ranks, size_of::<Rank>()).ok_or_else(limit)?;
        let slots_at = next(slots, slot_stride).ok_or_else(limit)?;
        let bytes_at = next(blocks, block_stride).ok_or_else(limit)?;
        if end > isize::MAX as usize / 2 {
            return Err(limit());
        }
        Ok(Plan {
            blocks,
            slot_stride,
            spare_at,
            cell_stride,
            block_stride,
            seats_at,
            blocks_at,
            cells_at,
            ranks_at,
            slots_at,
            bytes_at,
            len: end,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    proptest! {
        /// Whatever a header says, it is refused or there is a plan for it, in which no
        /// part reaches into the next.
        #[test]
        fn any_numbers_are_refused_or_planned(
            numbers in proptest::array::uniform7(any::<u32>()),
            shifts in proptest::array::uniform7(0_u32..32),
        ) {
            let mut settings = [0; SETTINGS.len()];
            for (setting, (number, shift)) in settings.iter_mut().zip(numbers.iter().zip(shifts)) {
                *setting = u64::from(number >> shift);
            }
            let Ok(geometry) = Geometry::of(&settings) else { return Ok(()) };
            let again = geometry.expected().map(|number| number.unwrap() as u64);
            prop_assert_eq!(again, settings);
            let Ok(plan) = Plan::of(geometry) else { return Ok(()) };
            let slots = geometry.capacity.next_power_of_two();
            let used = size_of::<Slot>() + geometry.inline;
            prop_assert!(used <= plan.spare_at.unwrap_or(plan.slot_stride));
            prop_assert!(plan.spare_at.is_some() == (used > LINE));
            let is_ranked = geometry.order != Order::Arrival;
            let ranks = if is_ranked { slots + geometry.cells } else { 0 };
            let ends = [
                (plan.seats_at[0], geometry.seats * size_of::<Seat>(), plan.seats_at[1]),
                (plan.seats_at[1], geometry.seats * size_of::<Seat>(), plan.blocks_at),
                (plan.blocks_at, plan.blocks * size_of::<Block>(), plan.cells_at),
                (plan.cells_at, geometry.cells * plan.cell_stride, plan.ranks_at),
                (plan.ranks_at, ranks * size_of::<Rank>(), plan.slots_at),
                (plan.slots_at, slots * plan.slot_stride, plan.bytes_at),
                (plan.bytes_at, plan.blocks * plan.block_stride, plan.len),
            ];
            prop_assert!(plan.block_stride % 8 == 0 && plan.block_stride >= geometry.largest);
            for (start, len, next) in ends {
                prop_assert!(start % 128 == 0 && start + len <= next);
            }
        }
    }
}
