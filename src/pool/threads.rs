//! Threads of this process as a pool's crew: each takes the next task from the book by
//! itself, and says there what became of it.
#![allow(unsafe_code)]

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use super::book::Book;
use super::crew::Crew;
use super::desk::Desk;
use super::error::PoolError;
use super::exchange::{Exchange, Limits};
use super::worker::attempt_at;
use crate::primitive;
use crate::process::record_panics;
use crate::shared::message::Message;
use crate::sys::errno::Named;

#[derive(Default)]
pub(super) struct Threads {
    /// There is something to do, or never will be again.
    work: Condvar,
    handles: Mutex<Vec<JoinHandle<()>>>,
}

impl Threads {
    /// One task more is there.
    pub(super) fn wake_one(&self) {
        self.work.notify_one();
    }

    /// There may be no more of them.
    pub(super) fn wake(&self) {
        self.work.notify_all();
    }

    /// Waits until all of them have ended.
    pub(super) fn finish(&self) {
        self.wake();
        let handles = core::mem::take(&mut *self.handles());
        // They catch every panic.
        handles.into_iter().for_each(|thread| drop(thread.join()));
    }

    pub(super) fn hired(&self, thread: JoinHandle<()>) {
        self.handles().push(thread);
    }

    /// Waits until there may be something to do.
    pub(super) fn wait<'a>(&self, desk: MutexGuard<'a, Desk>) -> MutexGuard<'a, Desk> {
        self.work.wait(desk).unwrap_or_else(PoisonError::into_inner)
    }

    /// How many there are that were not waited for.
    pub(super) fn count(&self) -> usize {
        self.handles().len()
    }

    fn handles(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many items are under way for each thread, so that none waits for more of them.
const AHEAD: usize = 4;

/// An exchange whose crew is so many threads, which run `function`.
pub(super) fn exchange<In, Out, H>(workers: usize, function: H) -> Result<Arc<Exchange>, PoolError>
where
    In: Message,
    Out: Message,
    H: Fn(In) -> Out + Send + Sync + 'static,
{
    record_panics();
    let limits = Limits { body: usize::MAX, workers, ahead: AHEAD };
    let crew = Crew::Threads(Threads::default());
    let exchange = Exchange::new(primitive::current()?, crew, limits, Book::new(workers, 1, 0));
    let (exchange, function) = (Arc::new(exchange), Arc::new(function));
    for slot in 0..workers {
        let (its, function) = (Arc::clone(&exchange), Arc::clone(&function));
        let life = move || {
            while let Some((ticket, number, body)) = its.next_for(slot) {
                // SAFETY: it was entered in this process.
                its.reported(ticket, number, unsafe { attempt_at(&*function, &body) });
            }
        };
        let thread = thread::Builder::new().name(format!("worker-{}", slot + 1)).spawn(life);
        if let Err(error) = thread.named("pthread_create").map(|thread| exchange.hired(thread)) {
            let _ = exchange.terminate();
            return Err(error.into());
        }
    }
    Ok(exchange)
}
