//! Blocks: room for messages that do not fit into a slot.
//!
//! # States of a block
//!
//! | `owner` | meaning |
//! |---|---|
//! | `FREE` | unused |
//! | stamp, `FILLING` | that process writes a message into it, or has sent it |
//! | stamp, `READING` | that process has received the message in it |
//! | stamp, `RESCUING` | that process took it from the dead and looks whether it is in use |
//!
//! | `rescuer` | meaning |
//! |---|---|
//! | `FREE` | nobody looks whether a dead owner left the block unused |
//! | stamp | one thread of that process does |
//!
//! # Transitions
//!
//! A sender claims a block and fills it before it has a place in the order, then
//! names it in the slot it commits. The word stays as it is: **a block is in use
//! if a slot or a lease names it**, whoever its stamp names. A receiver puts its
//! own stamp with `READING` while it still owns the slot, and frees the block
//! when the message is out.
//!
//! A block whose owner is dead is rescued in five steps: claim `rescuer`; swap the
//! dead owner for one's own stamp with `RESCUING`; look for the block in all slots
//! and leases, in this order, since that is how a name travels; if none names it, a
//! CAS from `RESCUING` to `FILLING` makes it the finder's; free `rescuer`. Named, it
//! stays, under the new stamp.
//!
//! The look lasts, and meanwhile the block may be received, freed, sent and left
//! behind again. The CAS finds that out, since **its word can be no other than the one
//! that was looked at**: only who has `rescuer` puts `RESCUING` there, and nobody
//! takes `rescuer` from the living. So a word with this stamp and `RESCUING` was put
//! there by this very thread, and has not changed since. Without `rescuer` it would
//! not be told from that of a later rescue by another thread, which has the same
//! stamp; and a number to tell them by would come again.
//!
//! Who finds `rescuer` taken leaves the block to it.
//!
//! # When a rescuer dies
//!
//! Whatever it had done, `rescuer` bears a dead stamp, and the next one takes it
//! over. `owner` bears that of the first dead or that of the second, which is the same
//! for who comes: a block of the dead, named or not.
//!
//! # Ordering
//!
//! `rescuer` is freed with a release and claimed with an acquire, so one rescuer's CAS
//! comes before the next one's swap in the order of `owner`. A name is committed after
//! its block is claimed, and taken away after it is adopted, with the release of a
//! slot's or a cell's word: who has swapped or read the later word of `owner` sees it
//! there, or sees it gone.

use super::lease::Cell;
use super::{Memory, Queue, Side, Slot, Stop};
use crate::deadline::{Deadline, Slices};
use crate::primitive::{AtomicU64, Ordering, Stamp};
use crate::raw::owner::{Asked, FREE, claim, free, take_from_dead};

const FILLING: u64 = 1 << 1;
const READING: u64 = 1 << 2;
const RESCUING: u64 = 1 << 3;

/// The words of a block. All zero is an unused one.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Block {
    owner: AtomicU64,
    rescuer: AtomicU64,
}

impl Block {
    #[cfg(any(loom, test))]
    pub(crate) fn new() -> Block {
        Block { owner: AtomicU64::new(FREE), rescuer: AtomicU64::new(FREE) }
    }

    /// Claims the rescue, unless somebody alive is at it.
    fn claim_rescue(&self, me: Stamp, asked: &mut Asked) -> bool {
        match self.rescuer.load(Ordering::Relaxed) {
            FREE => claim(&self.rescuer, me).is_ok(),
            seen => asked.is_forsaken(seen) && take_from_dead(&self.rescuer, seen, me.word()),
        }
    }
}

/// What a slot or cell says of its message: length, and block if it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) len: usize,
    pub(crate) block: Option<usize>,
}

impl Meta {
    /// Length in the lower half; the block's number plus one in the upper.
    #[inline]
    pub(crate) fn word(self) -> u64 {
        debug_assert!(self.len <= u32::MAX as usize);
        (self.block.map_or(0, |block| block as u64 + 1)) << 32 | self.len as u64
    }

    pub(crate) fn of(word: u64) -> Meta {
        let block = (word >> 32) as usize;
        Meta { len: (word & 0xffff_ffff) as usize, block: block.checked_sub(1) }
    }
}

impl<M: Memory> Queue<M> {
    /// Claims a block for a large message.
    pub(crate) fn claim_block(&self, me: Stamp, deadline: Deadline) -> Result<usize, Stop> {
        let mut slices = Slices::new();
        let mut ask = false;
        loop {
            if let Some(block) = self.take_block(me) {
                return Ok(block);
            }
            let late = deadline.has_passed();
            ask |= late;
            if ask {
                if let Some(block) = self.rescue_block(me) {
                    return Ok(block);
                }
            }
            if self.is_closed() {
                return Err(Stop::Closed);
            }
            if self.is_deserted(Side::Receive, ask) {
                return Err(Stop::Disconnected);
            }
            if late {
                return Err(Stop::TimedOut);
            }
            let ticket = self.calm().spare.prepare();
            let departures = self.departures(Side::Receive);
            if let Some(block) = self.take_block_last(me) {
                return Ok(block);
            }
            let gone = self.is_closed_last() || self.is_deserted(Side::Receive, false);
            if !gone && departures == self.departures(Side::Receive) {
                let passed = self.calm().spare.sleep(ticket, slices.next(deadline));
                ask = slices.is_over(passed);
            }
        }
    }

    /// Claims a free block.
    fn take_block(&self, me: Stamp) -> Option<usize> {
        let blocks = self.memory.blocks();
        let hint = &self.memory.control().block_hint.0;
        let mine = me.word() | FILLING;
        let unused = |index: &usize| {
            let word = &blocks[*index].owner;
            word.load(Ordering::Relaxed) == FREE
                && word.compare_exchange(FREE, mine, Ordering::Acquire, Ordering::Relaxed).is_ok()
        };
        let count = blocks.len();
        let start = (hint.load(Ordering::Relaxed) as usize).checked_rem(count)?;
        let index = (start..count).chain(0..start).find(unused)?;
        hint.store(index as u64 + 1, Ordering::Relaxed);
        Some(index)
    }

    /// Looks at every block with a read-modify-write, before a sleep.
    fn take_block_last(&self, me: Stamp) -> Option<usize> {
        if self.is_any_block_free() { self.take_block(me) } else { None }
    }

    fn is_any_block_free(&self) -> bool {
        // All of them, also after a free one, which somebody else may get.
        let is_free = |block: &&Block| block.owner.fetch_or(0, Ordering::AcqRel) == FREE;
        self.memory.blocks().iter().filter(is_free).count() > 0
    }

    /// The same for somebody who polls: whether a message of any size has a place.
    pub(super) fn has_block_last(&self) -> bool {
        self.memory.blocks().is_empty() || self.is_any_block_free()
    }

    /// Takes a block that a dead process left behind.
    fn rescue_block(&self, me: Stamp) -> Option<usize> {
        let mut asked = Asked::new();
        let left_behind = |index: &usize| {
            let block = &self.memory.blocks()[*index];
            let seen = block.owner.load(Ordering::Relaxed);
            if !asked.is_forsaken(seen) || !block.claim_rescue(me, &mut asked) {
                return false;
            }
            let taken = self.take_if_unnamed(*index, seen, me);
            free(&block.rescuer);
            taken
        };
        (0..self.memory.blocks().len()).find(left_behind)
    }

    /// The caller rescues the block, whose owner word `seen` names a dead process.
    fn take_if_unnamed(&self, index: usize, seen: u64, me: Stamp) -> bool {
        let word = &self.memory.blocks()[index].owner;
        let looking = me.word() | RESCUING;
        let mine = me.word() | FILLING;
        take_from_dead(word, seen, looking)
            && !self.is_named(index)
            && word.compare_exchange(looking, mine, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Whether a message in the ring or in a cell lies in this block.
    fn is_named(&self, block: usize) -> bool {
        let names = |meta: &AtomicU64| Meta::of(meta.load(Ordering::Relaxed)).block == Some(block);
        let slots = 0..self.slots() as usize;
        let in_ring = |slot: &Slot| slot.holds_message() && names(&slot.meta);
        let in_cell = |cell: &Cell| !cell.is_empty() && names(&cell.meta);
        slots.into_iter().any(|index| in_ring(self.memory.slot(index)))
            || (0..self.cells).any(|index| in_cell(self.memory.cell(index)))
    }

    /// The caller owns the slot or cell that names the block: makes it its own.
    pub(crate) fn adopt_block(&self, block: usize, me: Stamp) {
        if let Some(block) = self.memory.blocks().get(block) {
            block.owner.swap(me.word() | READING, Ordering::AcqRel);
        }
    }

    /// Frees a block that `me` owns and that nothing names.
    pub(crate) fn free_block(&self, block: usize, me: Stamp) {
        let Some(Block { owner: word, .. }) = self.memory.blocks().get(block) else { return };
        if Stamp::of(word.load(Ordering::Relaxed)) == Some(me) {
            word.swap(FREE, Ordering::AcqRel);
            self.memory.control().block_hint.0.store(block as u64, Ordering::Relaxed);
            self.notify_spare(1);
        }
    }
}
