//! What a lock says when its owner died, and how it is made good.

use core::fmt;

use super::mutex::MutexGuard;
use crate::deadline::Deadline;
use crate::error::{Error, Kind};
use crate::raw::Refused;
use crate::shared::plain::Plain;
use crate::shared::shareable::Shareable;

/// Why a lock was not simply taken.
#[non_exhaustive]
pub enum LockError<'a, T: Shareable + Copy> {
    /// The lock is held, but an owner died or panicked before the value was
    /// whole again.
    Abandoned(Abandoned<'a, T>),
    /// Somebody alive holds the lock, and the call may not wait.
    WouldBlock,
    /// Somebody alive held the lock for all of the time given.
    TimedOut,
    /// This thread holds the lock: it would wait for itself.
    Deadlock,
    /// The lock could not be used at all.
    Failed(Error),
}

impl<T: Shareable + Copy> LockError<'_, T> {
    #[cold]
    pub(super) fn refused(refused: Refused, deadline: Deadline) -> Self {
        match refused {
            Refused::TimedOut if deadline.is_now() => LockError::WouldBlock,
            Refused::TimedOut => LockError::TimedOut,
            Refused::Deadlock => LockError::Deadlock,
            Refused::Unplaced => LockError::Failed(Error::new("Mutex::lock", Kind::Unplaced)),
            Refused::Full => LockError::Failed(Error::new("Mutex::lock", Kind::Limit)),
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
#[must_use = "dropped unrepaired, the lock tells its next owner again"]
pub struct Abandoned<'a, T: Shareable + Copy>(pub(super) MutexGuard<'a, T>);

impl<'a, T: Shareable + Copy> Abandoned<'a, T> {
    /// The process that left the value inconsistent.
    pub fn pid(&self) -> u32 {
        self.0.abandoned_by().unwrap_or(0)
    }

    /// Puts a new value in, whatever the old one is.
    pub fn replace(self, value: T) -> MutexGuard<'a, T> {
        let mut guard = self.0;
        *guard = value;
        guard.repaired()
    }

    /// The value as it was left.
    ///
    /// Only of a `T` whose every pattern of bytes is a value: a half-written
    /// `bool` is not one.
    pub fn get(&self) -> T
    where
        T: Plain,
    {
        *self.0
    }

    /// Repairs the value in place.
    ///
    /// When `repair` panics, the lock stays abandoned.
    pub fn recover(self, repair: impl FnOnce(&mut T)) -> MutexGuard<'a, T>
    where
        T: Plain,
    {
        let mut guard = self.0;
        repair(&mut guard);
        guard.repaired()
    }
}

impl<T: Shareable + Copy> fmt::Debug for Abandoned<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Abandoned").field("pid", &self.pid()).finish_non_exhaustive()
    }
}

impl<T: Shareable + Copy> fmt::Debug for LockError<'_, T> {
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

impl<T: Shareable + Copy> fmt::Display for LockError<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockError::Abandoned(abandoned) => write!(
                f,
                "lock: process {} died or panicked and left the value inconsistent",
                abandoned.pid()
            ),
            LockError::WouldBlock => f.write_str("lock: held by somebody else"),
            LockError::TimedOut => f.write_str("lock: timed out"),
            LockError::Deadlock => f.write_str("lock: this thread already holds it"),
            LockError::Failed(error) => error.fmt(f),
        }
    }
}

impl<T: Shareable + Copy> std::error::Error for LockError<'_, T> {}

impl<T: Shareable + Copy> From<LockError<'_, T>> for Error {
    /// Lets go of an abandoned lock, unrepaired, so that `?` works.
    fn from(error: LockError<'_, T>) -> Error {
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
pub trait OrRecover<'a, T: Plain> {
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
    fn or_recover(self, repair: impl FnOnce(&mut T))
    -> Result<MutexGuard<'a, T>, LockError<'a, T>>;
}

impl<'a, T: Plain> OrRecover<'a, T> for Result<MutexGuard<'a, T>, LockError<'a, T>> {
    fn or_recover(
        self,
        repair: impl FnOnce(&mut T),
    ) -> Result<MutexGuard<'a, T>, LockError<'a, T>> {
        match self {
            Err(LockError::Abandoned(abandoned)) => Ok(abandoned.recover(repair)),
            other => other,
        }
    }
}
