//! A message on lease.

use core::fmt;
use core::ops::Deref;

use super::mapped::Mapped;
use super::slots::finish;
use crate::primitive::{self, Stamp};
use crate::raw::Queue;
use crate::raw::queue::Memory;
use crate::shared::loans::Loan;
use crate::shared::message::Message;

/// A message that somebody works on.
///
/// It stays the queue's until it is [`done`](Task::done). Dropped before that,
/// it is given back, and goes to the next receiver ahead of the queue; of a
/// [`priority`](super::priority) or [`lifo`](super::lifo) queue, in its order.
///
/// A lease has no time limit: a process that lives but hangs keeps its task.
/// Kill it. A task that kills whoever takes it comes back for ever, unless the
/// queue has a limit: [`Builder::max_attempts`](super::Builder::max_attempts).
///
/// # When the owner dies
///
/// The message goes to somebody else: a receiver that waits takes it within
/// about 100 ms; busy ones look every so often. What the dead owner did with it
/// is not undone, so doing it again should do no harm, or be told apart by
/// [`id`](Task::id) and [`attempts`](Task::attempts).
///
/// # Examples
///
/// ```
/// use killproof::{channel, process};
///
/// let (jobs, todo) = channel::queue(4)?;
/// jobs.send("index".to_string())?;
/// let its_todo = todo.clone();
/// let worker = process::spawn(move || -> () {
///     let _task = its_todo.lease().unwrap();
///     std::process::abort();
/// })?;
/// assert!(worker.join().is_err());
///
/// let task = todo.lease()?;
/// assert_eq!((task.as_str(), task.id(), task.attempts()), ("index", 0, 2));
/// assert_eq!(task.done(), "index");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It stays in the thread that leased it:
///
/// ```compile_fail,E0277
/// let (jobs, todo) = killproof::channel::queue::<u64>(1).unwrap();
/// jobs.send(1).unwrap();
/// let task = todo.lease().unwrap();
/// std::thread::scope(|scope| _ = scope.spawn(move || task.done()));
/// ```
#[must_use = "a task that is dropped before it is done goes back to the queue"]
pub struct Task<'a, T: Message> {
    lease: Lease<'a>,
    value: T,
}

/// The queue's side of a task; given back when dropped unfinished.
pub(super) struct Lease<'a> {
    queue: &'a Queue<Mapped>,
    cell: usize,
    owner: Stamp,
    id: u64,
    attempts: u32,
    is_done: bool,
    /// Keeps `spawn` from copying this lease, and the lease in its thread.
    loan: Option<Loan>,
}

impl<'a> Lease<'a> {
    /// The lease of `cell`, which `owner` has just taken.
    pub(super) fn new(queue: &'a Queue<Mapped>, cell: usize, owner: Stamp) -> Lease<'a> {
        let words = queue.memory.cell(cell);
        let (id, attempts) = (words.position(), words.attempts());
        Lease { queue, cell, owner, id, attempts, is_done: false, loan: Some(Loan::new()) }
    }

    /// Takes the message out of the queue for good.
    pub(super) fn finish(mut self) {
        self.is_done = true;
    }
}

impl<'a, T: Message> Task<'a, T> {
    pub(super) fn new(lease: Lease<'a>, value: T) -> Task<'a, T> {
        Task { lease, value }
    }

    /// The message's name: its place in the order of all messages of this queue,
    /// from 0; in a queue of another order than that of arrival, some number that
    /// no other message has. The same at every delivery.
    pub fn id(&self) -> u64 {
        self.lease.id
    }

    /// How often the message was handed out, this time included; counts to
    /// 1023.
    pub fn attempts(&self) -> u32 {
        self.lease.attempts
    }

    /// The same task, beside which this thread may spawn. For whoever runs somebody
    /// else's code with it: a child of that code never comes back to this frame, and a
    /// copy of the lease does nothing there.
    pub(crate) fn off_the_books(mut self) -> Self {
        self.lease.loan = None;
        self
    }

    /// The work is finished: takes the message out of the queue for good.
    pub fn done(self) -> T {
        self.lease.finish();
        self.value
    }
}

impl<T: Message> Deref for Task<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        // In a fork of the process that leased, the task is a copy.
        if !primitive::is_current(self.owner) {
            return;
        }
        if self.is_done {
            finish(self.queue, self.cell, self.owner);
        } else {
            self.queue.give_back(self.cell, self.owner);
        }
    }
}

impl<T: Message + fmt::Debug> fmt::Debug for Task<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("id", &self.id())
            .field("attempts", &self.attempts())
            .field("value", &self.value)
            .finish()
    }
}
