//! A bounded queue of many senders and many receivers, in order: that of arrival,
//! or another.
//!
//! The machine is told in parts:
//!
//! - `ring`: the slots, and how a message gets in and out of one;
//! - `rank`: the same slots in another order;
//! - `rescue`: a slot whose owner is dead;
//! - `lease`: messages handed out but not finished;
//! - `recall`: what came back of those, in another order than that of arrival;
//! - `block`: room for what does not fit into a slot;
//! - `peers`: who is at each side, for "nobody is left";
//! - `wait`: the one waiting loop of each side; `pace`, how long it looks, and `watch`,
//!   at what;
//! - `poll`: how a descriptor comes to tell what a wait would find;
//! - `over`: when there is nothing left to wait for;
//! - `letter`: messages that were tried too often;
//! - `join`: when everything that was sent is finished.
//!
//! Between a claim and its commit the bytes of a message are copied by the
//! floor above; this one only says whose they are.

mod block;
mod join;
mod lease;
mod letter;
mod over;
mod pace;
mod peers;
mod poll;
mod rank;
mod recall;
mod rescue;
mod ring;
mod wait;
mod watch;

pub(crate) use block::{Block, Meta};
use lease::For;
pub(crate) use lease::{Cell, Claimed};
pub(in crate::raw) use pace::Pace;
pub(crate) use peers::{Seat, Side};
pub(crate) use rank::{Order, Rank};
pub(crate) use ring::{Position, Slot};
pub(crate) use wait::{Source, Stop};

use super::{EventCount, Polled};
use crate::primitive::{AtomicU64, Bell, FLAGS, Ordering, Patience};

/// The most attempts that a limit may name: one more is counted, for a dead letter
/// in somebody's hands.
pub(crate) const MOST_ATTEMPTS: u32 = FLAGS as u32 - 1;

/// Where the words of a queue lie.
///
/// Implemented by the shared mapping, and by plain vectors under the model.
pub(crate) trait Memory {
    fn control(&self) -> &Control;
    /// `index` is below the number of slots.
    fn slot(&self, index: usize) -> &Slot;
    /// Has the CPU begin to fetch the last line of a slot of several, to write there. No
    /// word that means anything is touched.
    fn touch(&self, _index: usize) {}
    /// `index` is below the number of cells.
    fn cell(&self, index: usize) -> &Cell;
    fn seats(&self, side: Side) -> &[Seat];
    fn blocks(&self) -> &[Block];
    /// `index` is below the number of slots, or that and a cell's number; the order is
    /// another than that of arrival.
    fn rank(&self, index: usize) -> &Rank;
    /// Rung when something comes that `side` may wait for. Not shared memory: each
    /// process has its own descriptor of it.
    fn bell(&self, side: Side) -> &Bell;
}

/// The words that the whole queue has once. All zero at first.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Control {
    /// The position of the next message to be sent; a hint, see `ring`. Another
    /// thing in another order, and so is `head`; see `rank`.
    tail: Line<AtomicU64>,
    /// The position of the next message to be received; a hint.
    head: Line<AtomicU64>,
    /// Where to look for a free block, and for a free cell; hints.
    block_hint: Line<AtomicU64>,
    cell_hint: Line<AtomicU64>,
    /// Everything that is read often and written seldom shares a line.
    calm: Line<Calm>,
}

#[derive(Debug)]
#[repr(C)]
struct Calm {
    /// Receivers sleep here until a message may be there.
    ready: Polled,
    /// Senders sleep here until room may be there.
    room: Polled,
    /// Senders sleep here until a block may be free.
    spare: Polled,
    /// Who waits until all is done sleeps here, and who waits for dead letters.
    done: EventCount,
    /// Not zero: no more messages are taken.
    closed: AtomicU64,
    /// Not zero: some lease was given back, so the cells are worth a look. More than
    /// that in another order; see `recall`.
    returned: AtomicU64,
    /// How often a process came to each side, and left it for good.
    arrivals: [AtomicU64; 2],
    departures: [AtomicU64; 2],
}

/// A word on cache lines of its own; two, since neighbours are prefetched.
#[derive(Debug)]
#[repr(C, align(128))]
pub(in crate::raw) struct Line<T>(pub(in crate::raw) T);

impl Control {
    /// What zeroed memory is, for memory that is not zeroed.
    #[cfg(any(loom, test))]
    pub(crate) fn new() -> Control {
        let line = || Line(AtomicU64::new(0));
        Control {
            tail: line(),
            head: line(),
            block_hint: line(),
            cell_hint: line(),
            calm: Line(Calm {
                ready: Polled::new(),
                room: Polled::new(),
                spare: Polled::new(),
                done: EventCount::new(),
                closed: AtomicU64::new(0),
                returned: AtomicU64::new(0),
                arrivals: [AtomicU64::new(0), AtomicU64::new(0)],
                departures: [AtomicU64::new(0), AtomicU64::new(0)],
            }),
        }
    }
}

/// A queue in some memory. How large it is, this process knows for itself and
/// never reads from the memory.
#[derive(Debug)]
pub(crate) struct Queue<M> {
    pub(crate) memory: M,
    order: Order,
    capacity: u64,
    /// The number of slots is two to the power of this: the capacity, rounded up.
    slots_log2: u32,
    cells: usize,
    /// A message that was handed out so often, and came back, is a dead letter.
    most_attempts: u64,
    /// How long waits have lately been worth a spin, by side.
    patience: [Patience; 2],
    /// Where nobody was when this process came, how many had come before; see `peers`.
    to_come: [Option<u64>; 2],
}

impl<M: Memory> Queue<M> {
    /// `capacity` is at least 1 and at most 2^31.
    pub(crate) fn new(memory: M, capacity: usize, cells: usize) -> Queue<M> {
        let slots_log2 = capacity.next_power_of_two().trailing_zeros();
        let patience = [Patience::new(), Patience::new()];
        let most_attempts = u64::MAX;
        let capacity = capacity as u64;
        let order = Order::Arrival;
        let to_come = [None; 2];
        Queue { memory, order, capacity, slots_log2, cells, most_attempts, patience, to_come }
    }

    /// The same for a process that comes to it by a name, and sits nowhere yet: where
    /// nobody is, it waits for somebody to come.
    pub(crate) fn with_peers_to_come(self) -> Queue<M> {
        let to_come = [Side::Send, Side::Receive].map(|side| {
            let before = self.calm().arrivals[side as usize].load(Ordering::Acquire);
            self.is_deserted(side, true).then_some(before)
        });
        Queue { to_come, ..self }
    }

    /// The same in another order.
    pub(crate) fn with_order(self, order: Order) -> Queue<M> {
        Queue { order, ..self }
    }

    /// The same with a limit: `most` attempts, at least 1 and at most
    /// [`MOST_ATTEMPTS`].
    pub(crate) fn with_attempts(self, most: u32) -> Queue<M> {
        debug_assert!((1..=MOST_ATTEMPTS).contains(&most));
        Queue { most_attempts: most.into(), ..self }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity as usize
    }

    /// Messages that a receiver could have now: in the ring, given back, and
    /// leased by the dead. Exact whenever nobody is inside a call.
    pub(crate) fn len(&self) -> usize {
        self.ring_len() + self.waiting_leases(For::Work)
    }

    /// Whether a send would have to wait.
    pub(crate) fn is_full(&self) -> bool {
        self.ring_len() >= self.capacity()
    }

    fn calm(&self) -> &Calm {
        &self.memory.control().calm.0
    }
}
