//! The keeper: the process that forks the workers, and learns how each of them ends.
//!
//! It has one thread and little memory, so it can fork at any time, whatever the pool's
//! owner has become since. It is the workers' parent; the owner is its own. Each ends
//! when its parent does. So the keeper hears no signal that is sent to everybody, as at
//! Ctrl-C: what that means to the pool, its owner decides.

use core::time::Duration;
use std::collections::VecDeque;

use super::board::Board;
use super::error::TaskError;
use super::report::{EVERYBODY, Order, Report, report, shortened};
use crate::channel::{Receiver, Sender, Task};
use crate::error::Error;
use crate::process::{Builder, Child};
use crate::ready::{Ready, select};
use crate::sync::Event;
use crate::sys::fork::{Hearing, hear};

/// Starts in a row that may fail at one place before the pool is given up.
const TRIES: u32 = 10;
/// Between two tries, and two looks at what could not be done at once.
const PAUSE: Duration = Duration::from_millis(20);

pub(super) struct Keeper<L> {
    pub(super) places: Vec<Place>,
    /// What it has to say of tasks whose worker is dead.
    pub(super) notices: Sender<Report>,
    pub(super) unsent: VecDeque<Report>,
    /// Set: everybody is to end, at once.
    pub(super) stop: Event,
    pub(super) board: Board,
    pub(super) timeout: Option<Duration>,
    /// A worker's life, at the place of this number.
    pub(super) life: L,
}

/// A worker's place, and who is there.
pub(super) struct Place {
    todo: Receiver<Order>,
    results: Sender<Report>,
    worker: Option<Child<Result<(), String>>>,
    failures: u32,
    is_late: bool,
}

impl Place {
    pub(super) fn new(todo: Receiver<Order>, results: Sender<Report>) -> Place {
        Place { todo, results, worker: None, failures: 0, is_late: false }
    }

    /// Whether a worker is missing there.
    fn is_vacant(&self) -> bool {
        self.worker.is_none() && !self.todo.is_closed()
    }
}

impl<L> Keeper<L>
where
    L: Fn(usize, &Receiver<Order>, &Sender<Report>) -> Result<(), String> + Clone + Send + 'static,
{
    /// Until all rings are closed and all workers have ended, or the pool is stopped.
    /// Workers hear the signals that `hearing` says.
    pub(super) fn keep(mut self, hearing: Hearing) {
        loop {
            let staffed = self.staff(hearing).and_then(|()| self.look_after_all());
            if let Err(cause) = staffed {
                return self.give_up(cause);
            }
            self.say();
            // Asked once a round: a ring that is closed between two questions would be a
            // reason neither to end nor to look again.
            let vacant = self.places.iter().filter(|place| place.is_vacant());
            let failures = vacant.map(|place| place.failures).min();
            if failures.is_none() && self.places.iter().all(|place| place.worker.is_none()) {
                return;
            }
            // Whoever did not fail to start is followed at once.
            let is_over = failures != Some(0) && self.wait(failures.is_some()).is_err();
            if is_over || self.stop.is_set() {
                return self.dismiss();
            }
        }
    }

    /// Forks who is missing.
    fn staff(&mut self, hearing: Hearing) -> Result<(), TaskError> {
        for (index, place) in self.places.iter_mut().enumerate() {
            if !place.is_vacant() {
                continue;
            }
            self.board.start(index);
            let life = self.life.clone();
            let (todo, results) = (place.todo.clone(), place.results.clone());
            let builder = Builder::new().name(format!("worker-{}", index + 1));
            let builder = builder.daemon(true).may_have_children(true);
            let life = move || {
                hear(hearing).expect("a mask that was there before");
                life(index, &todo, &results)
            };
            match builder.spawn(life) {
                Ok(worker) => place.worker = Some(worker),
                Err(error) => place.has_failed(error.to_string())?,
            }
        }
        Ok(())
    }

    /// Sleeps until there is something to do.
    fn wait(&self, is_vacant: bool) -> Result<(), Error> {
        let is_behind = is_vacant || !self.unsent.is_empty();
        // Who is idle now cannot be late before the whole of the limit has passed.
        let left = |index, limit| self.board.left(index, limit).unwrap_or(limit);
        let next = self
            .timeout
            .and_then(|limit| (0..self.places.len()).map(|index| left(index, limit)).min());
        let pause = is_behind.then_some(PAUSE).into_iter().chain(next).min();
        let workers = self.places.iter().filter_map(|place| place.worker.as_ref());
        let mut things: Vec<&dyn Ready> = vec![&self.stop];
        things.extend(workers.map(|worker| worker as &dyn Ready));
        select(&things, pause).map(drop)
    }

    fn look_after_all(&mut self) -> Result<(), TaskError> {
        for (index, place) in self.places.iter_mut().enumerate() {
            let Some(worker) = &mut place.worker else { continue };
            if self.timeout.is_some_and(|limit| self.board.is_late(index, limit)) {
                place.is_late = true;
                let _ = worker.kill();
            }
            let (why, cause) = match worker.try_join() {
                Ok(None) => continue,
                Ok(Some(Ok(()))) => (None, TaskError::Exited(0)),
                Ok(Some(Err(why))) => (Some(why.clone()), TaskError::Initializer(why)),
                Err(error) => (Some(error.to_string()), error.into()),
            };
            place.worker = None;
            let has_failed =
                self.board.is_starting(index) || matches!(cause, TaskError::Initializer(_));
            let is_late = core::mem::take(&mut place.is_late);
            let cause = if is_late { TaskError::TimedOut } else { cause };
            // It is dead and has no successor: what is on lease there, it had.
            let hands = place.todo.dead_letters().try_lease().ok().map(Task::done);
            if let Some((ticket, attempt, _)) = hands {
                self.unsent.push_back(report(ticket, attempt, Err(cause)));
            }
            match why {
                Some(why) if has_failed => place.has_failed(why)?,
                _ => place.failures = 0,
            }
        }
        Ok(())
    }

    /// Tells the owner, as far as it reads.
    fn say(&mut self) {
        while let Some(notice) = self.unsent.pop_front() {
            if let Err(error) = self.notices.try_send(notice) {
                return self.unsent.push_front(error.into_inner());
            }
            self.board.knocks().knock();
        }
    }

    /// Ends the workers.
    fn dismiss(&mut self) {
        let workers = || self.places.iter().filter_map(|place| place.worker.as_ref());
        workers().for_each(|worker| drop(worker.kill()));
        for worker in self.places.iter_mut().filter_map(|place| place.worker.take()) {
            let _ = worker.join();
        }
    }

    /// There will be no workers.
    fn give_up(mut self, cause: TaskError) {
        self.dismiss();
        let notice = shortened(report(EVERYBODY, 0, Err(cause)));
        for notice in self.unsent.into_iter().chain([notice]) {
            let _ = self.notices.send(notice);
            self.board.knocks().knock();
        }
    }
}

impl Place {
    /// One start more that came to nothing.
    fn has_failed(&mut self, why: String) -> Result<(), TaskError> {
        self.failures += 1;
        if self.failures < TRIES { Ok(()) } else { Err(TaskError::Initializer(why)) }
    }
}
