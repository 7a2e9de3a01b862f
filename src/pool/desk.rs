//! What lies behind the owner's lock: the book, the callbacks, and who waits.

use std::collections::{HashMap, VecDeque};

use super::book::Book;
use super::error::TaskError;
use super::report::Outcome;

/// What is called in the owner with what became of a task.
pub(super) type Callback = Box<dyn FnOnce(Outcome) + Send>;

pub(super) struct Desk {
    pub(super) book: Book,
    pub(super) callbacks: HashMap<u64, Option<Callback>>,
    pub(super) due: VecDeque<(u64, Callback, Outcome)>,
    /// Somebody leads, or nobody needs to.
    pub(super) is_led: bool,
    /// How many wait to be told.
    pub(super) listeners: usize,
}

impl Desk {
    pub(super) fn new(book: Book, is_led: bool) -> Desk {
        Desk { book, callbacks: HashMap::new(), due: VecDeque::new(), is_led, listeners: 0 }
    }

    /// Whether the task is finished, and its callback has returned.
    pub(super) fn is_done(&self, ticket: u64) -> bool {
        self.book.is_done(ticket) && !self.callbacks.contains_key(&ticket)
    }

    /// Whether everything is.
    pub(super) fn is_idle(&self) -> bool {
        self.book.unfinished() == 0 && self.callbacks.is_empty()
    }

    pub(super) fn reported(&mut self, ticket: u64, attempt: u32, outcome: Outcome) {
        let copy = self.callbacks.contains_key(&ticket).then(|| outcome.clone());
        if self.book.reported(ticket, attempt, outcome) {
            self.finished(ticket, copy);
        }
    }

    pub(super) fn end(&mut self, cause: &TaskError) {
        for ticket in self.book.end(cause) {
            self.finished(ticket, Some(Err(cause.clone())));
        }
    }

    fn finished(&mut self, ticket: u64, outcome: Option<Outcome>) {
        let callback = self.callbacks.get_mut(&ticket).and_then(Option::take);
        self.due.extend(callback.zip(outcome).map(|(callback, said)| (ticket, callback, said)));
    }
}
