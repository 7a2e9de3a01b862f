//! A task that was given out, and what will become of it.

use core::fmt;
use core::marker::PhantomData;
use core::time::Duration;
use std::sync::Arc;

use super::body::value;
use super::error::TaskError;
use super::exchange::Exchange;
use super::report::Outcome;
use crate::deadline::Deadline;
use crate::shared::message::Message;

/// What will become of a task; from [`Pool::apply_async`](super::Pool::apply_async).
///
/// Dropped, the task goes on and its result is dropped as well. It may outlive its
/// pool: then it says what there was to say at the pool's end.
///
/// # When the worker dies
///
/// The task has failed, by [`TaskError::Signalled`], as soon as the keeper has learnt of
/// the death: at once. No other task notices.
///
/// # Examples
///
/// ```
/// use killproof::pool::{Pool, TaskError};
///
/// let pool = Pool::new(2, |n: u32| if n == 0 { std::process::abort() } else { 100 / n })?;
/// let (bad, good) = (pool.apply_async(0), pool.apply_async(4));
/// assert_eq!(bad.get(), Err(TaskError::Signalled(6)));
/// assert_eq!(good.get(), Ok(25));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropped, nobody learns what became of the task"]
pub struct AsyncResult<Out> {
    exchange: Arc<Exchange>,
    /// `Err`: there is no task, or not any more.
    pub(super) ticket: Result<u64, TaskError>,
    value: PhantomData<fn() -> Out>,
}

impl<Out: Message> AsyncResult<Out> {
    /// Waits for the result and gives it.
    ///
    /// # Errors
    ///
    /// See [`TaskError`].
    pub fn get(mut self) -> Result<Out, TaskError> {
        // With no deadline there is an end.
        self.get_until(Deadline::Never)?.ok_or(TaskError::Taken)
    }

    /// Waits at most `timeout` for the result and gives it; `None` if the task is not
    /// finished.
    ///
    /// # Errors
    ///
    /// As [`get`](AsyncResult::get); [`TaskError::Taken`] once it was given.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::pool::Pool;
    /// use std::time::Duration;
    ///
    /// let pool = Pool::new(1, |n: u64| n + 1)?;
    /// let mut result = pool.apply_async(41);
    /// let answer = loop {
    ///     match result.get_timeout(Duration::from_millis(10))? {
    ///         Some(answer) => break answer,
    ///         None => println!("still at it"),
    ///     }
    /// };
    /// assert_eq!(answer, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_timeout(&mut self, timeout: Duration) -> Result<Option<Out>, TaskError> {
        self.get_until(Deadline::after(timeout))
    }

    fn get_until(&mut self, deadline: Deadline) -> Result<Option<Out>, TaskError> {
        self.bytes_until(deadline)?.map(|bytes| value(&bytes)).transpose()
    }

    /// Waits until the task is finished, well or not.
    pub fn wait(&self) {
        self.wait_until(Deadline::Never);
    }

    /// Waits at most `timeout` until the task is finished; whether it is.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let pool = killproof::pool::Pool::new(1, |n: u64| n + 1)?;
    /// let result = pool.apply_async(41);
    /// while !result.wait_timeout(Duration::from_millis(10)) {
    ///     println!("still at it");
    /// }
    /// assert_eq!(result.get()?, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        self.wait_until(Deadline::after(timeout))
    }

    /// Whether the task is finished, well or not.
    pub fn ready(&self) -> bool {
        self.wait_until(Deadline::Now)
    }

    /// Whether the task has come to a value; `None` while it is not finished.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::pool::Pool;
    ///
    /// let pool = Pool::new(2, |n: u32| if n == 0 { panic!("zero") } else { n })?;
    /// let (bad, good) = (pool.apply_async(0), pool.apply_async(1));
    /// bad.wait();
    /// good.wait();
    /// assert!(bad.ready() && good.ready());
    /// assert_eq!((bad.successful(), good.successful()), (Some(false), Some(true)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn successful(&self) -> Option<bool> {
        if !self.ready() {
            return None;
        }
        let is_value = |ticket| self.exchange.desk().book.is_value(ticket);
        Some(self.ticket.as_ref().ok().and_then(|ticket| is_value(*ticket)).unwrap_or(false))
    }

    pub(super) fn wait_until(&self, deadline: Deadline) -> bool {
        let Ok(ticket) = self.ticket else { return true };
        // What keeps it from waiting, `get` says.
        self.exchange.wait_until(deadline, |desk| desk.is_done(ticket)).unwrap_or(true)
    }
}

impl<Out> AsyncResult<Out> {
    pub(super) fn new(exchange: Arc<Exchange>, ticket: Result<u64, TaskError>) -> Self {
        AsyncResult { exchange, ticket, value: PhantomData }
    }

    /// Waits for the result, and gives it as it came.
    pub(super) fn bytes(mut self) -> Outcome {
        self.bytes_until(Deadline::Never)?.ok_or(TaskError::Taken)
    }

    fn bytes_until(&mut self, deadline: Deadline) -> Result<Option<Vec<u8>>, TaskError> {
        let ticket = self.ticket.clone()?;
        if let Some(outcome) = self.exchange.take_now(ticket)? {
            self.ticket = Err(TaskError::Taken);
            return outcome.map(Some);
        }
        if !self.exchange.wait_until(deadline, |desk| desk.is_done(ticket))? {
            return Ok(None);
        }
        self.ticket = Err(TaskError::Taken);
        let outcome = self.exchange.desk().book.take(ticket);
        outcome.unwrap_or(Err(TaskError::Taken)).map(Some)
    }

    /// Nobody wants the result: a task that was not begun need not be.
    pub(super) fn withdraw(self) {
        if !self.exchange.is_owner() {
            return;
        }
        if let Ok(ticket) = self.ticket {
            self.exchange.desk().book.withdraw(ticket);
        }
    }
}

impl<Out> Drop for AsyncResult<Out> {
    fn drop(&mut self) {
        // In a forked child the desk is a copy, which may have been locked.
        if !self.exchange.is_owner() {
            return;
        }
        if let Ok(ticket) = self.ticket {
            self.exchange.desk().book.forget(ticket);
        }
    }
}

impl<Out> fmt::Debug for AsyncResult<Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.ticket {
            Err(_) => "over",
            Ok(ticket) if self.exchange.desk().book.is_done(*ticket) => "ready",
            Ok(_) => "pending",
        };
        f.debug_struct("AsyncResult").field("state", &format_args!("{state}")).finish()
    }
}
