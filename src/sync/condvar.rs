//! `Condvar`: `raw::Condvar` between a mutex's guards.
#![allow(unsafe_code)]

use core::fmt;
use std::time::Duration;

use super::abandoned::LockError;
use super::mutex::{Mutex, MutexGuard};
use crate::deadline::Deadline;
use crate::error::{Error, Kind};
use crate::primitive::{self, Stamp};
use crate::raw::condvar::{Waiter, Woken};
use crate::raw::{self, Refused};
use crate::shared::shareable::{Placement, Shareable};

/// Waits, without holding a [`Mutex`], for what is behind it to change.
///
/// [`std::sync::Condvar`] between processes. A notifier never waits for a
/// waiter, alive, stopped or dead. One [`notify_one`](Condvar::notify_one)
/// releases one waiter, in about the order in which they came. As with std's, a
/// wait may also end for no reason, which is rare here; look at the value again,
/// or leave that to [`wait_while`](Condvar::wait_while).
///
/// `CAPACITY` processes and threads can wait at once, at eight bytes each.
///
/// # When the owner dies
///
/// - *The owner of the mutex:* whoever waits is told within about 100 ms, without
///   any notification: its `wait` returns [`LockError::Abandoned`].
/// - *A waiter that was notified* and does not hold the mutex again yet: its
///   notification goes to another waiter within about 100 ms.
/// - *A notifier:* `notify_all` reaches all or nobody. Between a change and the
///   call to notify lies a gap that the library cannot see into:
///   [`wait_while`](Condvar::wait_while) looks at the value for itself about ten
///   times a second and does not need the call. With the others, notify while
///   you hold the guard; then a death in the gap is one of the owner.
///
/// # Examples
///
/// ```
/// use killproof::sync::{Condvar, Mutex};
/// use killproof::{Shared, process, shareable};
///
/// shareable! {
///     struct Kitchen { dishes: Mutex<u32>, ready: Condvar }
/// }
///
/// let kitchen = Shared::new(Kitchen { dishes: Mutex::new(0), ready: Condvar::new() })?;
/// let cook = {
///     let kitchen = kitchen.clone();
///     process::spawn(move || {
///         *kitchen.dishes.lock().unwrap() += 3;
///         kitchen.ready.notify_one();
///     })?
/// };
/// let dishes = kitchen.dishes.lock().unwrap();
/// let mut dishes = kitchen.ready.wait_while(dishes, |dishes| *dishes == 0).unwrap();
/// assert_eq!(*dishes, 3);
/// *dishes = 0;
/// drop(dishes);
/// cook.join()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[repr(C)]
pub struct Condvar<const CAPACITY: usize = 256> {
    raw: raw::Condvar<CAPACITY>,
}

// SAFETY: 1. `repr(C)`; atomic words, no pointer, no drop glue. 2. `place`
//    reaches the machine, the only field.
unsafe impl<const CAPACITY: usize> Shareable for Condvar<CAPACITY> {
    fn place(&self, _: &Placement) {
        self.raw.place();
    }
}

impl Condvar {
    /// A condition variable with room for 256 waiters at once, to be moved into
    /// a [`Shared`](crate::Shared).
    /// [`with_capacity`](Condvar::with_capacity) makes another number.
    pub fn new() -> Condvar {
        Condvar::with_capacity()
    }
}

impl<const CAPACITY: usize> Condvar<CAPACITY> {
    /// A condition variable with room for `CAPACITY` waiters at once.
    pub fn with_capacity() -> Condvar<CAPACITY> {
        const { assert!(CAPACITY > 0, "room for nobody") };
        Condvar { raw: raw::Condvar::new() }
    }

    /// Gives the mutex back, waits to be notified, and takes the mutex again.
    ///
    /// # Errors
    ///
    /// [`LockError::Abandoned`], with the mutex held, when an owner died or
    /// panicked, whether notified or not. [`LockError::Failed`], with the mutex
    /// given back, when the condition variable is not in a `Shared`, or already
    /// has `CAPACITY` waiters that live ([`is_limit`](Error::is_limit)).
    pub fn wait<'a, T: Shareable + Copy>(
        &self,
        guard: MutexGuard<'a, T>,
    ) -> Result<MutexGuard<'a, T>, LockError<'a, T>> {
        self.wait_until(guard, Deadline::Never, None).map(|(guard, _)| guard)
    }

    /// Waits as [`wait`](Condvar::wait) does, at most for `timeout`, not counting
    /// the time until the mutex is free.
    ///
    /// # Errors
    ///
    /// As [`wait`](Condvar::wait).
    pub fn wait_timeout<'a, T: Shareable + Copy>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> Result<(MutexGuard<'a, T>, WaitTimeoutResult), LockError<'a, T>> {
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
    pub fn wait_while<'a, T: Shareable + Copy>(
        &self,
        guard: MutexGuard<'a, T>,
        condition: impl FnMut(&mut T) -> bool,
    ) -> Result<MutexGuard<'a, T>, LockError<'a, T>> {
        self.wait_while_until(guard, Deadline::Never, condition).map(|(guard, _)| guard)
    }

    /// Waits as [`wait_while`](Condvar::wait_while) does, at most for `timeout`.
    /// (`wait_timeout_while` in std.)
    ///
    /// It has timed out only if `condition` still holds then.
    ///
    /// # Errors
    ///
    /// As [`wait`](Condvar::wait).
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
    /// let (guard, result) = door.moved.wait_while_timeout(guard, patience, |open| *open == 0)?;
    /// assert!(result.timed_out() && *guard == 0);
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn wait_while_timeout<'a, T: Shareable + Copy>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
        condition: impl FnMut(&mut T) -> bool,
    ) -> Result<(MutexGuard<'a, T>, WaitTimeoutResult), LockError<'a, T>> {
        self.wait_while_until(guard, Deadline::after(timeout), condition)
    }

    /// Releases one waiter, if there are any. Without waiters it costs a load.
    #[inline]
    pub fn notify_one(&self) {
        self.raw.notify_one();
    }

    /// Releases everybody who waits.
    #[inline]
    pub fn notify_all(&self) {
        self.raw.notify_all();
    }

    fn wait_while_until<'a, T: Shareable + Copy>(
        &self,
        mut guard: MutexGuard<'a, T>,
        deadline: Deadline,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> Result<(MutexGuard<'a, T>, WaitTimeoutResult), LockError<'a, T>> {
        while condition(&mut guard) {
            if deadline.has_passed() {
                return Ok((guard, WaitTimeoutResult(true)));
            }
            let ended;
            (guard, ended) = self.wait_until(guard, deadline, Some(&mut condition))?;
            if ended == Ended::Looked {
                break;
            }
        }
        Ok((guard, WaitTimeoutResult(false)))
    }

    /// The one wait. With a `condition`, it looks at the end of each slice
    /// whether that still holds.
    fn wait_until<'a, T: Shareable + Copy>(
        &self,
        guard: MutexGuard<'a, T>,
        deadline: Deadline,
        mut condition: Option<&mut dyn FnMut(&mut T) -> bool>,
    ) -> Result<(MutexGuard<'a, T>, Ended), LockError<'a, T>> {
        let failed = |kind| LockError::Failed(Error::new("Condvar::wait", kind));
        let mutex = guard.mutex();
        let me = primitive::current().map_err(LockError::Failed)?;
        let waiter = self.raw.join(me).map_err(|refused| match refused {
            Refused::Unplaced => failed(Kind::Unplaced),
            Refused::Full | Refused::TimedOut | Refused::Deadlock => failed(Kind::Limit),
        })?;
        let mut place = Place { condvar: &self.raw, me, waiter, woken: Woken::ByItself };
        drop(guard);
        let woken = loop {
            match self.raw.sleep(&mut place.waiter, mutex.raw(), me, deadline) {
                Woken::Slice => {
                    let Some(condition) = condition.as_mut() else { continue };
                    match look(mutex, condition) {
                        Ok(Some(guard)) => return Ok((guard, Ended::Looked)),
                        Ok(None) => {}
                        Err(error) => return Err(error),
                    }
                }
                woken => break woken,
            }
        };
        // Until the mutex is held, the place keeps the notification for others.
        let locked = mutex.lock();
        place.woken = woken;
        let notified = place.leave();
        let timed_out = woken == Woken::TimedOut && !notified;
        locked.map(|guard| (guard, if timed_out { Ended::TimedOut } else { Ended::Woken }))
    }
}

/// The guard, if the mutex is to be had now and `condition` no longer holds.
fn look<'a, T: Shareable + Copy>(
    mutex: &'a Mutex<T>,
    condition: &mut dyn FnMut(&mut T) -> bool,
) -> Result<Option<MutexGuard<'a, T>>, LockError<'a, T>> {
    match mutex.try_lock() {
        Ok(mut guard) => Ok((!condition(&mut guard)).then_some(guard)),
        Err(LockError::WouldBlock) => Ok(None),
        Err(error) => Err(error),
    }
}

/// How a wait ended that did not fail.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// Notified, or for no reason.
    Woken,
    /// By a look at the condition, which does not hold any more.
    Looked,
    TimedOut,
}

/// A place among the waiters; given back when dropped, also in a panic of the
/// user's condition.
struct Place<'a, const CAPACITY: usize> {
    condvar: &'a raw::Condvar<CAPACITY>,
    me: Stamp,
    waiter: Waiter,
    woken: Woken,
}

impl<const CAPACITY: usize> Place<'_, CAPACITY> {
    /// Gives the place back; whether there was a notification to be used up.
    fn leave(self) -> bool {
        let place = core::mem::ManuallyDrop::new(self);
        place.condvar.leave(&place.waiter, place.me, place.woken)
    }
}

impl<const CAPACITY: usize> Drop for Place<'_, CAPACITY> {
    fn drop(&mut self) {
        self.condvar.leave(&self.waiter, self.me, self.woken);
    }
}

/// Whether a timed wait of a [`Condvar`] ended because the time was up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Whether the time was up, and no notification had come.
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

impl<const CAPACITY: usize> Default for Condvar<CAPACITY> {
    fn default() -> Self {
        Condvar::with_capacity()
    }
}

impl<const CAPACITY: usize> fmt::Debug for Condvar<CAPACITY> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar").field("waiting", &self.raw.waiting()).finish_non_exhaustive()
    }
}
