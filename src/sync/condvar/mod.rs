//! `Condvar`: `raw::Condvar` between a mutex's guards.
#![allow(unsafe_code)]

mod place;
mod wait;

use core::fmt;

use crate::primitive::Stamp;
use crate::raw;
use crate::shared::describe::{participants, unplaced};
use crate::shared::exposed::Exposed;
use crate::shared::shareable::{Placement, Shareable};

pub use wait::WaitTimeoutResult;

/// Waits, without holding a [`Mutex`](super::Mutex), for what is behind it to
/// change.
///
/// [`std::sync::Condvar`] between processes. A notifier never waits for a waiter,
/// alive, stopped or dead. One [`notify_one`](Condvar::notify_one) releases one
/// waiter, in about the order in which they came. As with std's, a wait may also
/// end for no reason, which is rare here; look at the value again, or leave that to
/// [`wait_while`](Condvar::wait_while).
///
/// `CAPACITY` threads, of all processes, can wait at once, at eight bytes each.
/// Each has a place of its own with its process's name in it, and is notified
/// there: `src/raw/condvar` tells how, and after whom.
///
/// # When a process dies
///
/// - *The owner of the mutex:* whoever waits is told within about 100 ms, without
///   any notification: its `wait` returns [`LockError::Abandoned`](super::LockError::Abandoned).
/// - *A waiter that was notified* and does not hold the mutex again yet: its
///   notification goes to another waiter within about 100 ms. (One that is merely
///   stopped keeps it.)
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
///
/// It lies beside what it is about, never inside: there, whoever holds the lock
/// could move it from under those who wait.
///
/// ```compile_fail,E0277
/// use killproof::sync::{Condvar, Mutex};
///
/// Mutex::new(Condvar::new());
/// ```
///
/// Only a guard can be waited with, and it stays in its thread:
///
/// ```compile_fail,E0277
/// use killproof::Shared;
/// use killproof::sync::{Condvar, Mutex};
///
/// let (mutex, changed) = (Shared::new(Mutex::new(0)).unwrap(), Shared::new(Condvar::new()).unwrap());
/// let guard = mutex.lock().unwrap();
/// std::thread::scope(|scope| {
///     scope.spawn(|| changed.wait(guard).map(drop).unwrap());
/// });
/// ```
#[doc(alias = "Condition")]
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

// SAFETY: atomic words, for which any bytes are a value.
unsafe impl<const CAPACITY: usize> Exposed for Condvar<CAPACITY> {}

impl Condvar {
    /// A condition variable with room for 256 waiters at once, to be moved into
    /// a [`Shared`](crate::Shared).
    ///
    /// [`with_capacity`](Condvar::with_capacity) makes room for another number.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Shared, sync::Condvar};
    ///
    /// let changed = Shared::new(Condvar::new())?;
    /// changed.notify_one(); // nobody waits
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn new() -> Condvar {
        Condvar::with_capacity()
    }
}

impl<const CAPACITY: usize> Condvar<CAPACITY> {
    /// A condition variable with room for `CAPACITY` waiters at once.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Shared, sync::Condvar};
    ///
    /// let small: Shared<Condvar<2>> = Shared::new(Condvar::with_capacity())?;
    /// small.notify_all(); // nobody waits
    /// # Ok::<(), killproof::Error>(())
    /// ```
    ///
    /// Room for nobody does not compile:
    ///
    /// ```compile_fail,E0080
    /// killproof::sync::Condvar::<0>::with_capacity();
    /// ```
    pub fn with_capacity() -> Condvar<CAPACITY> {
        const { assert!(CAPACITY > 0, "room for nobody") };
        Condvar { raw: raw::Condvar::new() }
    }

    /// Releases one waiter, if there are any. Without waiters it costs a load.
    ///
    /// # When a process dies
    ///
    /// Killed in here, it has notified a waiter or it has not, as if it had died
    /// before. The waiter that it chose may be dead: then another is released.
    ///
    /// # Examples
    ///
    /// See [`Condvar`].
    #[inline]
    pub fn notify_one(&self) {
        self.raw.notify_one();
    }

    /// Releases everybody who waits.
    ///
    /// # When a process dies
    ///
    /// Killed in here, it has notified everybody or nobody; those whom it did not
    /// come to go on within about 100 ms.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::sync::{Condvar, Mutex};
    /// use killproof::{Shared, process, shareable};
    ///
    /// shareable! {
    ///     struct Race { started: Mutex<u8>, start: Condvar }
    /// }
    ///
    /// let race = Shared::new(Race { started: Mutex::new(0), start: Condvar::new() })?;
    /// let mut runners = Vec::new();
    /// for _ in 0..3 {
    ///     let race = race.clone();
    ///     runners.push(process::spawn(move || {
    ///         let started = race.started.lock().unwrap();
    ///         drop(race.start.wait_while(started, |started| *started == 0).unwrap());
    ///     })?);
    /// }
    /// *race.started.lock().unwrap() = 1;
    /// race.start.notify_all();
    /// for runner in runners {
    ///     runner.join()?;
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn notify_all(&self) {
        self.raw.notify_all();
    }
}

impl<const CAPACITY: usize> Default for Condvar<CAPACITY> {
    fn default() -> Self {
        Condvar::with_capacity()
    }
}

impl<const CAPACITY: usize> fmt::Debug for Condvar<CAPACITY> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.raw.is_placed() {
            return unplaced(f, "Condvar");
        }
        let (notified, waiting): (Vec<_>, Vec<_>) =
            self.raw.waiters().partition(|(_, is_notified)| *is_notified);
        let stamps = |waiters: Vec<(Stamp, bool)>| waiters.into_iter().map(|(waiter, _)| waiter);
        f.debug_struct("Condvar")
            .field("waiting", &participants(stamps(waiting)))
            .field("notified", &participants(stamps(notified)))
            .finish_non_exhaustive()
    }
}
