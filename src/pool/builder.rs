//! What a pool will be, before it is one.

use core::fmt;
use core::num::NonZero;
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::thread::available_parallelism;

use super::board::{Board, MOST};
use super::body::COVER;
use super::book::Book;
use super::crew::{Crew, Line, Processes};
use super::error::PoolError;
use super::exchange::{Exchange, Limits};
use super::handle::Pool;
use super::keeper::{Keeper, Place};
use super::report::{ENVELOPE, Order, Report};
use super::worker::{Duties, Initializer};
use crate::channel::{self, Receiver, Sender};
use crate::error::{Error, Kind};
use crate::shared::message::Message;
use crate::sync::Event;
use crate::sys::map::Code;
use crate::{primitive, process};

/// What a pool will be, before it is one; from [`Pool::builder`].
///
/// # Examples
///
/// ```
/// use killproof::pool::{Pool, TaskError};
/// use std::time::Duration;
///
/// let pool = Pool::builder()
///     .processes(2)
///     .timeout(Duration::from_millis(50))
///     .build(|seconds: u64| std::thread::sleep(Duration::from_secs(seconds)))?;
/// assert_eq!(pool.apply(3600), Err(TaskError::TimedOut));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a builder does nothing until `build` is called"]
pub struct Builder {
    processes: Option<usize>,
    depth: usize,
    retries: u32,
    timeout: Option<Duration>,
    most_tasks: Option<usize>,
    largest: usize,
    initializer: Option<Initializer>,
}

impl Builder {
    pub(super) fn new() -> Builder {
        Builder {
            processes: None,
            depth: 64,
            retries: 0,
            timeout: None,
            most_tasks: None,
            largest: 1 << 20,
            initializer: None,
        }
    }

    /// How many workers, 1 to 1024. Default: as many as
    /// [`available_parallelism`] says. Each takes six descriptors here.
    pub fn processes(mut self, workers: usize) -> Builder {
        self.processes = Some(workers);
        self
    }

    /// How many tasks lie at a worker at most, the one that it works on included, 1 to
    /// 1024. Default: 64.
    ///
    /// They are what it goes on with while nobody here waits for anything; and where tasks
    /// take microseconds, what keeps it from falling asleep after each. While somebody
    /// waits, a task that lies behind another goes to the next idle worker.
    ///
    /// # Examples
    ///
    /// ```
    /// let builder = killproof::pool::Pool::builder().processes(2).depth(1);
    /// let pool = builder.build(|n: u64| n + 1)?; // no task waits for another
    /// assert_eq!(pool.map(0..4)?, [1, 2, 3, 4]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn depth(mut self, tasks: usize) -> Builder {
        self.depth = tasks;
        self
    }

    /// How often a task is tried again whose worker was killed, or exited, in the middle
    /// of it. Default: 0, so that nothing runs twice that was not to.
    ///
    /// A panic is the function's own answer and is not tried again; nor is a task that
    /// took too long.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering};
    ///
    /// let runs = killproof::Shared::new(AtomicU32::new(0))?;
    /// let its_runs = runs.clone();
    /// let pool = killproof::pool::Pool::builder().retries(2).build(move |(): ()| {
    ///     if its_runs.fetch_add(1, Ordering::Relaxed) < 2 {
    ///         std::process::abort();
    ///     }
    /// })?;
    /// assert_eq!(pool.apply(()), Ok(()));
    /// assert_eq!(runs.load(Ordering::Relaxed), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn retries(mut self, times: u32) -> Builder {
        self.retries = times;
        self
    }

    /// How long a task may take, from when a worker begins it. Then the worker is
    /// killed, the task fails by [`TaskError::TimedOut`](super::TaskError::TimedOut), and
    /// another worker comes. Default: as long as it takes.
    ///
    /// Whatever the task does, it is ended; and one that has returned in time is not. Only
    /// one that has taken on another user's identity cannot be killed: it is ended when it
    /// returns.
    pub fn timeout(mut self, timeout: Duration) -> Builder {
        self.timeout = Some(timeout);
        self
    }

    /// After how many tasks a worker is replaced by a fresh one: against leaks in what
    /// it runs. Default: never.
    ///
    /// # Examples
    ///
    /// ```
    /// let builder = killproof::pool::Pool::builder().processes(1).max_tasks_per_child(2);
    /// let pool = builder.build(|(): ()| std::process::id())?;
    /// let pids = pool.map([(); 4])?;
    /// assert!(pids[0] == pids[1] && pids[1] != pids[2] && pids[2] == pids[3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn max_tasks_per_child(mut self, tasks: usize) -> Builder {
        self.most_tasks = Some(tasks);
        self
    }

    /// How many bytes an argument or a result may encode to. Default: 1 MiB. Memory is
    /// used as messages touch it. What is larger fails, by
    /// [`TaskError::Failed`](super::TaskError::Failed) with [`is_limit`](Error::is_limit).
    pub fn largest(mut self, bytes: usize) -> Builder {
        self.largest = bytes;
        self
    }

    /// What each worker does first.
    ///
    /// If it panics, another worker tries. If it does so ten times in a row, the pool
    /// has failed, and every task says why:
    /// [`TaskError::Initializer`](super::TaskError::Initializer).
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::pool::{Pool, TaskError};
    ///
    /// let pool = Pool::builder()
    ///     .processes(1)
    ///     .initializer(|| panic!("no licence"))
    ///     .build(|n: u8| n)?;
    /// let Err(TaskError::Initializer(why)) = pool.apply(1) else { panic!() };
    /// assert!(why.starts_with("no licence, at "));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn initializer(mut self, initializer: impl Fn() + Send + 'static) -> Builder {
        self.initializer = Some(Box::new(initializer));
        self
    }

    /// Makes the pool: forks its keeper, which forks the workers.
    ///
    /// What `function` captured is there three times from then on: here it is dropped
    /// at once, and the keeper keeps a copy to make workers of. Ends of queues in it
    /// count themselves in each worker at their first use there.
    ///
    /// # Errors
    ///
    /// [`PoolError::Spawn`] as [`process::spawn`], most of all when this process has other
    /// threads already; [`PoolError::Failed`] when the system refuses, or, with
    /// [`is_limit`](Error::is_limit), when a setting is zero or too large.
    pub fn build<In, Out, H>(self, function: H) -> Result<Pool<In, Out>, PoolError>
    where
        In: Message + 'static,
        Out: Message + 'static,
        H: Fn(In) -> Out + Send + 'static,
    {
        let workers = how_many(self.processes)?;
        for (setting, what) in [
            (self.depth, "a pool's depth, 1 to 1024"),
            (self.most_tasks.unwrap_or(1).min(MOST), "a pool's tasks per child, from 1"),
        ] {
            if !(1..=MOST).contains(&setting) {
                return Err(Error::new(what, Kind::Limit).into());
            }
        }
        let owner = primitive::current()?;
        let (mut lines, mut places) = (Vec::new(), Vec::new());
        for _ in 0..workers {
            let (orders, todo) = self.ring::<Order>()?;
            let (said, results) = self.ring::<Report>()?;
            places.push(Place::new(todo.clone(), said));
            lines.push(Line { orders, todo, results });
        }
        let notices = channel::Builder::new().capacity(NOTICES).participants(PARTICIPANTS);
        let (notices, heard) = notices.queue::<Report>()?;
        let (stop, board) = (Event::new()?, Board::new()?);
        let duties = Duties {
            handler: Arc::new(Mutex::new(function)),
            initializer: self.initializer.map(|it| Arc::new(Mutex::new(it))),
            most_tasks: self.most_tasks,
            board: board.clone(),
        };
        let life = move |place: usize, todo: &Receiver<Order>, results: &Sender<Report>| {
            duties.work::<In, Out>(place, todo, results)
        };
        let (unsent, timeout) = (VecDeque::new(), self.timeout);
        let its = (stop.clone(), board.clone());
        let keeper = Keeper { places, notices, unsent, stop: its.0, board: its.1, timeout, life };
        // Its copy of this process has at least that.
        let code = Code::here()?;
        let keeper = process::forker("pool", move |hearing| keeper.keep(hearing))?;
        let book = Book::new(workers, self.depth, self.retries);
        let crew = Processes { lines, notices: heard, keeper, stop, board, code };
        let body = self.largest.saturating_add(COVER);
        let limits = Limits { body, workers, ahead: self.depth };
        Ok(Pool::over(Exchange::new(owner, Crew::Processes(Box::new(crew)), limits, book)))
    }

    /// One of a worker's two rings. A task comes back to nobody but the keeper: to all
    /// others a lease whose holder is dead is a dead letter.
    fn ring<T: Message>(&self) -> Result<(Sender<T>, Receiver<T>), Error> {
        channel::Builder::new()
            .capacity(self.depth)
            .largest(self.largest.saturating_add(ENVELOPE))
            .participants(PARTICIPANTS)
            .leases(LEASES)
            .max_attempts(1)
            .queue()
    }
}

/// So many workers, or as many as there are cores.
pub(super) fn how_many(workers: Option<usize>) -> Result<usize, Error> {
    let cores = || available_parallelism().map_or(1, NonZero::get).min(MOST);
    let workers = workers.unwrap_or_else(cores);
    let refused = Error::new("a pool's workers, 1 to 1024", Kind::Limit);
    (1..=MOST).contains(&workers).then_some(workers).ok_or(refused)
}

/// What dead workers had, until somebody here reads it; more waits in the keeper.
const NOTICES: usize = 64;

/// The owner, the keeper, a worker, and room for one that has just died.
const PARTICIPANTS: usize = 8;

/// The task in a worker's hands, and room to spare.
const LEASES: usize = 4;

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("processes", &self.processes)
            .field("depth", &self.depth)
            .field("retries", &self.retries)
            .field("timeout", &self.timeout)
            .field("max_tasks_per_child", &self.most_tasks)
            .field("largest", &self.largest)
            .finish_non_exhaustive()
    }
}
