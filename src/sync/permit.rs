//! One permit of a semaphore, its name while it changes hands, and why there is
//! none.

use core::fmt;

use super::semaphore::Semaphore;
use crate::error::{Error, Kind};
use crate::primitive::{self, Stamp};
use crate::raw::Refused;
use crate::shared::loans::Loan;

/// One permit of a [`Semaphore`]; gives itself back when dropped.
///
/// Dropped in a forked child that inherited it, it does nothing: the permit is
/// the parent's.
///
/// # Examples
///
/// See [`Semaphore`].
///
/// It stays in the thread that took it; [`forget`](Permit::forget) gives it away:
///
/// ```compile_fail,E0277
/// # use killproof::{Shared, sync::Semaphore};
/// let permits = Shared::new(Semaphore::new(1)).unwrap();
/// let permit = permits.acquire().unwrap();
/// std::thread::scope(|scope| _ = scope.spawn(move || drop(permit)));
/// ```
#[must_use = "the permit is free again as soon as it is dropped"]
#[derive(Debug)]
pub struct Permit<'a, const CAPACITY: usize = 64> {
    semaphore: &'a Semaphore<CAPACITY>,
    owner: Stamp,
    slot: usize,
    /// Keeps `spawn` from copying this permit, and the permit in its thread.
    _loan: Loan,
}

impl<'a, const CAPACITY: usize> Permit<'a, CAPACITY> {
    #[inline]
    pub(super) fn new(
        semaphore: &'a Semaphore<CAPACITY>,
        owner: Stamp,
        slot: usize,
    ) -> Permit<'a, CAPACITY> {
        Permit { semaphore, owner, slot, _loan: Loan::new() }
    }
}

impl<const CAPACITY: usize> Permit<'_, CAPACITY> {
    /// Gives the permit back, as dropping it does.
    pub fn release(self) {}

    /// Keeps the permit for whoever [adopts](Semaphore::adopt) it, and says by which
    /// name: a [`Message`](crate::Message), to be sent to another process.
    ///
    /// Until then it is this process's, so this process's end frees it. A name
    /// that nobody adopts is a permit lost until then.
    ///
    /// Where the permit is another process's, in a forked child that inherited it,
    /// nothing is given, and the name is nobody's.
    ///
    /// # Examples
    ///
    /// See [`Semaphore::adopt`].
    pub fn forget(self) -> PermitId {
        if !primitive::is_current(self.owner) {
            return PermitId::default();
        }
        // What is given is no longer this process's to release.
        match self.semaphore.raw.give(self.owner, self.slot) {
            Some(serial) => PermitId { giver: self.owner.word(), slot: self.slot as u64, serial },
            None => PermitId::default(),
        }
    }
}

impl<const CAPACITY: usize> Drop for Permit<'_, CAPACITY> {
    #[inline]
    fn drop(&mut self) {
        if primitive::is_current(self.owner) {
            self.semaphore.raw.release(self.owner, self.slot);
        }
    }
}

crate::plain! {
    /// The name of a permit that was [given](Permit::forget): good for one
    /// [`adopt`](Semaphore::adopt), by any process. A copy of it that comes too late,
    /// with a message that is delivered again, is good for none, also when the same
    /// permit was given again meanwhile; and at another semaphore it is good for none.
    /// The default is nobody's name.
    ///
    /// # Examples
    ///
    /// See [`Semaphore::adopt`].
    #[derive(Debug, Default, PartialEq, Eq, Hash)]
    pub struct PermitId {
        giver: u64,
        slot: u64,
        serial: u64,
    }
}

impl PermitId {
    /// The giver, the slot and the serial; `None` where the bytes are no such name.
    pub(super) fn parts(self) -> Option<(Stamp, usize, u64)> {
        Some((Stamp::of(self.giver)?, usize::try_from(self.slot).ok()?, self.serial))
    }
}

/// Why no permit was had.
///
/// # Examples
///
/// ```
/// use killproof::{Shared, sync::{AcquireError, Semaphore}};
///
/// let seats = Shared::new(Semaphore::new(1))?;
/// let permit = seats.acquire()?;
/// assert_eq!(seats.try_acquire().unwrap_err(), AcquireError::WouldBlock);
/// permit.release();
/// assert!(seats.try_acquire().is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AcquireError {
    /// All permits are in use, and the call may not wait.
    WouldBlock,
    /// All permits were in use for all of the time given.
    TimedOut,
    /// The permit was adopted by somebody else, or is free since its giver died.
    Gone,
    /// The semaphore could not be used at all.
    Failed(Error),
}

impl AcquireError {
    #[cold]
    pub(super) fn refused(call: &'static str, refused: Refused, late: AcquireError) -> Self {
        match refused {
            Refused::TimedOut => late,
            _ => AcquireError::Failed(refused.error(call)),
        }
    }
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
            AcquireError::Gone => Error::new("adopt", Kind::Gone),
            AcquireError::Failed(error) => error,
        }
    }
}
