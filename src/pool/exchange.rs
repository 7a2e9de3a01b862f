//! The owner's side: the book behind a lock, and the one loop in which a thread waits, for
//! itself and for all the others.
//!
//! Of the threads that wait, one leads: it takes in what has come, gives out what is
//! next, and sleeps until somebody knocks. The others sleep until it tells them, or for
//! a slice, lest it be gone. Nobody holds the lock in a sleep, and no code of the user's
//! runs under it. Where the [crew](super::crew) is threads nobody needs to lead: they use
//! the book themselves, and tell.

use core::fmt;
use core::time::Duration;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use super::book::Book;
use super::call::Callee;
use super::crew::{Crew, Processes};
use super::desk::{Callback, Desk};
use super::error::{PoolError, TaskError};
use super::report::{EVERYBODY, Order, Outcome, outcome, too_large};
use super::worker::caught;
use crate::deadline::{Deadline, Metronome, Slices};
use crate::error::{Error, Kind};
use crate::primitive::{self, Stamp, YIELDS, yield_now};
use crate::shared::message::Message;

/// A sleep at most; and when nothing came for so long, what lies at a worker that did not
/// begin it, such as one that was stopped, is given to others.
const SLICE: Duration = Duration::from_millis(100);

pub(super) struct Exchange {
    /// Whose it is: a copy in a forked child is of no use.
    owner: Stamp,
    crew: Crew,
    limits: Limits,
    desk: Mutex<Desk>,
    told: Condvar,
    /// When those who never wait ask whether the keeper lives.
    polls: Metronome,
}

/// What fits into a pool.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// The most bytes of a body.
    pub(super) body: usize,
    pub(super) workers: usize,
    /// How many tasks are to be under way for each worker, so that none wants for any.
    pub(super) ahead: usize,
}

impl Exchange {
    pub(super) fn new(owner: Stamp, crew: Crew, limits: Limits, book: Book) -> Exchange {
        let desk = Mutex::new(Desk::new(book, matches!(crew, Crew::Threads(_))));
        let (told, polls) = (Condvar::new(), Metronome::new());
        Exchange { owner, crew, limits, desk, told, polls }
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    pub(super) fn desk(&self) -> MutexGuard<'_, Desk> {
        // A callback's panic goes through none of the sections.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_owner(&self) -> bool {
        primitive::is_current(self.owner)
    }

    fn check_owner(&self) -> Result<(), Error> {
        if primitive::current()? == self.owner {
            Ok(())
        } else {
            Err(Error::new("pool", Kind::NotOwner))
        }
    }

    /// A function that a task may bring.
    pub(super) fn callee<A, R>(&self, function: fn(A) -> R) -> Result<Callee, TaskError>
    where
        A: Message,
        R: Message,
    {
        let callee = Callee::new(function);
        let unknown = || Error::new("a function that came after its pool", Kind::Limit).into();
        self.crew.knows(callee).then_some(callee).ok_or_else(unknown)
    }

    /// A new task, given out if a worker has room for it.
    pub(super) fn enter(
        &self,
        body: Vec<u8>,
        batch: Option<u64>,
        callback: Option<Callback>,
    ) -> Result<u64, TaskError> {
        self.check_owner()?;
        if body.len() > self.limits.body {
            return Err(too_large());
        }
        let mut desk = self.desk();
        let ticket = desk.book.enter(body, batch)?;
        if let Some(callback) = callback {
            desk.callbacks.insert(ticket, Some(callback));
        }
        self.crew.give_out(&mut desk.book, false);
        // Nobody else may be there to make room for it.
        let is_behind = desk.book.has_backlog() && !desk.is_led;
        drop(desk);
        if is_behind {
            self.wait_until(Deadline::Now, |desk| !desk.book.has_backlog())?;
        }
        Ok(ticket)
    }

    /// The outcome of a task, once, if it is there and nobody is to be called first.
    pub(super) fn take_now(&self, ticket: u64) -> Result<Option<Outcome>, TaskError> {
        self.check_owner()?;
        let mut desk = self.desk();
        let is_next = desk.due.is_empty() && desk.is_done(ticket);
        Ok(if is_next { desk.book.take(ticket) } else { None })
    }

    /// Waits until `is_done`; false: the time is up.
    pub(super) fn wait_until(
        &self,
        deadline: Deadline,
        is_done: impl Fn(&Desk) -> bool,
    ) -> Result<bool, TaskError> {
        self.check_owner()?;
        loop {
            self.call_back();
            let mut desk = self.desk();
            if is_done(&desk) {
                return Ok(true);
            }
            match &self.crew {
                Crew::Processes(processes) if !desk.is_led => {
                    desk.is_led = true;
                    drop(desk);
                    self.lead(processes, deadline, &is_done);
                    self.call_back();
                    desk = self.desk();
                }
                _ if !deadline.has_passed() => {
                    self.listen(desk, deadline);
                    continue;
                }
                _ => {}
            }
            if is_done(&desk) || deadline.has_passed() {
                return Ok(is_done(&desk));
            }
        }
    }

    /// Sleeps until somebody tells of something, or for a slice.
    fn listen(&self, mut desk: MutexGuard<'_, Desk>, deadline: Deadline) {
        desk.listeners += 1;
        let slice = deadline.remaining().map_or(SLICE, |left| left.min(SLICE));
        let woken = self.told.wait_timeout(desk, slice);
        woken.unwrap_or_else(PoisonError::into_inner).0.listeners -= 1;
    }

    /// Tells those who listen, if there are any: else it would be a system call for
    /// nothing.
    fn tell(&self, desk: &Desk) {
        if desk.listeners > 0 {
            self.told.notify_all();
        }
    }

    /// Takes in and gives out until `is_done`, or a callback is due.
    fn lead(&self, crew: &Processes, deadline: Deadline, is_done: &impl Fn(&Desk) -> bool) {
        let _led = Led(self);
        let knocks = crew.board.knocks();
        let (mut slices, mut idle, mut ticket) = (Slices::new(), None, None);
        let mut yields = YIELDS;
        let mut ask = deadline.is_now() && self.polls.is_time();
        loop {
            let is_quiet = idle.is_some_and(|since: Instant| since.elapsed() >= SLICE);
            let (desk, came) = self.take_in(crew, ask, is_quiet);
            if is_done(&desk) || !desk.due.is_empty() || deadline.has_passed() {
                return;
            }
            drop(desk);
            ask = false;
            match ticket.take() {
                _ if came => (slices, idle, yields) = (Slices::new(), None, YIELDS),
                // Else small tasks would cost a sleep and a wake every few of them.
                None if yields > 0 => {
                    yields -= 1;
                    yield_now();
                }
                // Before the last look.
                None => ticket = Some(knocks.prepare()),
                Some(ticket) => {
                    idle.get_or_insert_with(Instant::now);
                    let passed = knocks.sleep(ticket, slices.next(deadline));
                    ask = slices.is_over(passed);
                }
            }
        }
    }

    /// Takes in what has come, and gives out what is next; whether anything came. Asks
    /// whether the keeper lives only with `ask`, at the end of a slice: its end is not
    /// told of, and most of the time something comes.
    fn take_in(&self, crew: &Processes, ask: bool, is_quiet: bool) -> (MutexGuard<'_, Desk>, bool) {
        // In this order: who has ended has said all.
        let has_ended = ask && !crew.keeper.is_alive();
        let reports = crew.receive();
        let came = has_ended || !reports.is_empty();
        let mut desk = self.desk();
        for report in reports {
            match report {
                (EVERYBODY, ..) => desk.end(&outcome(report).unwrap_err()),
                (ticket, attempt, ..) => desk.reported(ticket, attempt, outcome(report)),
            }
        }
        if has_ended {
            desk.end(&TaskError::Keeper);
        }
        self.crew.give_out(&mut desk.book, is_quiet);
        if came {
            self.tell(&desk);
        }
        (desk, came)
    }

    /// One more thread works here.
    pub(super) fn hired(&self, thread: JoinHandle<()>) {
        if let Crew::Threads(threads) = &self.crew {
            threads.hired(thread);
        }
    }

    /// The next task for the thread of this number, which waits for it; `None`: there
    /// will be none.
    pub(super) fn next_for(&self, slot: usize) -> Option<Order> {
        let Crew::Threads(threads) = &self.crew else { return None };
        let mut desk = self.desk();
        loop {
            let next = desk.book.next_for(slot);
            if next.is_some() || desk.book.is_closed() {
                return next;
            }
            desk = threads.wait(desk);
        }
    }

    /// What a thread says of its task.
    pub(super) fn reported(&self, ticket: u64, attempt: u32, outcome: Outcome) {
        let mut desk = self.desk();
        desk.reported(ticket, attempt, outcome);
        self.tell(&desk);
    }

    /// Calls the callbacks that are due, with nothing held.
    fn call_back(&self) {
        loop {
            let next = self.desk().due.pop_front();
            let Some((ticket, callback, outcome)) = next else { return };
            let _called = Called { exchange: self, ticket };
            callback(outcome);
        }
    }

    pub(super) fn close(&self) {
        self.desk().book.close();
        if let Crew::Threads(threads) = &self.crew {
            threads.wake();
        }
    }

    /// Ends the workers, and fails what is not finished.
    pub(super) fn terminate(&self) -> Result<(), Error> {
        self.check_owner()?;
        let mut desk = self.desk();
        desk.end(&TaskError::Closed);
        self.tell(&desk);
        drop(desk);
        self.crew.terminate()?;
        self.call_back();
        Ok(())
    }

    /// For a destructor: terminates, and nothing that a callback does goes further. In a
    /// forked child it does nothing.
    pub(super) fn abandon(&self) {
        // Again for the callbacks behind one that panicked: each is called once, and no
        // more come, so there is an end.
        while caught(|| drop(self.terminate())).is_err() {}
    }

    /// Waits until every task is finished and every worker has ended.
    pub(super) fn join(&self) -> Result<(), PoolError> {
        self.check_owner()?;
        if !self.desk().book.is_closed() {
            return Err(PoolError::Running);
        }
        self.wait_until(Deadline::Never, Desk::is_idle).map_err(|error| match error {
            TaskError::Failed(error) => PoolError::Failed(error),
            _ => PoolError::Keeper,
        })?;
        let cause = self.desk().book.cause().cloned();
        self.desk().end(&TaskError::Closed);
        self.crew.finish()?;
        match cause {
            None | Some(TaskError::Closed) => Ok(()),
            Some(TaskError::Initializer(message)) => Err(PoolError::Initializer(message)),
            Some(_) => Err(PoolError::Keeper),
        }
    }
}

/// This thread leads; dropped, another may.
struct Led<'a>(&'a Exchange);

impl Drop for Led<'_> {
    fn drop(&mut self) {
        let mut desk = self.0.desk();
        desk.is_led = false;
        self.0.tell(&desk);
    }
}

/// A callback runs; dropped, it has returned, or panicked.
struct Called<'a> {
    exchange: &'a Exchange,
    ticket: u64,
}

impl Drop for Called<'_> {
    fn drop(&mut self) {
        let mut desk = self.exchange.desk();
        desk.callbacks.remove(&self.ticket);
        self.exchange.tell(&desk);
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let desk = self.desk();
        let mut shown = f.debug_struct("Pool");
        match &self.crew {
            Crew::Processes(crew) => {
                shown.field("workers", &crew.lines.len()).field("keeper", &crew.keeper)
            }
            Crew::Threads(threads) => shown.field("threads", &threads.count()),
        };
        shown
            .field("unfinished", &desk.book.unfinished())
            .field("is_closed", &desk.book.is_closed())
            .finish_non_exhaustive()
    }
}
