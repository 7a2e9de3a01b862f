//! `Pool`: tasks in, results out.

use core::fmt;
use core::marker::PhantomData;
use std::sync::Arc;

use super::body::{one, value};
use super::builder::{Builder, how_many};
use super::desk::Callback;
use super::error::{PoolError, TaskError};
use super::exchange::Exchange;
use super::report::Outcome;
use super::result::AsyncResult;
use super::threads;
use crate::error::Error;
use crate::shared::message::Message;

/// Worker processes that run one function with many arguments, or functions that come
/// with the [tasks](Pool::apply_fn); or [threads](Pool::threads).
///
/// Make it while this process has one thread, since it forks; from then on use it from
/// as many threads as you like. The function and what it captured are in each worker
/// as they were when the pool was made. Arguments and results travel as
/// [`Message`]s. A worker may spawn processes and have pools of its own.
///
/// Tasks are given out, results taken in and callbacks called inside this process's
/// calls, mostly those that wait: see [the module](super).
///
/// Dropped, it is [terminated](Pool::terminate), also while a panic unwinds. To have every
/// task finished, [`close`](Pool::close) and [`join`](Pool::join) it.
///
/// # When a process dies
///
/// - A worker: the task in its hands fails, at once, by
///   [`TaskError::Signalled`], and no other does. It is not tried again unless
///   [`retries`](Builder::retries) allow it. Another worker takes its place.
/// - The keeper, the process between this one and the workers: they end with it, and
///   every task that is not finished fails by [`TaskError::Keeper`].
/// - This process: keeper and workers end with it.
///
/// # Examples
///
/// ```
/// use killproof::pool::{Pool, TaskError};
///
/// let pool = Pool::new(4, |n: u32| match n {
///     13 => std::process::abort(), // as if by the OOM killer
///     n => n * n,
/// })?;
/// assert_eq!(pool.apply(12)?, 144);
/// assert_eq!(pool.apply(13), Err(TaskError::Signalled(6)));
/// assert_eq!(pool.map(1..=4)?, [1, 4, 9, 16]);
///
/// let result = pool.apply_async(5);
/// pool.close();
/// pool.join()?;
/// assert_eq!(result.get()?, 25);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Pool<In, Out> {
    exchange: Arc<Exchange>,
    function: PhantomData<fn(In) -> Out>,
}

impl Pool<(), ()> {
    /// What a pool will be, before it is one.
    pub fn builder() -> Builder {
        Builder::new()
    }
}

impl<In: Message, Out: Message> Pool<In, Out> {
    /// A pool of so many workers that run `function`; of `None`, as many as
    /// [`available_parallelism`](std::thread::available_parallelism) says, which
    /// knows of affinity and cgroups.
    ///
    /// # Errors
    ///
    /// As [`Builder::build`].
    pub fn new<H>(workers: impl Into<Option<usize>>, function: H) -> Result<Self, PoolError>
    where
        H: Fn(In) -> Out + Send + 'static,
        In: 'static,
        Out: 'static,
    {
        let builder = Builder::new();
        match workers.into() {
            Some(workers) => builder.processes(workers),
            None => builder,
        }
        .build(function)
    }

    /// A pool of so many threads of this process: the same to its users, for tasks that
    /// mostly wait, for a disk or the network. For those that compute, and for all that
    /// might be killed, there are processes.
    ///
    /// It is made and used beside any other threads; but as long as it is there, this
    /// process does not [`spawn`](crate::process::spawn). A panic fails its task and tells its
    /// place; for that a hook is put before the panic hook that is there. To
    /// [`terminate`](Pool::terminate) takes no task out of a thread's hands: it goes on to
    /// the task's end, and [`join`](Pool::join) waits for it.
    ///
    /// # Errors
    ///
    /// [`PoolError::Failed`] when the system refuses, or, with
    /// [`is_limit`](Error::is_limit), for no threads or more than 1024.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::pool::Pool;
    /// use std::net::TcpStream;
    ///
    /// let pool = Pool::threads(16, |port: u16| TcpStream::connect(("127.0.0.1", port)).is_ok())?;
    /// println!("{} ports are open", pool.map(1..=64)?.iter().filter(|open| **open).count());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "ThreadPool")]
    pub fn threads<H>(workers: impl Into<Option<usize>>, function: H) -> Result<Self, PoolError>
    where
        H: Fn(In) -> Out + Send + Sync + 'static,
        In: 'static,
        Out: 'static,
    {
        let exchange = threads::exchange(how_many(workers.into())?, function)?;
        Ok(Pool { exchange, function: PhantomData })
    }

    pub(super) fn over(exchange: Exchange) -> Self {
        Pool { exchange: Arc::new(exchange), function: PhantomData }
    }

    /// Runs the function with `argument` in a worker and waits for its result.
    ///
    /// # Errors
    ///
    /// See [`TaskError`].
    pub fn apply(&self, argument: In) -> Result<Out, TaskError> {
        self.apply_async(argument).get()
    }

    /// Runs the function with `argument` in a worker, and returns at once. Where no
    /// worker has room, the argument waits here, as bytes.
    ///
    /// # Errors
    ///
    /// None here: what keeps it from being run, such as a closed pool, the result says
    /// ([`AsyncResult::get`]).
    pub fn apply_async(&self, argument: In) -> AsyncResult<Out> {
        self.enter(one(None, &argument), None)
    }

    /// As [`apply_async`](Pool::apply_async), and calls `callback` in this process with
    /// what became of the task, before [`get`](AsyncResult::get) gives it.
    ///
    /// It is called by whichever thread of this process waits for a result of this pool,
    /// asks for one ([`ready`](AsyncResult::ready)), gives a task for which no worker has
    /// room, joins, terminates or drops the pool; so it should not take long. It may use
    /// the pool, but not wait for its own result or for the pool's end. A panic of it goes
    /// to the caller of whatever called it, and harms nothing else; where that is the
    /// pool's destructor, it goes to the panic hook and no further.
    ///
    /// # Errors
    ///
    /// As [`apply_async`](Pool::apply_async); the callback is told, too.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc::channel;
    ///
    /// let pool = killproof::pool::Pool::new(2, |page: String| page.len() as u64)?;
    /// let (sizes, list) = channel();
    /// for page in ["<html>", "<p>"] {
    ///     let sizes = sizes.clone();
    ///     drop(pool.apply_async_with(page.into(), move |size| sizes.send(size).unwrap()));
    /// }
    /// pool.close();
    /// pool.join()?;
    /// assert_eq!(list.try_iter().filter_map(Result::ok).sum::<u64>(), 9);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn apply_async_with(
        &self,
        argument: In,
        callback: impl FnOnce(Result<Out, TaskError>) + Send + 'static,
    ) -> AsyncResult<Out> {
        let callback = move |outcome: Outcome| callback(outcome.and_then(|bytes| value(&bytes)));
        self.enter(one(None, &argument), Some(Box::new(callback)))
    }
}

impl<In, Out> Pool<In, Out> {
    pub(super) fn enter<R>(&self, body: Vec<u8>, callback: Option<Callback>) -> AsyncResult<R> {
        AsyncResult::new(Arc::clone(&self.exchange), self.exchange.enter(body, None, callback))
    }

    pub(super) fn exchange(&self) -> &Arc<Exchange> {
        &self.exchange
    }

    /// Takes no more tasks; those that were given are finished.
    pub fn close(&self) {
        self.exchange.close();
    }

    /// Ends the workers at once, by SIGKILL. Tasks that are not finished fail, by
    /// [`TaskError::Closed`]. From any thread, and from callbacks.
    ///
    /// It returns when the workers have ended. If the keeper has not ended them within
    /// two seconds, because it is stopped, it is killed; then the kernel ends them, and
    /// nobody waits for that: one with much memory may be there a moment longer.
    ///
    /// # Errors
    ///
    /// When the system refuses, or in a process that is not the pool's.
    pub fn terminate(&self) -> Result<(), Error> {
        self.exchange.terminate()
    }

    /// Waits until every task is finished and every worker has ended.
    ///
    /// # Errors
    ///
    /// [`PoolError::Running`] before [`close`](Pool::close) or
    /// [`terminate`](Pool::terminate), since it would have no end;
    /// [`PoolError::Keeper`] and [`PoolError::Initializer`] where the pool ended by
    /// that.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::pool::{Pool, PoolError, TaskError};
    ///
    /// let pool = Pool::new(2, |n: u32| n + 1)?;
    /// let result = pool.apply_async(1);
    /// assert_eq!(pool.join(), Err(PoolError::Running));
    /// pool.close();
    /// assert_eq!(pool.apply(2), Err(TaskError::Closed));
    /// pool.join()?;
    /// assert_eq!(result.get(), Ok(2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn join(&self) -> Result<(), PoolError> {
        self.exchange.join()
    }
}

/// [Terminates](Pool::terminate) it.
impl<In, Out> Drop for Pool<In, Out> {
    fn drop(&mut self) {
        // Nobody is left to be told, and here a callback's panic would be an abort.
        self.exchange.abandon();
    }
}

impl<In, Out> fmt::Debug for Pool<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.exchange.fmt(f)
    }
}
