//! What one process of a history did, written where it outlives the process.

use std::hint;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use crate::linear::{Done, Event};

/// Operations of one process, at most; answers in vain are no longer recorded
/// past [`IN_VAIN`] of them.
const EVENTS: usize = 24;
const IN_VAIN: usize = 4;

/// How an operation ended; zero while it has not.
const MOVED: u64 = 1;
const VAIN: u64 = 2;
const OVER: u64 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trade {
    Sender,
    Receiver,
}

struct Entry {
    begin: AtomicU64,
    end: AtomicU64,
    value: AtomicU64,
    how: AtomicU64,
}

impl Entry {
    const fn new() -> Self {
        let [begin, end, value, how] = [const { AtomicU64::new(0) }; 4];
        Self { begin, end, value, how }
    }
}

/// One process's operations.
pub struct Log {
    len: AtomicUsize,
    entries: [Entry; EVENTS],
}

impl Log {
    pub const fn new() -> Self {
        Self { len: AtomicUsize::new(0), entries: [const { Entry::new() }; EVENTS] }
    }

    /// How many operations have begun.
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    /// The history of its process, which is over, or was dead at `death`.
    pub fn read(&self, trade: Trade, death: u64) -> Vec<Event> {
        let event = |entry: &Entry| {
            let value = entry.value.load(Ordering::Acquire);
            let done = match (entry.how.load(Ordering::Acquire), trade) {
                (MOVED, Trade::Sender) => Done::Sent(value),
                (MOVED, Trade::Receiver) => Done::Received(value),
                (VAIN, Trade::Sender) => Done::Full,
                (VAIN, Trade::Receiver) => Done::Empty,
                (OVER, _) => Done::Over,
                (_, Trade::Sender) => Done::Sending(value),
                (_, Trade::Receiver) => Done::Receiving,
            };
            let is_pending = matches!(done, Done::Sending(_) | Done::Receiving);
            let end = if is_pending { death } else { entry.end.load(Ordering::Acquire) };
            Event { begin: entry.begin.load(Ordering::Acquire), end, done }
        };
        self.entries[..self.len()].iter().map(event).collect()
    }
}

/// What came of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    Moved(u64),
    InVain,
    Over,
}

/// A process's clock and log. The clock is one for all CPUs, and reading it
/// orders nothing, so it hides no missing ordering of what is looked at.
pub struct Record<'a> {
    pub start: Instant,
    pub log: &'a Log,
    pub in_vain: usize,
}

impl Record<'_> {
    pub fn now(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    /// Performs an operation; `value` is what it would send.
    pub fn perform(
        &mut self,
        value: u64,
        operation: impl FnOnce() -> Result<Came, String>,
    ) -> Result<Came, String> {
        let index = self.log.len();
        let entry = &self.log.entries[index];
        entry.value.store(value, Ordering::Release);
        entry.how.store(0, Ordering::Release);
        entry.begin.store(self.now(), Ordering::Release);
        self.log.len.store(index + 1, Ordering::Release);
        let came = hint::black_box(operation())?;
        entry.end.store(self.now(), Ordering::Release);
        let how = match came {
            Came::Moved(value) => {
                entry.value.store(value, Ordering::Release);
                MOVED
            }
            Came::InVain if self.in_vain == IN_VAIN => {
                self.log.len.store(index, Ordering::Release);
                return Ok(came);
            }
            Came::InVain => {
                self.in_vain += 1;
                VAIN
            }
            Came::Over => OVER,
        };
        entry.how.store(how, Ordering::Release);
        Ok(came)
    }
}
