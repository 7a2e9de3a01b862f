//! The life of a worker.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use super::clock::Clock;
use super::error::TaskError;
use super::report::{MANY, ONE, Order, Outcome, Report, pieces, report, shortened};
use crate::channel::{Receiver, RecvError, SendError, Sender};
use crate::process;
use crate::shared::message::{Message, from_bytes, to_bytes};

/// What the user wants done in each worker. A `Mutex`, for that may not be `Sync`: a
/// fork has a copy of its own, in which nobody else is.
pub(super) struct Duties<H> {
    pub(super) handler: Arc<Mutex<H>>,
    pub(super) initializer: Option<Arc<Mutex<Initializer>>>,
    /// After so many tasks the worker makes room for a fresh one.
    pub(super) most_tasks: Option<usize>,
    pub(super) clock: Clock,
}

pub(super) type Initializer = Box<dyn Fn() + Send>;

impl<H> Clone for Duties<H> {
    fn clone(&self) -> Self {
        Duties {
            handler: Arc::clone(&self.handler),
            initializer: self.initializer.clone(),
            most_tasks: self.most_tasks,
            clock: self.clock.clone(),
        }
    }
}

impl<H> Duties<H> {
    /// Works until there is no more to do. `Err`: why it could not begin.
    pub(super) fn work<In, Out>(
        &self,
        slot: usize,
        todo: &Receiver<Order>,
        results: &Sender<Report>,
    ) -> Result<(), String>
    where
        In: Message,
        Out: Message,
        H: Fn(In) -> Out,
    {
        if let Some(initializer) = &self.initializer {
            let initializer = initializer.lock().unwrap_or_else(PoisonError::into_inner);
            caught(&*initializer)?;
        }
        self.clock.ready(slot);
        let handler = self.handler.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left = self.most_tasks.unwrap_or(usize::MAX);
        while left > 0 {
            let task = match todo.lease() {
                // What it runs may spawn: a child never sees this frame again.
                Ok(task) => task.off_the_books(),
                Err(RecvError::Closed | RecvError::Disconnected) => break,
                Err(error) => return Err(error.to_string()),
            };
            let (ticket, attempt, body) = &*task;
            let begun = self.clock.begin(slot);
            let outcome = attempt_at(&*handler, body);
            if !self.clock.finish(slot, begun) {
                // The keeper has said that it is late, and is about to kill it.
                loop {
                    std::thread::park();
                }
            }
            // Before the lease ends: killed in between, it has done the task.
            send(results, report(*ticket, *attempt, outcome));
            task.done();
            left -= 1;
        }
        Ok(())
    }
}

fn attempt_at<In: Message, Out: Message>(handler: impl Fn(In) -> Out, body: &[u8]) -> Outcome {
    match body.split_first() {
        Some((&ONE, argument)) => call(&handler, argument),
        Some((&MANY, list)) => {
            let list: Vec<Vec<u8>> = from_bytes(list).unwrap_or_default();
            Ok(pieces(list.iter().map(|argument| call(&handler, argument))))
        }
        _ => Err(TaskError::Invalid(body.to_vec())),
    }
}

fn call<In: Message, Out: Message>(handler: impl Fn(In) -> Out, bytes: &[u8]) -> Outcome {
    let value = caught(|| {
        let argument = from_bytes(bytes).ok()?;
        Some(to_bytes(&handler(argument)))
    });
    let value = value.map_err(TaskError::Panicked)?;
    value.ok_or_else(|| TaskError::Invalid(bytes.to_vec()))
}

/// Runs code of the user's; a panic's message and place.
fn caught<T>(f: impl FnOnce() -> T) -> Result<T, String> {
    // Unwind safe: what a panic leaves half-changed is the user's, as in a thread pool.
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| {
        let message = process::describe(&*payload);
        // Its destructor might panic, and there is nothing above this.
        core::mem::forget(payload);
        message
    })
}

fn send(results: &Sender<Report>, report: Report) {
    // There is room: no more tasks lie here than results fit in.
    if let Err(SendError::TooLarge { value, .. }) = results.send(report) {
        let _ = results.send(shortened(value));
    }
}
