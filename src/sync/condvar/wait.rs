//! The waits of a condition variable, as they are called.

use std::time::Duration;

use super::Condvar;
use super::place::Ended;
use crate::deadline::Deadline;
use crate::shared::shareable::Shareable;
use crate::sync::abandoned::LockError;
use crate::sync::mutex::MutexGuard;

impl<const CAPACITY: usize> Condvar<CAPACITY> {
    /// Gives the mutex back, waits to be notified, and takes the mutex again.
    ///
    /// # Errors
    ///
    /// [`LockError::Abandoned`], with the mutex held, when an owner died or
    /// panicked, whether notified or not. [`LockError::Failed`], with the mutex
    /// given back, when the condition variable is not in a `Shared`, or already
    /// has `CAPACITY` waiters that live ([`is_limit`](crate::Error::is_limit)), or
    /// when this process is in another PID namespace.
    ///
    /// # When a process dies
    ///
    /// Killed in here, it leaves nothing behind: neither the mutex nor, within
    /// about 100 ms, its place or a notification.
    ///
    /// # Examples
    ///
    /// The owner is killed, and no notification comes:
    ///
    /// ```
    /// use killproof::sync::{Condvar, LockError, Mutex};
    /// use killproof::{Shared, process, shareable};
    ///
    /// shareable! {
    ///     struct Work { done: Mutex<u32>, progress: Condvar }
    /// }
    ///
    /// let work = Shared::new(Work { done: Mutex::new(0), progress: Condvar::new() })?;
    /// let theirs = work.clone();
    /// let worker = process::spawn(move || -> () {
    ///     let _done = theirs.done.lock().unwrap();
    ///     std::process::abort();
    /// })?;
    /// let mut done = work.done.lock();
    /// while let Ok(guard) = done {
    ///     done = work.progress.wait(guard);
    /// }
    /// let Err(LockError::Abandoned(abandoned)) = done else { panic!("{done:?}") };
    /// assert_eq!(abandoned.pid(), worker.pid());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait<'a, T: Shareable + Copy>(
        &self,
        guard: MutexGuard<'a, T>,
    ) -> Result<MutexGuard<'a, T>, LockError<MutexGuard<'a, T>>> {
        self.wait_until(guard, Deadline::Never, None).map(|(guard, _)| guard)
    }

    /// Waits as [`wait`](Condvar::wait) does, at most for `timeout`, not counting
    /// the time until the mutex is free.
    ///
    /// # Errors
    ///
    /// As [`wait`](Condvar::wait).
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::Shared;
    /// use killproof::sync::{Condvar, Mutex};
    /// use std::time::Duration;
    ///
    /// let (mutex, changed) = (Shared::new(Mutex::new(0_u32))?, Shared::new(Condvar::new())?);
    /// let guard = mutex.lock()?;
    /// let (guard, result) = changed.wait_timeout(guard, Duration::from_millis(5))?;
    /// assert!(result.timed_out() && *guard == 0);
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn wait_timeout<'a, T: Shareable + Copy>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> Result<(MutexGuard<'a, T>, WaitTimeoutResult), LockError<MutexGuard<'a, T>>> {
        let (guard, ended) = self.wait_until(guard, Deadline::after(timeout), None)?;
        Ok((guard, WaitTimeoutResult(ended == Ended::TimedOut)))
    }

    /// Waits until `condition` no longer holds.
    ///
    /// Besides when it is notified, it looks at the end of each of its time
    /// slices, so it goes on even if whoever made the change died before it could
    /// notify.
    ///
    /// # Errors
    ///
    /// As [`wait`](Condvar::wait). `condition` never sees an abandoned value.
    ///
    /// # Panics
    ///
    /// When `condition` does; the mutex is abandoned then.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::sync::{Condvar, Mutex};
    /// use killproof::{Shared, process, shareable};
    ///
    /// shareable! {
    ///     struct Door { open: Mutex<u8>, moved: Condvar }
    /// }
    ///
    /// let door = Shared::new(Door { open: Mutex::new(0), moved: Condvar::new() })?;
    /// let theirs = door.clone();
    /// // It does not come to notify anybody.
    /// let opens = process::spawn(move || *theirs.open.lock().unwrap() = 1)?;
    /// let open = door.moved.wait_while(door.open.lock().unwrap(), |open| *open == 0);
    /// assert_eq!(*open.unwrap(), 1);
    /// opens.join()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_while<'a, T: Shareable + Copy>(
        &self,
        guard: MutexGuard<'a, T>,
        condition: impl FnMut(&mut T) -> bool,
    ) -> Result<MutexGuard<'a, T>, LockError<MutexGuard<'a, T>>> {
        self.wait_while_until(guard, Deadline::Never, condition).map(|(guard, _)| guard)
    }

    /// Waits as [`wait_while`](Condvar::wait_while) does, at most for `timeout`.
    ///
    /// It has timed out only if `condition` still holds then.
    ///
    /// # Errors
    ///
    /// As [`wait`](Condvar::wait).
    ///
    /// # Panics
    ///
    /// When `condition` does; the mutex is abandoned then.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::sync::{Condvar, Mutex};
    /// use killproof::{Shared, shareable};
    /// use std::time::Duration;
    ///
    /// shareable! {
    ///     struct Door { open: Mutex<u8>, moved: Condvar }
    /// }
    ///
    /// let door = Shared::new(Door { open: Mutex::new(0), moved: Condvar::new() })?;
    /// let patience = Duration::from_millis(5);
    /// let guard = door.open.lock()?;
    /// let (guard, result) = door.moved.wait_timeout_while(guard, patience, |open| *open == 0)?;
    /// assert!(result.timed_out() && *guard == 0);
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn wait_timeout_while<'a, T: Shareable + Copy>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
        condition: impl FnMut(&mut T) -> bool,
    ) -> Result<(MutexGuard<'a, T>, WaitTimeoutResult), LockError<MutexGuard<'a, T>>> {
        let (guard, late) = self.wait_while_until(guard, Deadline::after(timeout), condition)?;
        Ok((guard, WaitTimeoutResult(late)))
    }
}

/// Whether a timed wait of a [`Condvar`] ended because the time was up.
///
/// # Examples
///
/// See [`Condvar::wait_timeout`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Whether the time was up, and no notification had come.
    pub fn timed_out(&self) -> bool {
        self.0
    }
}
