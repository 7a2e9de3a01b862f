//! A message's bytes while it has no place in the order: before it is sent, and after
//! it was received.

use super::mapped::Mapped;
use super::slots::{Block, Room};
use crate::deadline::Deadline;
use crate::primitive::{self, Stamp};
use crate::raw::Queue;
use crate::raw::queue::Stop;
use crate::shared::loans::Loan;
use crate::shared::place::{Place, View};

/// What a `Vec<u8>` encodes to begins with how many there are.
pub(super) const COUNT: usize = size_of::<u64>();

/// The bytes, which this process alone has.
#[derive(Debug)]
pub(super) enum Body<'a> {
    /// Few enough for a slot.
    Copied(Vec<u8>),
    /// So many, in a block.
    InBlock(Block<'a>, usize),
    /// To be copied into a block, of which nobody may have a reference, before it is sent.
    BesideBlock(Block<'a>, Vec<u8>),
}

impl<'a> Body<'a> {
    /// `len` bytes, no more than the queue's largest message has; waits for a block if
    /// they need one.
    pub(super) fn claim(
        queue: &'a Queue<Mapped>,
        len: usize,
        me: Stamp,
        deadline: Deadline,
    ) -> Result<Body<'a>, Stop> {
        if len <= queue.memory.inline() {
            return Ok(Body::Copied(vec![0; len]));
        }
        Ok(Body::InBlock(Block::claim(queue, me, deadline)?, len))
    }

    pub(super) fn view(&self) -> View<'_> {
        match self {
            Body::InBlock(block, len) => block.view(*len),
            Body::Copied(bytes) | Body::BesideBlock(_, bytes) => View::Own(bytes),
        }
    }

    pub(super) fn place(&mut self) -> Place<'_> {
        match self {
            Body::InBlock(block, len) => block.place(*len),
            Body::Copied(bytes) | Body::BesideBlock(_, bytes) => Place::Own(bytes),
        }
    }

    /// Commits the message at its place.
    pub(super) fn send(self, room: Room<'a>) {
        match self {
            Body::Copied(bytes) => room.send(bytes.len(), |slot| slot.write(&bytes)),
            Body::InBlock(block, len) => room.send_block(block, len),
            Body::BesideBlock(block, bytes) => room.send_block(block, bytes.len()),
        }
    }
}

/// A body of a `Vec<u8>` that its user writes or reads where it is.
#[derive(Debug)]
pub(super) struct Loaned<'a> {
    /// `None` once it is sent.
    body: Option<Body<'a>>,
    owner: Stamp,
    /// Keeps `spawn` from copying it, and it in its thread.
    _loan: Loan,
}

impl<'a> Loaned<'a> {
    /// To be read, as it was received.
    pub(super) fn received(body: Body<'a>, owner: Stamp) -> Loaned<'a> {
        let body = match body.view() {
            View::Own(_) => body,
            // A block, which is free again when this is over.
            View::Open(span) => Body::Copied(span.to_vec()),
        };
        Loaned::new(body, owner)
    }

    /// To be written, and sent.
    pub(super) fn reserved(body: Body<'a>, owner: Stamp) -> Loaned<'a> {
        let body = match body {
            Body::InBlock(block, len) if matches!(block.view(len), View::Open(_)) => {
                Body::BesideBlock(block, vec![0; len])
            }
            body => body,
        };
        Loaned::new(body, owner)
    }

    fn new(body: Body<'a>, owner: Stamp) -> Loaned<'a> {
        Loaned { body: Some(body), owner, _loan: Loan::new() }
    }

    /// Whether the bytes are a list of bytes.
    pub(super) fn is_list(&self) -> bool {
        let parts = self.encoded().split_first_chunk::<COUNT>();
        parts.is_some_and(|(count, list)| u64::from_ne_bytes(*count) == list.len() as u64)
    }

    /// Makes them one: so many as there are behind the count.
    pub(super) fn count(&mut self) {
        if let Some((count, list)) = self.encoded_mut().split_first_chunk_mut::<COUNT>() {
            *count = (list.len() as u64).to_ne_bytes();
        }
    }

    /// All bytes, with the count.
    pub(super) fn encoded(&self) -> &[u8] {
        match self.body.as_ref().map(Body::view) {
            Some(View::Own(bytes)) => bytes,
            // None is open: made so in `received` and `reserved`.
            None | Some(View::Open(_)) => &[],
        }
    }

    fn encoded_mut(&mut self) -> &mut [u8] {
        match self.body.as_mut().map(Body::place) {
            Some(Place::Own(bytes)) => bytes,
            None | Some(Place::Open(_)) => &mut [],
        }
    }

    pub(super) fn list(&self) -> &[u8] {
        self.encoded().get(COUNT..).unwrap_or_default()
    }

    pub(super) fn list_mut(&mut self) -> &mut [u8] {
        self.encoded_mut().get_mut(COUNT..).unwrap_or_default()
    }

    pub(super) fn is_owner(&self, me: Stamp) -> bool {
        self.owner == me
    }

    /// Has the bytes where they are sent from, before a place in the order is claimed:
    /// nobody waits for a copy.
    pub(super) fn settle(&mut self) {
        if let Some(Body::BesideBlock(block, bytes)) = &mut self.body {
            block.place(bytes.len()).write(bytes);
        }
    }

    /// Commits the message at its place; it is [settled](Loaned::settle).
    pub(super) fn send(mut self, room: Room<'a>) {
        if let Some(body) = self.body.take() {
            body.send(room);
        }
    }
}

impl Drop for Loaned<'_> {
    fn drop(&mut self) {
        // In a fork of the process that has it, this is a copy.
        if !primitive::is_current(self.owner) {
            core::mem::forget(self.body.take());
        }
    }
}
