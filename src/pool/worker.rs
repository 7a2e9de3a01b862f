//! The life of a worker, and what it does with a task.
#![allow(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use super::board::Board;
use super::body::{append, arguments, open, put_error, put_value, put_written, room_for_answers};
use super::error::TaskError;
use super::report::{Order, Outcome, Report, report, shortened};
use crate::channel::{Receiver, RecvError, SendError, Sender};
use crate::process;
use crate::shared::message::{Message, from_bytes};
use crate::sys::fork::exit;

/// What a worker exits with that is ended for being late, if it is not killed before.
const LATE: i32 = 1;

/// What the user wants done in each worker. A `Mutex`, for that may not be `Sync`: a
/// fork has a copy of its own, in which nobody else is.
pub(super) struct Duties<H> {
    pub(super) handler: Arc<Mutex<H>>,
    pub(super) initializer: Option<Arc<Mutex<Initializer>>>,
    /// After so many tasks the worker makes room for a fresh one.
    pub(super) most_tasks: Option<usize>,
    pub(super) board: Board,
}

pub(super) type Initializer = Box<dyn Fn() + Send>;

impl<H> Clone for Duties<H> {
    fn clone(&self) -> Self {
        Duties {
            handler: Arc::clone(&self.handler),
            initializer: self.initializer.clone(),
            most_tasks: self.most_tasks,
            board: self.board.clone(),
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
        self.board.ready(slot);
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
            let begun = self.board.begin(slot);
            // SAFETY: only the owner sends to this ring, what it entered in its book, and
            //    this process was forked, at one remove, from it.
            let outcome = unsafe { attempt_at(&*handler, body) };
            if !self.board.finish(slot, begun) {
                // The keeper has said that it is late, and is about to kill it, if it may:
                // the task can have taken on another user's identity.
                exit(LATE);
            }
            // Before the lease ends: killed in between, it has done the task.
            send(results, report(*ticket, *attempt, outcome));
            self.board.knocks().knock();
            task.done();
            left -= 1;
        }
        Ok(())
    }
}

/// What becomes of a task: of what it brings, or of the pool's `own` function.
///
/// # Safety
///
/// `body` was made as the module [`body`](super::body) does it, in this process or in
/// one that this was forked from; and if it brings a function, after the code of that
/// was loaded.
pub(super) unsafe fn attempt_at<In: Message, Out: Message>(
    own: impl Fn(In) -> Out,
    body: &[u8],
) -> Outcome {
    let opened = open(body).ok_or_else(|| TaskError::Invalid(body.to_vec()))?;
    let mut answer = Vec::new();
    let given = match opened.callee {
        None if opened.is_many => {
            answer.reserve(room_for_answers::<In, Out>(opened.rest));
            let call = |argument: &[u8], answer: &mut Vec<u8>| {
                put_value(&own(from_bytes(argument).ok()?), answer);
                Some(())
            };
            return Ok(answers(opened.rest, answer, call));
        }
        None => caught(|| {
            append(&own(from_bytes(opened.rest).ok()?), &mut answer);
            Some(())
        }),
        Some(callee) if opened.is_many => {
            let call = |argument: &[u8], answer: &mut Vec<u8>| {
                // SAFETY: the caller says so.
                put_written(answer, |answer| unsafe { callee.call(argument, answer) })
            };
            return Ok(answers(opened.rest, answer, call));
        }
        // SAFETY: the caller says so.
        Some(callee) => caught(|| unsafe { callee.call(opened.rest, &mut answer) }),
    };
    match given {
        Ok(Some(())) => Ok(answer),
        Ok(None) => Err(TaskError::Invalid(opened.rest.to_vec())),
        Err(panic) => Err(TaskError::Panicked(panic)),
    }
}

/// The answers to many: what `call` appends for each, or why it does not.
fn answers(
    many: &[u8],
    mut answer: Vec<u8>,
    call: impl Fn(&[u8], &mut Vec<u8>) -> Option<()>,
) -> Vec<u8> {
    let (mut arguments, mut start) = (arguments(many), 0);
    loop {
        // One section for all of them, and another behind each that panics: one for each
        // would be as much work as a small task.
        let stopped = caught(|| {
            arguments.find(|argument| {
                start = answer.len();
                call(argument, &mut answer).is_none()
            })
        });
        let error = match stopped {
            Ok(None) => return answer,
            Ok(Some(argument)) => TaskError::Invalid(argument.to_vec()),
            Err(panic) => TaskError::Panicked(panic),
        };
        // Half a result may be there.
        answer.truncate(start);
        put_error(error, &mut answer);
    }
}

/// Runs code of the user's; a panic's message and place.
pub(super) fn caught<T>(f: impl FnOnce() -> T) -> Result<T, String> {
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
