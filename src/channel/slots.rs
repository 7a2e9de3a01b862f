//! Who may touch the bytes of a slot, a cell or a block.
//!
//! The words decide whose they are; a value of [`Room`], [`Found`] or [`Block`]
//! is that ownership, and gives access to the bytes.
#![allow(unsafe_code)]

use super::body::Body;
use super::mapped::Mapped;
use crate::deadline::Deadline;
use crate::error::{Error, Kind};
use crate::primitive::{AtomicU64, Ordering, Stamp};
use crate::raw::Queue;
use crate::raw::queue::{Claimed, Memory, Meta, Position, Source, Stop};
use crate::shared::place::{Place, View};
use crate::shared::words::Span;

/// A slot claimed for writing; nobody else touches its bytes.
#[derive(Debug)]
pub(super) struct Room<'a> {
    queue: &'a Queue<Mapped>,
    position: Position,
}

impl<'a> Room<'a> {
    // Always, as in `Found::claim`: a call for each message made a queue of small ones
    // half as fast.
    #[inline(always)]
    pub(super) fn claim(
        queue: &'a Queue<Mapped>,
        me: Stamp,
        deadline: Deadline,
        key: u64,
    ) -> Result<Room<'a>, Stop> {
        let position = queue.claim_free(me, deadline)?;
        queue.set_key(position, key);
        Ok(Room { queue, position })
    }

    /// Lets `write` fill `len` bytes of the slot, and commits. `write` runs no
    /// code but this crate's.
    #[inline(always)]
    pub(super) fn send(self, len: usize, write: impl FnOnce(Place<'_>)) {
        let mapped = &self.queue.memory;
        let words = mapped.slot_words(self.queue.slot_index(self.position));
        // SAFETY: a `Room` is the claim of the slot (`claim`), so until the commit nobody
        //    else reads or writes its bytes. A region is made of zeros.
        match unsafe { Place::of(Span::new(words, 0, len), mapped.trust()) } {
            // As in `Found::take_in_place`.
            Place::Own(bytes) => write(Place::Own(bytes)),
            Place::Open(span) => write(Place::Open(span)),
        }
        self.commit(Meta { len, block: None });
    }

    /// Commits a message that lies in `block`.
    pub(super) fn send_block(self, block: Block<'a>, len: usize) {
        self.commit(Meta { len, block: Some(block.index) });
        // From here on the slot names the block.
        core::mem::forget(block);
    }

    #[inline]
    fn commit(self, meta: Meta) {
        self.queue.slot(self.position).meta.store(meta.word(), Ordering::Relaxed);
        self.queue.commit_sent(self.position);
        core::mem::forget(self);
    }
}

/// Not committed: gives the slot back, so that a panic here jams nobody.
impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.queue.release(self.position);
    }
}

/// A block of this process; freed when dropped.
#[derive(Debug)]
pub(super) struct Block<'a> {
    queue: &'a Queue<Mapped>,
    index: usize,
    me: Stamp,
}

impl<'a> Block<'a> {
    /// Waits for a free block.
    pub(super) fn claim(
        queue: &'a Queue<Mapped>,
        me: Stamp,
        deadline: Deadline,
    ) -> Result<Block<'a>, Stop> {
        let index = queue.claim_block(me, deadline)?;
        Ok(Block { queue, index, me })
    }

    /// Takes the block that a slot or cell of the caller's names.
    fn adopt(queue: &'a Queue<Mapped>, index: usize, me: Stamp) -> Block<'a> {
        queue.adopt_block(index, me);
        Block { queue, index, me }
    }

    /// Its first `len` bytes.
    pub(super) fn view(&self, len: usize) -> View<'_> {
        let mapped = &self.queue.memory;
        let span = Span::new(mapped.block_words(self.index), 0, len);
        // SAFETY: as in `place`; `&self` keeps whoever has the block from writing.
        unsafe { View::of(span, mapped.trust()) }
    }

    /// Its first `len` bytes.
    pub(super) fn place(&mut self, len: usize) -> Place<'_> {
        let mapped = &self.queue.memory;
        let span = Span::new(mapped.block_words(self.index), 0, len);
        // SAFETY: a `Block` is a block whose word bears this process's stamp (`claim`,
        //    `adopt`), so nobody else touches its bytes, and `&mut self` makes this the
        //    only reference here. A region is made of zeros.
        unsafe { Place::of(span, mapped.trust()) }
    }
}

impl Drop for Block<'_> {
    fn drop(&mut self) {
        self.queue.free_block(self.index, self.me);
    }
}

/// A claimed message: in the slot at the head, or in a lease that came back.
#[derive(Debug)]
pub(super) struct Found<'a> {
    queue: &'a Queue<Mapped>,
    source: Source,
    me: Stamp,
}

impl<'a> Found<'a> {
    #[inline(always)]
    pub(super) fn claim(
        queue: &'a Queue<Mapped>,
        me: Stamp,
        deadline: Deadline,
        ask: bool,
    ) -> Result<Found<'a>, Stop> {
        let source = queue.claim_ready(me, deadline, ask)?;
        Ok(Found { queue, source, me })
    }

    /// Waits for a dead letter.
    pub(super) fn claim_letter(
        queue: &'a Queue<Mapped>,
        me: Stamp,
        deadline: Deadline,
    ) -> Result<Found<'a>, Stop> {
        let source = Source::Cell(queue.claim_letter(me, deadline)?);
        Ok(Found { queue, source, me })
    }

    fn meta(&self) -> Meta {
        let mapped = &self.queue.memory;
        match self.source {
            Source::Ring(position) => mapped.checked(&self.queue.slot(position).meta),
            Source::Cell(cell) => mapped.checked(&mapped.cell(cell).meta),
        }
    }

    /// Where a message lies that is not in a block.
    #[inline(always)]
    fn inline_words(&self) -> &[AtomicU64] {
        let mapped = &self.queue.memory;
        match self.source {
            Source::Ring(position) => mapped.slot_words(self.queue.slot_index(position)),
            Source::Cell(cell) => mapped.cell_words(cell),
        }
    }

    #[inline(always)]
    fn inline_view(&self, len: usize) -> View<'_> {
        let span = Span::new(self.inline_words(), 0, len);
        // SAFETY: a `Found` is the claim of the slot or cell (`claim`), so nobody else
        //    writes its bytes until it is committed, which takes `self`.
        unsafe { View::of(span, self.queue.memory.trust()) }
    }

    /// Takes the message out: lets `read` see it in place, and commits. `read`
    /// runs no code but this crate's. The message is not in a block.
    #[inline(always)]
    pub(super) fn take_in_place<R>(self, len: usize, read: impl FnOnce(View<'_>) -> R) -> R {
        // Told apart here and not where it is looked at, so that each is short.
        let result = match self.inline_view(len) {
            View::Own(bytes) => read(View::Own(bytes)),
            View::Open(span) => read(View::Open(span)),
        };
        self.commit_received();
        result
    }

    /// Takes the message out and then lets `read` see it.
    pub(super) fn take<R>(self, read: impl FnOnce(View<'_>) -> R) -> R {
        read(self.take_out().view())
    }

    /// Takes the message out, and with it the block that it lies in.
    pub(super) fn take_out(self) -> Body<'a> {
        let Meta { len, block } = self.meta();
        let body = match block {
            None => Body::Copied(self.inline_view(len).to_vec()),
            Some(block) => Body::InBlock(Block::adopt(self.queue, block, self.me), len),
        };
        self.commit_received();
        body
    }

    #[inline]
    fn commit_received(self) {
        match self.source {
            Source::Ring(position) => self.queue.commit_received(position),
            Source::Cell(cell) => self.queue.finish(cell, self.me),
        }
    }

    /// Leases the message; `Err` where no lease is to be had, with the message
    /// where it was.
    pub(super) fn lease(self) -> Result<Leased<'a>, Error> {
        let position = match self.source {
            Source::Cell(cell) => return Ok(self.leased_in(cell)),
            Source::Ring(position) => position,
        };
        let mapped = &self.queue.memory;
        let cell = match self.queue.claim_cell(self.me) {
            Some(Claimed::Unused(cell)) => cell,
            Some(Claimed::Returned(cell)) => {
                self.queue.decline(position);
                return Ok(self.leased_in(cell));
            }
            None => {
                self.queue.decline(position);
                return Err(Error::new("a queue's leases", Kind::Limit));
            }
        };
        let meta = self.meta();
        mapped.cell(cell).meta.store(meta.word(), Ordering::Relaxed);
        if meta.block.is_none() {
            let span = Span::new(mapped.cell_words(cell), 0, meta.len);
            // SAFETY: `claim_cell` made the cell this process's, so nobody else touches
            //    its bytes. A region is made of zeros.
            unsafe { Place::of(span, mapped.trust()) }.copy_from(self.inline_view(meta.len));
        }
        self.queue.commit_leased(position, cell);
        Ok(self.leased_in(cell))
    }

    fn leased_in(self, cell: usize) -> Leased<'a> {
        let found = Found { source: Source::Cell(cell), ..self };
        // The block keeps its own stamp otherwise, which may be a dead one.
        if let Some(block) = found.meta().block {
            self.queue.adopt_block(block, self.me);
        }
        Leased { found, cell }
    }
}

/// A lease of this process.
#[derive(Debug)]
pub(super) struct Leased<'a> {
    found: Found<'a>,
    cell: usize,
}

impl Leased<'_> {
    /// The number of its cell.
    pub(super) fn cell(&self) -> usize {
        self.cell
    }

    /// Lets `read` see the message.
    pub(super) fn read<R>(&self, read: impl FnOnce(View<'_>) -> R) -> R {
        let Meta { len, block } = self.found.meta();
        let me = self.found.me;
        let block = block.map(|index| Block { queue: self.found.queue, index, me });
        let block = core::mem::ManuallyDrop::new(block);
        match block.as_ref() {
            None => read(self.found.inline_view(len)),
            Some(block) => read(block.view(len)),
        }
    }
}

/// Finishes a lease of `me`, and frees its block.
pub(super) fn finish(queue: &Queue<Mapped>, cell: usize, me: Stamp) {
    let block = queue.memory.checked(&queue.memory.cell(cell).meta).block;
    queue.finish(cell, me);
    if let Some(block) = block {
        queue.free_block(block, me);
    }
}
