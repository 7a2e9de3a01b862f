//! What a lock says when its owner died, and how it is made good.

use core::fmt;
use core::ops::DerefMut;

use crate::deadline::Deadline;
use crate::error::{Error, Kind};
use crate::raw::Refused;
use crate::shared::plain::Plain;
use crate::shared::shareable::Shareable;

/// What a lock gives out. The guards of this module are all that there are.
///
/// # Examples
///
/// See [`Abandoned`].
pub trait Guard: Sized + sealed::Sealed {
    /// What the lock protects.
    type Value: Shareable + Copy;

    /// What is held while the value waits to be repaired: the value, alone.
    #[doc(hidden)]
    type Held: DerefMut<Target = Self::Value>;

    /// Writes over a value that need not be one.
    #[doc(hidden)]
    fn put(held: &mut Self::Held, value: Self::Value);

    /// The value is consistent again.
    #[doc(hidden)]
    fn repaired(held: Self::Held) -> Self;
}

pub(super) mod sealed {
    /// Only this module's own.
    pub trait Sealed {}
}

/// Why a lock was not simply taken; `G` is the guard that was asked for.
///
/// # Examples
///
/// See [`Abandoned`].
#[non_exhaustive]
pub enum LockError<G: Guard> {
    /// The lock is held, but an owner died or panicked before the value was
    /// whole again.
    Abandoned(Abandoned<G>),
    /// Somebody alive holds the lock, and the call may not wait.
    WouldBlock,
    /// Somebody alive held the lock for all of the time given.
    TimedOut,
    /// This thread holds the lock: it would wait for itself.
    Deadlock,
    /// The lock could not be used at all.
    Failed(Error),
}

impl<G: Guard> LockError<G> {
    #[cold]
    pub(super) fn refused(call: &'static str, refused: Refused, deadline: Deadline) -> Self {
        match refused {
            Refused::TimedOut if deadline.is_try() => LockError::WouldBlock,
            Refused::TimedOut => LockError::TimedOut,
            Refused::Deadlock => LockError::Deadlock,
            Refused::Unplaced | Refused::Full => LockError::Failed(refused.error(call)),
        }
    }
}

/// A lock taken over from an owner that died or panicked.
///
/// It is held, and what it protects may be half changed. Dropped as it is, it
/// frees the lock, and the next owner is told again.
///
/// # Examples
///
/// A worker is killed while it holds a lock:
///
/// ```
/// use killproof::sync::{LockError, Mutex};
/// use killproof::{Shared, process};
///
/// let total = Shared::new(Mutex::new(7_u64))?;
/// let held = total.clone();
/// let worker = process::spawn(move || -> () {
///     let _guard = held.lock().unwrap();
///     loop {
///         std::thread::park();
///     }
/// })?;
/// while total.try_lock().is_ok() {}
/// worker.kill()?;
///
/// match total.lock() {
///     Err(LockError::Abandoned(abandoned)) => {
///         assert_eq!(abandoned.pid(), worker.pid());
///         assert_eq!(*abandoned.recover(|total| *total = 0), 0);
///     }
///     other => panic!("{other:?}"),
/// }
/// assert_eq!(*total.lock().unwrap(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It is held, so it stays in its thread as a guard does:
///
/// ```compile_fail,E0277
/// # use killproof::sync::{Abandoned, MutexGuard};
/// fn elsewhere(told: Abandoned<MutexGuard<'_, u64>>) {
///     std::thread::scope(|scope| _ = scope.spawn(move || drop(told)));
/// }
/// ```
#[must_use = "dropped unrepaired, the lock tells its next owner again"]
pub struct Abandoned<G: Guard> {
    held: G::Held,
    pid: u32,
}

impl<G: Guard> Abandoned<G> {
    #[cold]
    pub(super) fn new(held: G::Held, pid: u32) -> Abandoned<G> {
        Abandoned { held, pid }
    }

    /// The process that left the value inconsistent.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Puts a new value in, whatever the old one is.
    ///
    /// In a forked child that inherited it, it repairs nothing: the lock is the parent's.
    /// So is the value, and to write it there is against the contract of
    /// [`fork`](crate::process::fork()).
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::sync::{LockError, Mutex};
    /// use killproof::{Shared, process};
    ///
    /// // `bool`: what a kill left of it must not be looked at, so there is no `recover`.
    /// let is_open = Shared::new(Mutex::new(true))?;
    /// let theirs = is_open.clone();
    /// let child = process::spawn(move || -> () {
    ///     let _guard = theirs.lock().unwrap();
    ///     std::process::abort();
    /// })?;
    /// assert!(child.join().is_err());
    /// match is_open.lock() {
    ///     Err(LockError::Abandoned(abandoned)) => assert!(!*abandoned.replace(false)),
    ///     other => panic!("{other:?}"),
    /// }
    /// assert!(!*is_open.lock().unwrap());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn replace(mut self, value: G::Value) -> G {
        G::put(&mut self.held, value);
        G::repaired(self.held)
    }

    /// The value as it was left.
    ///
    /// Only of a type whose every pattern of bytes is a value: a half-written
    /// `bool` is not one.
    pub fn get(&self) -> G::Value
    where
        G::Value: Plain,
    {
        *self.held
    }

    /// Repairs the value in place.
    ///
    /// When `repair` panics, the lock stays abandoned.
    pub fn recover(mut self, repair: impl FnOnce(&mut G::Value)) -> G
    where
        G::Value: Plain,
    {
        repair(&mut self.held);
        G::repaired(self.held)
    }
}

impl<G: Guard> fmt::Debug for Abandoned<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Abandoned").field("pid", &self.pid()).finish_non_exhaustive()
    }
}

impl<G: Guard> fmt::Debug for LockError<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockError::Abandoned(abandoned) => abandoned.fmt(f),
            LockError::WouldBlock => f.write_str("WouldBlock"),
            LockError::TimedOut => f.write_str("TimedOut"),
            LockError::Deadlock => f.write_str("Deadlock"),
            LockError::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
        }
    }
}

impl<G: Guard> fmt::Display for LockError<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockError::Abandoned(abandoned) => write!(
                f,
                "lock: process {} died or panicked while it had the lock, and the value may be \
                 half changed; `or_recover` repairs it",
                abandoned.pid()
            ),
            LockError::WouldBlock => f.write_str("lock: it would have to wait"),
            LockError::TimedOut => f.write_str("lock: timed out"),
            LockError::Deadlock => f.write_str("lock: this thread already holds it"),
            LockError::Failed(error) => error.fmt(f),
        }
    }
}

impl<G: Guard> std::error::Error for LockError<G> {}

impl<G: Guard> From<LockError<G>> for Error {
    /// Lets go of an abandoned lock, unrepaired, so that `?` works.
    fn from(error: LockError<G>) -> Error {
        let kind = match error {
            LockError::Abandoned(_) => Kind::Abandoned,
            LockError::WouldBlock => Kind::WouldBlock,
            LockError::TimedOut => Kind::TimedOut,
            LockError::Deadlock => Kind::Deadlock,
            LockError::Failed(error) => return error,
        };
        Error::new("lock", kind)
    }
}

/// Repairs in one line: `m.lock().or_recover(|value| ..)`.
///
/// # Examples
///
/// See [`or_recover`](OrRecover::or_recover).
pub trait OrRecover<G: Guard> {
    /// The guard; if the lock was abandoned, after `repair` has made the value
    /// whole again.
    ///
    /// # Errors
    ///
    /// Every error but [`LockError::Abandoned`].
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::Shared;
    /// use killproof::sync::{Mutex, OrRecover};
    ///
    /// let count = Shared::new(Mutex::new(3_u32))?;
    /// let guard = count.lock().or_recover(|count| *count = 0)?;
    /// assert_eq!(*guard, 3);
    /// # Ok::<(), killproof::Error>(())
    /// ```
    fn or_recover(self, repair: impl FnOnce(&mut G::Value)) -> Result<G, LockError<G>>;
}

impl<G: Guard<Value: Plain>> OrRecover<G> for Result<G, LockError<G>> {
    fn or_recover(self, repair: impl FnOnce(&mut G::Value)) -> Result<G, LockError<G>> {
        match self {
            Err(LockError::Abandoned(abandoned)) => Ok(abandoned.recover(repair)),
            other => other,
        }
    }
}
