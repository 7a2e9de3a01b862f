//! `Semaphore`: `raw::Semaphore` with permits that give themselves back.
#![allow(unsafe_code)]

use core::fmt;
use std::time::Duration;

use crate::deadline::Deadline;
use crate::error::{Error, Kind};
use crate::primitive::{self, Stamp};
use crate::raw::{self, Refused};
use crate::shared::loans::Loan;
use crate::shared::shareable::{Placement, Shareable};

/// A number of permits, of which each is free or belongs to a process.
///
/// At most as many holders are inside at once as there are permits. `CAPACITY`
/// bounds the permits and the size: eight bytes each.
///
/// # When the owner dies
///
/// Its permits are free again: whoever waits for one has it within about
/// 100 ms, and [`available`](Semaphore::available) counts them at once.
///
/// # Examples
///
/// ```
/// use killproof::{Shared, sync::Semaphore};
///
/// let room = Shared::new(Semaphore::new(2))?;
/// let first = room.acquire()?;
/// let _second = room.acquire()?;
/// assert!(room.try_acquire().is_err());
/// drop(first);
/// assert_eq!(room.available(), 1);
/// # Ok::<(), killproof::Error>(())
/// ```
#[repr(C)]
pub struct Semaphore<const CAPACITY: usize = 64> {
    raw: raw::Semaphore<CAPACITY>,
    /// How many there will be once placed.
    permits: usize,
}

// SAFETY: 1. `repr(C)`; atomic words and a number, no pointer, no drop glue.
//    2. `place` reaches the machine, the only field that needs it.
unsafe impl<const CAPACITY: usize> Shareable for Semaphore<CAPACITY> {
    fn place(&self, _: &Placement) {
        self.raw.place(self.permits);
    }
}

impl Semaphore {
    /// A semaphore with `permits` permits, at most 64, to be moved into a
    /// [`Shared`](crate::Shared). [`with_capacity`](Semaphore::with_capacity)
    /// takes more.
    ///
    /// # Panics
    ///
    /// When `permits` is more than 64.
    pub fn new(permits: usize) -> Semaphore {
        Semaphore::with_capacity(permits)
    }
}

impl<const CAPACITY: usize> Semaphore<CAPACITY> {
    /// A semaphore with `permits` permits, at most `CAPACITY`.
    ///
    /// # Panics
    ///
    /// When `permits` is more than `CAPACITY`.
    pub fn with_capacity(permits: usize) -> Semaphore<CAPACITY> {
        assert!(permits <= CAPACITY, "{permits} permits in a semaphore of {CAPACITY}");
        Semaphore { raw: raw::Semaphore::new(), permits }
    }

    /// Waits for a permit and takes it.
    ///
    /// # Errors
    ///
    /// [`AcquireError::Failed`] when the semaphore is not in a `Shared`, or
    /// this process is in another PID namespace.
    #[inline]
    pub fn acquire(&self) -> Result<Permit<'_, CAPACITY>, AcquireError> {
        self.acquire_until(Deadline::Never, AcquireError::TimedOut)
    }

    /// Takes a permit if one is free or its owner is dead.
    ///
    /// When none is free, each owner costs a question to the kernel, about 2 us.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Semaphore::acquire), and [`AcquireError::WouldBlock`].
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit<'_, CAPACITY>, AcquireError> {
        self.acquire_until(Deadline::Now, AcquireError::WouldBlock)
    }

    /// Waits for a permit, at most for `timeout`.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Semaphore::acquire), and [`AcquireError::TimedOut`].
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Permit<'_, CAPACITY>, AcquireError> {
        self.acquire_until(Deadline::after(timeout), AcquireError::TimedOut)
    }

    #[inline]
    fn acquire_until(
        &self,
        deadline: Deadline,
        late: AcquireError,
    ) -> Result<Permit<'_, CAPACITY>, AcquireError> {
        let owner = primitive::current().map_err(AcquireError::Failed)?;
        match self.raw.acquire(owner, deadline) {
            Ok(slot) => Ok(Permit { semaphore: self, owner, slot, _loan: Loan::new() }),
            Err(Refused::Unplaced) => {
                Err(AcquireError::Failed(Error::new("Semaphore::acquire", Kind::Unplaced)))
            }
            Err(Refused::TimedOut | Refused::Deadlock) => Err(late),
        }
    }

    /// How many permits could be had now: free ones and those of the dead.
    ///
    /// Exact whenever nobody is inside a call. Asks about every owner.
    pub fn available(&self) -> usize {
        self.raw.available()
    }
}

impl<const CAPACITY: usize> fmt::Debug for Semaphore<CAPACITY> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("permits", &self.permits)
            .field("available", &self.available())
            .finish()
    }
}

/// One permit of a [`Semaphore`]; gives itself back when dropped.
///
/// Dropped in a forked child that inherited it, it does nothing: the permit is
/// the parent's.
#[must_use = "the permit is free again as soon as it is dropped"]
#[derive(Debug)]
pub struct Permit<'a, const CAPACITY: usize = 64> {
    semaphore: &'a Semaphore<CAPACITY>,
    owner: Stamp,
    slot: usize,
    /// Keeps `spawn` from copying this permit, and the permit in its thread.
    _loan: Loan,
}

impl<const CAPACITY: usize> Permit<'_, CAPACITY> {
    /// Gives the permit back, as dropping it does.
    pub fn release(self) {}
}

impl<const CAPACITY: usize> Drop for Permit<'_, CAPACITY> {
    #[inline]
    fn drop(&mut self) {
        if primitive::current() == Ok(self.owner) {
            self.semaphore.raw.release(self.owner, self.slot);
        }
    }
}

/// Why no permit was had.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AcquireError {
    /// All permits are in use, and the call may not wait.
    WouldBlock,
    /// All permits were in use for all of the time given.
    TimedOut,
    /// The semaphore could not be used at all.
    Failed(Error),
}

impl fmt::Display for AcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Error::from(self.clone()).fmt(f)
    }
}

impl std::error::Error for AcquireError {}

impl From<AcquireError> for Error {
    fn from(error: AcquireError) -> Error {
        match error {
            AcquireError::WouldBlock => Error::new("acquire", Kind::WouldBlock),
            AcquireError::TimedOut => Error::new("acquire", Kind::TimedOut),
            AcquireError::Failed(error) => error,
        }
    }
}
