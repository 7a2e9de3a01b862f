//! The bookkeeping: which tasks there are, where each lies, and what became of it.
//! It decides and does nothing: no ring, no process, no clock.
//!
//! # States of a task
//!
//! | state | meaning |
//! |---|---|
//! | in the backlog | at no worker; the oldest goes first |
//! | lying at a slot | in that worker's ring, or in its hands |
//! | finished | its outcome waits for whoever asks |
//!
//! # Transitions
//!
//! Enter: -> backlog. [`Move::Give`]: the first of the backlog to the worker with the
//! fewest, if it has less than `depth`. [`Move::Take`]: where nothing waits and a worker
//! is idle, what lies behind another task goes back to the backlog; where nothing came
//! for a while, what lies alone, too: its worker may be stopped, and comes last from
//! then on, until it says something. A report of the very
//! attempt that lies there: -> finished, or, if the worker died and a retry is left, ->
//! backlog as the next attempt. The end of the pool: everything -> finished.
//!
//! Threads ask for the next task themselves, and have one each.

use core::hash::{BuildHasherDefault, Hasher};
use std::collections::{HashMap, VecDeque};

use super::error::TaskError;
use super::report::{Order, Outcome};

#[derive(Debug)]
pub(super) struct Book {
    /// Tasks that may lie at a worker.
    depth: usize,
    /// How often a task may be given out again.
    retries: u32,
    jobs: HashMap<u64, Job, BuildHasherDefault<ByNumber>>,
    backlog: VecDeque<u64>,
    slots: Vec<Slot>,
    /// The finished of each batch, the first first, until somebody asks.
    batches: HashMap<u64, VecDeque<u64>>,
    numbered: u64,
    unfinished: usize,
    is_closed: bool,
    end: Option<TaskError>,
    /// Nothing came for a while before this round.
    is_quiet: bool,
}

#[derive(Debug)]
struct Job {
    /// Empty while it is on its way and nobody will need it again.
    body: Vec<u8>,
    /// From 1.
    attempt: u32,
    at: Option<usize>,
    batch: Option<u64>,
    done: Option<Outcome>,
    /// Nobody will ask.
    is_forgotten: bool,
}

#[derive(Debug, Default)]
struct Slot {
    /// The oldest first.
    lying: VecDeque<u64>,
    /// It took no task, in this round.
    is_refusing: bool,
    /// What lies there was begun, in this round.
    is_begun: bool,
    /// It had time to begin what lay there and did not.
    is_suspect: bool,
}

impl Slot {
    /// Lies here no more: mostly the oldest.
    fn strike(&mut self, ticket: u64) {
        if self.lying.front() == Some(&ticket) {
            self.lying.pop_front();
        } else {
            self.lying.retain(|lying| *lying != ticket);
        }
    }
}

/// Spreads the numbers that this book gives: nobody else chooses them, so a product is
/// enough, which has a bit of each in its upper half and is another for each.
#[derive(Default)]
struct ByNumber(u64);

impl Hasher for ByNumber {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(self.0 << u8::BITS | u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        // 2^64 over the golden ratio.
        self.0 = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// Send this; if that fails, it was [`refused`](Book::refused).
    Give { slot: usize, order: Order },
    /// Take the oldest back out of that ring, and tell what was [`taken`](Book::taken).
    Take { slot: usize },
}

/// Whether the task comes back if the worker dies at this attempt, of which the first is 1:
/// its body is kept for that, and for nothing else.
fn is_retried(attempt: u32, retries: u32) -> bool {
    attempt <= retries
}

impl Book {
    pub(super) fn new(slots: usize, depth: usize, retries: u32) -> Book {
        Book {
            depth,
            retries,
            jobs: HashMap::default(),
            backlog: VecDeque::new(),
            slots: (0..slots).map(|_| Slot::default()).collect(),
            batches: HashMap::new(),
            numbered: 0,
            unfinished: 0,
            is_closed: false,
            end: None,
            is_quiet: false,
        }
    }

    /// A new task, of a batch if it is to be asked for with others.
    pub(super) fn enter(&mut self, body: Vec<u8>, batch: Option<u64>) -> Result<u64, TaskError> {
        if let Some(end) = &self.end {
            return Err(end.clone());
        }
        if self.is_closed {
            return Err(TaskError::Closed);
        }
        let ticket = self.number();
        self.unfinished += 1;
        let job = Job { body, attempt: 1, at: None, batch, done: None, is_forgotten: false };
        self.jobs.insert(ticket, job);
        self.backlog.push_back(ticket);
        Ok(ticket)
    }

    /// A name that nothing else has.
    fn number(&mut self) -> u64 {
        self.numbered += 1;
        self.numbered - 1
    }

    /// Tasks that whoever asks wants in the order in which they are finished.
    pub(super) fn open_batch(&mut self) -> u64 {
        let batch = self.number();
        self.batches.insert(batch, VecDeque::new());
        batch
    }

    /// Whether [`next_of`](Book::next_of) has something to say.
    pub(super) fn has_next_of(&self, batch: u64) -> bool {
        self.batches.get(&batch).is_some_and(|finished| !finished.is_empty())
    }

    /// The task of the batch that was finished first, each once.
    pub(super) fn next_of(&mut self, batch: u64) -> Option<u64> {
        self.batches.get_mut(&batch)?.pop_front()
    }

    pub(super) fn close_batch(&mut self, batch: u64) {
        self.batches.remove(&batch);
    }

    /// A new round of moves begins: who refused may be asked again. With `is_quiet`,
    /// nothing came for a while.
    pub(super) fn begin_round(&mut self, is_quiet: bool) {
        self.is_quiet = is_quiet;
        for slot in &mut self.slots {
            (slot.is_refusing, slot.is_begun) = (false, false);
        }
    }

    pub(super) fn next_move(&mut self) -> Option<Move> {
        let slots = || self.slots.iter().enumerate();
        let open = slots().filter(|(_, it)| !it.is_refusing && it.lying.len() < self.depth);
        let (slot, to) = open.min_by_key(|(_, it)| (it.is_suspect, it.lying.len()))?;
        if !self.backlog.is_empty() {
            let ticket = self.backlog.pop_front()?;
            return self.give(ticket, slot).map(|order| Move::Give { slot, order });
        }
        if to.is_suspect || !to.lying.is_empty() {
            return None;
        }
        let full = slots().filter(|(_, it)| !it.is_begun).map(|(slot, it)| (slot, it.lying.len()));
        let (fullest, most) = full.max_by_key(|(_, most)| *most).unwrap_or_default();
        // Of two, the first is in the worker's hands, as far as anybody knows.
        let left = if self.is_quiet { 0 } else { 1 };
        (most > left).then_some(Move::Take { slot: fullest })
    }

    /// The next task, for a worker that asks for it by itself.
    pub(super) fn next_for(&mut self, slot: usize) -> Option<Order> {
        let ticket = self.backlog.pop_front()?;
        self.give(ticket, slot)
    }

    fn give(&mut self, ticket: u64, slot: usize) -> Option<Order> {
        let job = self.jobs.get_mut(&ticket)?;
        job.at = Some(slot);
        let body = if is_retried(job.attempt, self.retries) {
            job.body.clone()
        } else {
            core::mem::take(&mut job.body)
        };
        self.slots[slot].lying.push_back(ticket);
        Some((ticket, job.attempt, body))
    }

    /// A ring had no room, whatever this book says.
    pub(super) fn refused(&mut self, slot: usize, order: Order) {
        self.slots[slot].is_refusing = true;
        self.comes_back(slot, order);
    }

    /// This was taken out of a ring; `None`: nothing was left there.
    pub(super) fn taken(&mut self, slot: usize, order: Option<Order>) {
        match order {
            Some(order) => self.comes_back(slot, order),
            None => self.slots[slot].is_begun = true,
        }
        if self.slots[slot].lying.is_empty() {
            (self.slots[slot].is_suspect, self.slots[slot].is_refusing) = (true, true);
        }
    }

    fn comes_back(&mut self, slot: usize, (ticket, _, body): Order) {
        self.slots[slot].strike(ticket);
        if let Some(job) = self.jobs.get_mut(&ticket).filter(|job| job.done.is_none()) {
            (job.at, job.body) = (None, body);
            self.backlog.push_front(ticket);
        }
    }

    /// What became of an attempt; true if the task is finished by that.
    pub(super) fn reported(&mut self, ticket: u64, attempt: u32, outcome: Outcome) -> bool {
        let Some(job) = self.jobs.get_mut(&ticket) else { return false };
        let Some(slot) = job.at.filter(|_| job.attempt == attempt && job.done.is_none()) else {
            return false;
        };
        self.slots[slot].strike(ticket);
        self.slots[slot].is_suspect = false;
        job.at = None;
        let has_died = matches!(outcome, Err(TaskError::Signalled(_) | TaskError::Exited(_)));
        if has_died && is_retried(attempt, self.retries) && !job.is_forgotten {
            job.attempt += 1;
            self.backlog.push_front(ticket);
            return false;
        }
        self.finish(ticket, outcome);
        true
    }

    fn finish(&mut self, ticket: u64, outcome: Outcome) {
        let Some(job) = self.jobs.get_mut(&ticket) else { return };
        self.unfinished -= 1;
        job.done = Some(outcome);
        job.body = Vec::new();
        let batch = job.batch.and_then(|batch| self.batches.get_mut(&batch));
        if job.is_forgotten {
            self.jobs.remove(&ticket);
        } else if let Some(finished) = batch {
            finished.push_back(ticket);
        }
    }

    /// No more tasks come.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed || self.end.is_some()
    }

    /// Nothing comes back any more: what is not finished has failed by `cause`. Gives
    /// the tasks that this finished.
    pub(super) fn end(&mut self, cause: &TaskError) -> Vec<u64> {
        self.end.get_or_insert_with(|| cause.clone());
        self.backlog.clear();
        self.slots.iter_mut().for_each(|slot| slot.lying.clear());
        let open = self.jobs.iter().filter(|(_, job)| job.done.is_none());
        let mut open: Vec<u64> = open.map(|(ticket, _)| *ticket).collect();
        open.sort_unstable();
        open.iter().for_each(|ticket| self.finish(*ticket, Err(cause.clone())));
        open
    }

    /// Why nothing comes back any more, if it does not.
    pub(super) fn cause(&self) -> Option<&TaskError> {
        self.end.as_ref()
    }

    /// How many tasks are not finished.
    pub(super) fn unfinished(&self) -> usize {
        self.unfinished
    }

    /// Whether there are tasks that no worker has.
    pub(super) fn has_backlog(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Whether nothing more will become of the task.
    pub(super) fn is_done(&self, ticket: u64) -> bool {
        self.jobs.get(&ticket).is_none_or(|job| job.done.is_some())
    }

    /// Whether it came to a value, if it is finished.
    pub(super) fn is_value(&self, ticket: u64) -> Option<bool> {
        self.jobs.get(&ticket)?.done.as_ref().map(Outcome::is_ok)
    }

    /// The outcome of a finished task, once.
    pub(super) fn take(&mut self, ticket: u64) -> Option<Outcome> {
        self.jobs.get(&ticket)?.done.as_ref()?;
        self.jobs.remove(&ticket)?.done
    }

    /// Nobody will ask what becomes of it.
    pub(super) fn forget(&mut self, ticket: u64) {
        match self.jobs.get_mut(&ticket) {
            Some(job) if job.done.is_none() => job.is_forgotten = true,
            _ => drop(self.jobs.remove(&ticket)),
        }
    }

    /// The same, and it need not be begun.
    pub(super) fn withdraw(&mut self, ticket: u64) {
        self.forget(ticket);
        if let Some(place) = self.backlog.iter().position(|waiting| *waiting == ticket) {
            self.backlog.remove(place);
            self.finish(ticket, Err(TaskError::Closed));
        }
    }
}

#[cfg(test)]
mod tests;
