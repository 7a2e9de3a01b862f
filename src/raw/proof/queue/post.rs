//! What the floor above does between a claim and its commit, step by step as in
//! `channel/slots.rs`, with messages of one number; and keeping the ledger.

use std::sync::Mutex;

use super::ledger::Ledger;
use super::words::{Bytes, Size, Words};
use crate::deadline::Deadline;
use crate::primitive::{AtomicU64, Ordering::Relaxed, Process, Stamp};
use crate::raw::Queue;
use crate::raw::queue::{Claimed, Memory, Meta, Order, Position, Side, Source, Stop};

pub(super) struct Post {
    pub(super) queue: Queue<Words>,
    pub(super) ledger: Ledger,
    order: Order,
    /// Who is at both sides.
    keeper: Mutex<Option<Stamp>>,
    /// What a process holds for a sibling to go on with.
    pub(super) tasks: Mutex<Vec<Task>>,
}

/// A message on lease.
#[derive(Debug)]
pub(super) struct Task {
    cell: usize,
    position: Position,
    pub(super) value: u64,
    pub(super) attempts: u32,
}

impl Post {
    pub(super) fn new(size: Size) -> Post {
        let queue = Queue::new(Words::new(size), size.capacity, size.cells);
        Post {
            queue,
            ledger: Ledger::new(),
            order: Order::Arrival,
            keeper: Mutex::new(None),
            tasks: Mutex::new(Vec::new()),
        }
    }

    /// The same with a limit to the attempts.
    pub(super) fn limited(size: Size, most_attempts: u32) -> Post {
        let post = Post::new(size);
        Post { queue: post.queue.with_attempts(most_attempts), ..post }
    }

    /// The same in another order; a message's key is its value.
    pub(super) fn ranked(size: Size, order: Order) -> Post {
        let post = Post::new(size);
        Post { queue: post.queue.with_order(order), order, ..post }
    }

    /// The same as one comes to it by a name, before anybody has.
    pub(super) fn with_peers_to_come(size: Size) -> Post {
        let post = Post::new(size);
        Post { queue: post.queue.with_peers_to_come(), ..post }
    }

    /// `me` is at both sides, and stays.
    pub(super) fn enter(&self, me: Process) {
        for side in [Side::Send, Side::Receive] {
            assert_eq!(self.queue.enter(side, me.stamp), Some(0));
        }
        *self.keeper.lock().unwrap() = Some(me.stamp);
    }

    /// Who is at both sides leaves one after all.
    #[cfg(loom)]
    pub(super) fn leave(&self, side: Side) {
        let keeper = self.keeper.lock().unwrap().expect("somebody is there");
        self.queue.leave(side, 0, keeper);
    }

    pub(super) fn send(&self, me: Process, value: u64) {
        assert_eq!(self.send_until(me, value, Deadline::Never), Ok(()));
    }

    pub(super) fn try_send(&self, me: Process, value: u64) -> Result<(), Stop> {
        self.send_until(me, value, Deadline::Now)
    }

    pub(super) fn send_until(
        &self,
        me: Process,
        value: u64,
        deadline: Deadline,
    ) -> Result<(), Stop> {
        self.send_as(me, value, value, deadline)
    }

    /// With another key than its value.
    pub(super) fn send_with_key(&self, me: Process, value: u64, key: u64) {
        assert_eq!(self.send_as(me, value, key, Deadline::Never), Ok(()));
    }

    fn send_as(&self, me: Process, value: u64, key: u64, deadline: Deadline) -> Result<(), Stop> {
        self.ledger.meant(value);
        let position = self.queue.claim_free(me.stamp, deadline)?;
        self.queue.set_key(position, key);
        self.queue.memory.slot_bytes[self.queue.slot_index(position)].write(value);
        self.commit(position, None);
        self.ledger.sent(value);
        Ok(())
    }

    /// By way of a block.
    pub(super) fn send_large(&self, me: Process, value: u64) {
        assert_eq!(self.send_large_until(me, value, Deadline::Never), Ok(()));
    }

    pub(super) fn send_large_until(
        &self,
        me: Process,
        value: u64,
        deadline: Deadline,
    ) -> Result<(), Stop> {
        self.ledger.meant(value);
        let block = self.queue.claim_block(me.stamp, deadline)?;
        self.queue.memory.block_bytes[block].write(value);
        match self.queue.claim_free(me.stamp, deadline) {
            Ok(position) => self.commit(position, Some(block)),
            Err(stop) => {
                self.queue.free_block(block, me.stamp);
                return Err(stop);
            }
        }
        self.ledger.sent(value);
        Ok(())
    }

    fn commit(&self, position: Position, block: Option<usize>) {
        let meta = Meta { len: 1, block };
        self.queue.slot(position).meta.store(meta.word(), Relaxed);
        self.queue.commit_sent(position);
    }

    pub(super) fn recv(&self, me: Process) -> u64 {
        self.recv_until(me, Deadline::Never, false).expect("waits for ever")
    }

    /// With a look for what the dead left behind.
    pub(super) fn try_recv(&self, me: Process) -> Result<u64, Stop> {
        self.recv_until(me, Deadline::Now, true)
    }

    pub(super) fn recv_until(
        &self,
        me: Process,
        deadline: Deadline,
        ask: bool,
    ) -> Result<u64, Stop> {
        let source = self.queue.claim_ready(me.stamp, deadline, ask)?;
        let (meta, bytes) = self.found(source);
        let block = meta_of(meta).block;
        let value = match block {
            None => bytes.read(),
            Some(block) => {
                self.queue.adopt_block(block, me.stamp);
                self.queue.memory.block_bytes[block].read()
            }
        };
        let position = match source {
            Source::Ring(position) => position,
            Source::Cell(cell) => self.queue.memory.cell(cell).position(),
        };
        self.ledger.in_hand(value);
        match source {
            Source::Ring(position) => self.queue.commit_received(position),
            Source::Cell(cell) => self.queue.finish(cell, me.stamp),
        }
        if let Some(block) = block {
            // The floor above reads it only now.
            assert_eq!(self.queue.memory.block_bytes[block].read(), value, "overwritten");
            self.queue.free_block(block, me.stamp);
        }
        self.ledger.received(value, position, me);
        Ok(value)
    }

    fn found(&self, source: Source) -> (&AtomicU64, &Bytes) {
        let memory = &self.queue.memory;
        match source {
            Source::Ring(position) => {
                let index = self.queue.slot_index(position);
                (&memory.slot(index).meta, &memory.slot_bytes[index])
            }
            Source::Cell(cell) => (&memory.cell(cell).meta, &memory.cell_bytes[cell]),
        }
    }

    pub(super) fn lease(&self, me: Process) -> Task {
        self.lease_until(me, Deadline::Never, false).expect("waits for ever")
    }

    pub(super) fn try_lease(&self, me: Process) -> Result<Task, Stop> {
        self.lease_until(me, Deadline::Now, true)
    }

    pub(super) fn lease_until(
        &self,
        me: Process,
        deadline: Deadline,
        ask: bool,
    ) -> Result<Task, Stop> {
        let source = self.queue.claim_ready(me.stamp, deadline, ask)?;
        let cell = match source {
            Source::Cell(cell) => cell,
            Source::Ring(position) => self.move_to_cell(me, position),
        };
        Ok(self.task_in(me, cell))
    }

    /// Takes a dead letter.
    pub(super) fn letter_until(&self, me: Process, deadline: Deadline) -> Result<Task, Stop> {
        let cell = self.queue.claim_letter(me.stamp, deadline)?;
        Ok(self.task_in(me, cell))
    }

    fn task_in(&self, me: Process, cell: usize) -> Task {
        let (meta, bytes) = self.found(Source::Cell(cell));
        let value = match meta_of(meta).block {
            None => bytes.read(),
            Some(block) => {
                self.queue.adopt_block(block, me.stamp);
                self.queue.memory.block_bytes[block].read()
            }
        };
        let words = self.queue.memory.cell(cell);
        let task = Task { cell, position: words.position(), value, attempts: words.attempts() };
        self.ledger.leased(value, task.attempts);
        task
    }

    fn move_to_cell(&self, me: Process, position: Position) -> usize {
        let cell = match self.queue.claim_cell(me.stamp).expect("there are enough cells") {
            Claimed::Unused(cell) => cell,
            Claimed::Returned(cell) => {
                self.queue.decline(position);
                return cell;
            }
        };
        let (from_meta, from) = self.found(Source::Ring(position));
        let (to_meta, to) = self.found(Source::Cell(cell));
        let meta = meta_of(from_meta);
        to_meta.store(meta.word(), Relaxed);
        if meta.block.is_none() {
            to.write(from.read());
        }
        self.queue.commit_leased(position, cell);
        cell
    }

    pub(super) fn done(&self, me: Process, task: Task) {
        self.ledger.in_hand(task.value);
        let block = meta_of(&self.queue.memory.cell(task.cell).meta).block;
        self.queue.finish(task.cell, me.stamp);
        if let Some(block) = block {
            self.queue.free_block(block, me.stamp);
        }
        self.ledger.received(task.value, task.position, me);
    }

    /// Leases a message, for a sibling.
    pub(super) fn hold(&self, me: Process) {
        let task = self.lease(me);
        self.tasks.lock().unwrap().push(task);
    }

    /// A sibling's lease, the last first.
    pub(super) fn held(&self) -> Task {
        self.tasks.lock().unwrap().pop().expect("a sibling holds it")
    }

    pub(super) fn give_back(&self, me: Process, task: Task) {
        self.queue.give_back(task.cell, me.stamp);
    }

    /// The last one: receives the rest, and the ledger adds up; then the queue
    /// takes exactly its capacity again, in slots, cells and blocks.
    pub(super) fn settle(&self, me: Process) {
        let len = self.queue.len();
        assert_eq!(self.drain(me), len, "len said {len}");
        let letters = self.queue.letters();
        assert_eq!(self.bury(me), letters, "letters said {letters}");
        assert_eq!(self.queue.join(Deadline::Now), Ok(()));
        self.check_ledger();
        self.check_room(me);
        self.check_cells(me);
        self.check_blocks(me);
    }

    fn drain(&self, me: Process) -> usize {
        (0..).take_while(|_| self.try_recv(me).is_ok()).count()
    }

    fn bury(&self, me: Process) -> usize {
        let letters = (0..).map(|_| self.letter_until(me, Deadline::Now));
        letters.map_while(Result::ok).map(|task| self.done(me, task)).count()
    }

    fn check_room(&self, me: Process) {
        let capacity = self.queue.capacity();
        for value in 0..capacity {
            assert!(!self.queue.is_full());
            assert_eq!(self.try_send(me, 10_000 + value as u64), Ok(()), "of {capacity}");
        }
        assert!(self.queue.is_full());
        assert_eq!(self.try_send(me, 20_000), Err(Stop::TimedOut), "one more than {capacity}");
        assert_eq!(self.drain(me), capacity);
        self.check_ledger();
    }

    /// A position is a place in the order of arrival only.
    fn check_ledger(&self) {
        match self.order {
            Order::Arrival => self.ledger.check(),
            _ => drop(self.ledger.check_account()),
        }
    }

    fn check_cells(&self, me: Process) {
        let mut cells = Vec::new();
        while let Some(Claimed::Unused(cell)) = self.queue.claim_cell(me.stamp) {
            cells.push(cell);
        }
        assert_eq!(cells.len(), self.queue.memory.cells(), "cells");
        cells.iter().for_each(|cell| self.queue.finish(*cell, me.stamp));
    }

    fn check_blocks(&self, me: Process) {
        let mut blocks = Vec::new();
        while let Ok(block) = self.queue.claim_block(me.stamp, Deadline::Now) {
            blocks.push(block);
        }
        assert_eq!(blocks.len(), self.queue.memory.blocks().len(), "blocks");
        blocks.sort_unstable();
        blocks.dedup();
        assert_eq!(blocks.len(), self.queue.memory.blocks().len(), "one block, twice");
        blocks.iter().for_each(|block| self.queue.free_block(*block, me.stamp));
    }
}

/// A message that only `me` sends.
pub(super) fn value_of(me: Process) -> u64 {
    10 * (100 * u64::from(me.stamp.pid()) + me.thread)
}

fn meta_of(word: &AtomicU64) -> Meta {
    Meta::of(word.load(Relaxed))
}
