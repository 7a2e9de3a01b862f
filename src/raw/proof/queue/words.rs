//! The memory of a queue in vectors, with a message of one number.

use crate::primitive::{AtomicU64, Bell, Ordering::Relaxed};
use crate::raw::queue::{Block, Cell, Control, Memory, Rank, Seat, Side, Slot};

/// How large a queue is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) capacity: usize,
    pub(super) cells: usize,
    pub(super) blocks: usize,
    pub(super) seats: usize,
}

/// A ring alone; one seat on each side.
pub(super) fn ring_of(capacity: usize) -> Size {
    Size { capacity, cells: 0, blocks: 0, seats: 1 }
}

/// The bytes of one message: two halves that are equal when it is whole.
///
/// Relaxed, so that a missing acquire or release shows as an old half.
#[derive(Debug)]
pub(super) struct Bytes([AtomicU64; 2]);

impl Bytes {
    fn new() -> Bytes {
        Bytes([AtomicU64::new(0), AtomicU64::new(0)])
    }

    pub(super) fn write(&self, value: u64) {
        self.0.iter().for_each(|half| half.store(value, Relaxed));
    }

    pub(super) fn read(&self) -> u64 {
        let [first, second] = self.0.each_ref().map(|half| half.load(Relaxed));
        assert_eq!(first, second, "half a message shows");
        first
    }
}

#[derive(Debug)]
pub(super) struct Words {
    control: Control,
    slots: Vec<Slot>,
    cells: Vec<Cell>,
    seats: [Vec<Seat>; 2],
    blocks: Vec<Block>,
    ranks: Vec<Rank>,
    bells: [Bell; 2],
    pub(super) slot_bytes: Vec<Bytes>,
    pub(super) cell_bytes: Vec<Bytes>,
    pub(super) block_bytes: Vec<Bytes>,
}

fn some<T>(count: usize, new: impl Fn() -> T) -> Vec<T> {
    (0..count).map(|_| new()).collect()
}

impl Words {
    pub(super) fn new(size: Size) -> Words {
        let slots = size.capacity.next_power_of_two();
        Words {
            control: Control::new(),
            slots: some(slots, Slot::new),
            cells: some(size.cells, Cell::new),
            seats: [some(size.seats, Seat::new), some(size.seats, Seat::new)],
            blocks: some(size.blocks, Block::new),
            ranks: some(slots + size.cells, Rank::new),
            bells: [Bell::new().unwrap(), Bell::new().unwrap()],
            slot_bytes: some(slots, Bytes::new),
            cell_bytes: some(size.cells, Bytes::new),
            block_bytes: some(size.blocks, Bytes::new),
        }
    }
}

impl Words {
    pub(super) fn cells(&self) -> usize {
        self.cells.len()
    }
}

impl Memory for Words {
    fn control(&self) -> &Control {
        &self.control
    }

    fn slot(&self, index: usize) -> &Slot {
        &self.slots[index]
    }

    fn cell(&self, index: usize) -> &Cell {
        &self.cells[index]
    }

    fn seats(&self, side: Side) -> &[Seat] {
        &self.seats[side as usize]
    }

    fn rank(&self, index: usize) -> &Rank {
        &self.ranks[index]
    }

    fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    fn bell(&self, side: Side) -> &Bell {
        &self.bells[side as usize]
    }
}
