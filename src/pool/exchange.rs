//! The owner's side: its ends of the rings, the book behind a lock, and the one loop in
//! which a thread waits, for itself and for all the others.
//!
//! Of the threads that wait, one leads: it takes in what has come, gives out what is
//! next, and sleeps until something comes. The others sleep until it tells them, or for
//! a slice, lest it be gone. Nobody holds the lock in a sleep, and no code of the user's
//! runs under it.

use core::fmt;
use core::time::Duration;
use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::book::{Book, Move};
use super::error::{PoolError, TaskError};
use super::report::{EVERYBODY, Order, Outcome, Report, outcome};
use crate::channel::{Receiver, Sender};
use crate::deadline::Deadline;
use crate::error::{Error, Kind};
use crate::primitive::{self, Stamp};
use crate::process::{Child, wait_any};
use crate::ready::{Ready, select};
use crate::sync::Event;

/// What is called in the owner with what became of a task.
pub(super) type Callback = Box<dyn FnOnce(Outcome) + Send>;

/// A sleep at most: what could not be done for a reason that nobody will tell of, such
/// as a worker that was stopped inside its ring, is tried again after it.
const SLICE: Duration = Duration::from_millis(100);

/// How long the keeper may take to end everybody, before it is killed: then its
/// lifeline does it.
const GRACE: Duration = Duration::from_secs(2);

pub(super) struct Exchange {
    /// Whose it is: a copy in a forked child is of no use.
    owner: Stamp,
    lines: Vec<Line>,
    notices: Receiver<Report>,
    keeper: Child<()>,
    stop: Event,
    desk: Mutex<Desk>,
    told: Condvar,
}

/// The owner's ends of one worker's rings.
pub(super) struct Line {
    pub(super) orders: Sender<Order>,
    /// To take back what has not begun.
    pub(super) todo: Receiver<Order>,
    pub(super) results: Receiver<Report>,
}

pub(super) struct Desk {
    pub(super) book: Book,
    callbacks: HashMap<u64, Option<Callback>>,
    due: VecDeque<(u64, Callback, Outcome)>,
    is_led: bool,
}

impl Desk {
    /// Whether the task is finished, and its callback has returned.
    pub(super) fn is_done(&self, ticket: u64) -> bool {
        self.book.is_done(ticket) && !self.callbacks.contains_key(&ticket)
    }

    /// Whether everything is.
    fn is_idle(&self) -> bool {
        self.book.unfinished() == 0 && self.callbacks.is_empty()
    }

    fn reported(&mut self, report: Report) {
        let (ticket, attempt, ..) = report;
        let outcome = outcome(report);
        let copy = self.callbacks.contains_key(&ticket).then(|| outcome.clone());
        if self.book.reported(ticket, attempt, outcome) {
            self.finished(ticket, copy);
        }
    }

    fn end(&mut self, cause: &TaskError) {
        for ticket in self.book.end(cause) {
            self.finished(ticket, Some(Err(cause.clone())));
        }
    }

    fn finished(&mut self, ticket: u64, outcome: Option<Outcome>) {
        let callback = self.callbacks.get_mut(&ticket).and_then(Option::take);
        self.due.extend(callback.zip(outcome).map(|(callback, said)| (ticket, callback, said)));
    }
}

impl Exchange {
    pub(super) fn new(
        owner: Stamp,
        lines: Vec<Line>,
        notices: Receiver<Report>,
        keeper: Child<()>,
        stop: Event,
        book: Book,
    ) -> Exchange {
        let desk = Desk { book, callbacks: HashMap::new(), due: VecDeque::new(), is_led: false };
        let (desk, told) = (Mutex::new(desk), Condvar::new());
        Exchange { owner, lines, notices, keeper, stop, desk, told }
    }

    pub(super) fn desk(&self) -> MutexGuard<'_, Desk> {
        // A callback's panic goes through none of the sections.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_owner(&self) -> bool {
        primitive::current() == Ok(self.owner)
    }

    fn check_owner(&self) -> Result<(), Error> {
        if primitive::current()? == self.owner {
            Ok(())
        } else {
            Err(Error::new("pool", Kind::NotOwner))
        }
    }

    /// A new task, given out if a worker has room for it.
    pub(super) fn enter(
        &self,
        body: Vec<u8>,
        callback: Option<Callback>,
    ) -> Result<u64, TaskError> {
        self.check_owner()?;
        let mut desk = self.desk();
        let ticket = desk.book.enter(body)?;
        if let Some(callback) = callback {
            desk.callbacks.insert(ticket, Some(callback));
        }
        self.give_out(&mut desk, false);
        // Nobody else may be there to make room for it.
        let is_behind = desk.book.has_backlog() && !desk.is_led;
        drop(desk);
        if is_behind {
            self.wait_until(Deadline::Now, |desk| !desk.book.has_backlog())?;
        }
        Ok(ticket)
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
            if !desk.is_led {
                desk.is_led = true;
                drop(desk);
                self.lead(deadline, &is_done)?;
                self.call_back();
                desk = self.desk();
            } else if !deadline.has_passed() {
                drop(self.told.wait_timeout(desk, slice_of(deadline)));
                continue;
            }
            if is_done(&desk) || deadline.has_passed() {
                return Ok(is_done(&desk));
            }
        }
    }

    /// Takes in and gives out until `is_done`, or a callback is due.
    fn lead(&self, deadline: Deadline, is_done: &impl Fn(&Desk) -> bool) -> Result<(), TaskError> {
        let _led = Led(self);
        let mut is_quiet = false;
        loop {
            self.take_in(is_quiet);
            let desk = self.desk();
            if is_done(&desk) || !desk.due.is_empty() || deadline.has_passed() {
                return Ok(());
            }
            drop(desk);
            let slice = slice_of(deadline);
            let mut things: Vec<&dyn Ready> = vec![&self.notices, &self.keeper];
            things.extend(self.lines.iter().map(|line| &line.results as &dyn Ready));
            is_quiet = select(&things, Some(slice))?.is_none() && slice == SLICE;
        }
    }

    /// Takes in what has come, and gives out what is next.
    fn take_in(&self, is_quiet: bool) {
        // In this order: who is dead has said all, and the keeper what there was to say
        // of that. So a result is seen before the news that its worker is dead.
        let has_ended = !self.keeper.is_alive();
        let notices = all_of(&self.notices);
        let results: Vec<Report> =
            self.lines.iter().flat_map(|line| all_of(&line.results)).collect();
        let is_news = has_ended || !notices.is_empty() || !results.is_empty();
        let mut desk = self.desk();
        results.into_iter().for_each(|result| desk.reported(result));
        for notice in notices {
            match notice {
                (EVERYBODY, ..) => desk.end(&outcome(notice).unwrap_err()),
                _ => desk.reported(notice),
            }
        }
        if has_ended {
            desk.end(&TaskError::Keeper);
        }
        self.give_out(&mut desk, is_quiet);
        drop(desk);
        if is_news {
            self.told.notify_all();
        }
    }

    /// Gives tasks to whoever has room. Never waits.
    fn give_out(&self, desk: &mut Desk, is_quiet: bool) {
        desk.book.begin_round(is_quiet);
        while let Some(next) = desk.book.next_move() {
            match next {
                Move::Give { slot, order } => {
                    if let Err(error) = self.lines[slot].orders.try_send(order) {
                        desk.book.refused(slot, error.into_inner());
                    }
                }
                Move::Take { slot } => {
                    let order = self.lines[slot].todo.try_recv().ok();
                    desk.book.taken(slot, order);
                }
            }
        }
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
    }

    /// Ends keeper and workers, and fails what is not finished.
    pub(super) fn terminate(&self) -> Result<(), Error> {
        self.check_owner()?;
        self.desk().end(&TaskError::Closed);
        self.told.notify_all();
        self.stop.set();
        if wait_any(&[&self.keeper], Some(GRACE))?.is_none() {
            self.keeper.kill()?;
            wait_any(&[&self.keeper], None)?;
        }
        self.call_back();
        Ok(())
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
        // The workers end, and their keeper after them.
        self.desk().end(&TaskError::Closed);
        self.lines.iter().for_each(|line| line.orders.close());
        wait_any(&[&self.keeper], None)?;
        match cause {
            None | Some(TaskError::Closed) => Ok(()),
            Some(TaskError::Initializer(message)) => Err(PoolError::Initializer(message)),
            Some(_) => Err(PoolError::Keeper),
        }
    }
}

/// How long to sleep at once.
fn slice_of(deadline: Deadline) -> Duration {
    deadline.remaining().map_or(SLICE, |left| left.min(SLICE))
}

/// What is there to be received.
fn all_of(inbox: &Receiver<Report>) -> Vec<Report> {
    core::iter::from_fn(|| inbox.try_recv().ok()).collect()
}

/// This thread leads; dropped, another may.
struct Led<'a>(&'a Exchange);

impl Drop for Led<'_> {
    fn drop(&mut self) {
        self.0.desk().is_led = false;
        self.0.told.notify_all();
    }
}

/// A callback runs; dropped, it has returned, or panicked.
struct Called<'a> {
    exchange: &'a Exchange,
    ticket: u64,
}

impl Drop for Called<'_> {
    fn drop(&mut self) {
        self.exchange.desk().callbacks.remove(&self.ticket);
        self.exchange.told.notify_all();
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let desk = self.desk();
        f.debug_struct("Pool")
            .field("workers", &self.lines.len())
            .field("unfinished", &desk.book.unfinished())
            .field("is_closed", &desk.book.is_closed())
            .field("keeper", &self.keeper)
            .finish_non_exhaustive()
    }
}
