//! `Semaphore`: `raw::Semaphore` in a typed shell.
#![allow(unsafe_code)]

use core::fmt;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use super::permit::{AcquireError, Permit, PermitId};
use crate::deadline::Deadline;
use crate::error::{Error, Kind};
use crate::primitive::{self, AtomicU64, Ordering};
use crate::raw;
use crate::shared::describe::{participants, unplaced};
use crate::shared::exposed::Exposed;
use crate::shared::loans;
use crate::shared::shareable::{Placement, Shareable};

/// A number of permits, of which each is free or belongs to a process.
///
/// At most as many holders are inside at once as there are permits. `CAPACITY`
/// bounds the permits and the size: sixteen bytes each.
///
/// # When the owner dies
///
/// Its permits are free again: whoever waits for one has it within about
/// 100 ms, and [`available`](Semaphore::available) counts them at once.
///
/// # Fairness
///
/// None: whoever comes while a permit is free takes it, sleepers or not. A woken
/// sleeper that finds none sleeps again. Of those who want several, one at a time
/// gathers them, in no order either, and keeps what it has; who wants one does not wait
/// for that, and may take what comes free meanwhile.
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
    pub(super) raw: raw::Semaphore<CAPACITY>,
    /// How many there will be once placed; a word, and not a number, since others may
    /// write there.
    permits: AtomicU64,
    /// Not zero: there will never be more.
    is_bounded: AtomicU64,
}

// SAFETY: 1. `repr(C)`; atomic words, no pointer, no drop glue.
//    2. `place` reaches the machine, the only field that needs it.
unsafe impl<const CAPACITY: usize> Shareable for Semaphore<CAPACITY> {
    fn place(&self, _: &Placement) {
        self.raw.place(self.permits(), self.is_bounded(), random_number());
    }
}

// SAFETY: atomic words, for which any bytes are a value.
unsafe impl<const CAPACITY: usize> Exposed for Semaphore<CAPACITY> {}

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
        let [permits, is_bounded] = [permits as u64, 0].map(AtomicU64::new);
        Semaphore { raw: raw::Semaphore::new(), permits, is_bounded }
    }

    /// The semaphore, never to have more permits than now:
    /// [`add_permits`](Semaphore::add_permits) fails. Before it is in a `Shared`.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Shared, sync::Semaphore};
    ///
    /// let seats = Shared::new(Semaphore::new(2).bounded())?;
    /// assert!(seats.add_permits(1).unwrap_err().is_limit());
    /// let _one = seats.acquire()?;
    /// assert_eq!(seats.available(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "BoundedSemaphore")]
    pub fn bounded(self) -> Semaphore<CAPACITY> {
        Semaphore { is_bounded: AtomicU64::new(1), ..self }
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
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Shared, sync::{AcquireError, Semaphore}};
    /// use std::time::Duration;
    ///
    /// let room = Shared::new(Semaphore::new(1))?;
    /// let _permit = room.acquire_timeout(Duration::from_millis(1))?;
    /// let late = room.acquire_timeout(Duration::from_millis(1));
    /// assert_eq!(late.unwrap_err(), AcquireError::TimedOut);
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Permit<'_, CAPACITY>, AcquireError> {
        self.acquire_until(Deadline::after(timeout), AcquireError::TimedOut)
    }

    /// Waits for `count` permits and takes them, all or none.
    ///
    /// One process at a time gathers many, and holds what it has gathered while it
    /// waits for the rest; whoever wants one takes what comes in between. So two
    /// that want many do not wait for each other, unless they hold some already.
    /// If `count` is more than there are now, that one waits until so many were
    /// [added](Semaphore::add_permits), with all permits that come in between.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Semaphore::acquire); [`AcquireError::Failed`] also when
    /// `count` is more than there can ever be: `CAPACITY`, or the value of a
    /// [`bounded`](Semaphore::bounded) semaphore (`is_limit`).
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Shared, sync::Semaphore};
    ///
    /// let room = Shared::new(Semaphore::new(4))?;
    /// let mut family = room.acquire_many(3)?;
    /// assert_eq!((family.len(), room.available()), (3, 1));
    /// family.pop(); // one leaves early
    /// assert_eq!(room.available(), 2);
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn acquire_many(&self, count: usize) -> Result<Vec<Permit<'_, CAPACITY>>, AcquireError> {
        self.acquire_many_until(count, Deadline::Never, AcquireError::TimedOut)
    }

    /// Takes `count` permits if so many are free and nobody is gathering.
    ///
    /// # Errors
    ///
    /// As [`acquire_many`](Semaphore::acquire_many), and
    /// [`AcquireError::WouldBlock`].
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Shared, sync::{AcquireError, Semaphore}};
    /// use std::time::Duration;
    ///
    /// let room = Shared::new(Semaphore::new(3))?;
    /// let _couple = room.try_acquire_many(2)?;
    /// assert_eq!(room.try_acquire_many(2).unwrap_err(), AcquireError::WouldBlock);
    /// let late = room.acquire_many_timeout(2, Duration::from_millis(1));
    /// assert_eq!(late.unwrap_err(), AcquireError::TimedOut);
    /// assert_eq!(room.available(), 1);
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn try_acquire_many(
        &self,
        count: usize,
    ) -> Result<Vec<Permit<'_, CAPACITY>>, AcquireError> {
        self.acquire_many_until(count, Deadline::Now, AcquireError::WouldBlock)
    }

    /// Waits for `count` permits, at most for `timeout`, and takes them, all or
    /// none.
    ///
    /// # Errors
    ///
    /// As [`acquire_many`](Semaphore::acquire_many), and
    /// [`AcquireError::TimedOut`].
    ///
    /// # Examples
    ///
    /// See [`try_acquire_many`](Semaphore::try_acquire_many).
    pub fn acquire_many_timeout(
        &self,
        count: usize,
        timeout: Duration,
    ) -> Result<Vec<Permit<'_, CAPACITY>>, AcquireError> {
        self.acquire_many_until(count, Deadline::after(timeout), AcquireError::TimedOut)
    }

    /// Takes over a permit that another process gave with
    /// [`Permit::forget`].
    ///
    /// # Errors
    ///
    /// [`AcquireError::Gone`] when it was adopted already, is free since the
    /// giver died, or is another semaphore's; otherwise as
    /// [`acquire`](Semaphore::acquire).
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Shared, channel, process, sync::Semaphore};
    ///
    /// let room = Shared::new(Semaphore::new(1))?;
    /// let (sender, receiver) = channel::queue(1)?;
    /// let its_room = room.clone();
    /// let child = process::spawn(move || {
    ///     let permit = its_room.adopt(receiver.recv().unwrap()).unwrap();
    ///     let full = its_room.try_acquire().is_err();
    ///     drop(permit);
    ///     full
    /// })?;
    /// sender.send(room.acquire()?.forget())?;
    /// assert_eq!(child.join()?, true);
    /// assert_eq!(room.available(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn adopt(&self, permit: PermitId) -> Result<Permit<'_, CAPACITY>, AcquireError> {
        let me = primitive::current().map_err(AcquireError::Failed)?;
        let (giver, slot, serial) = permit.parts().ok_or(AcquireError::Gone)?;
        let adopted = self.raw.adopt(giver, slot, serial, me);
        if adopted { Ok(Permit::new(self, me, slot)) } else { Err(AcquireError::Gone) }
    }

    /// Adds `count` permits, and wakes as many who wait.
    ///
    /// A process that is killed inside has added any number up to `count`.
    ///
    /// # Errors
    ///
    /// When there would be more than `CAPACITY`, or the semaphore is
    /// [`bounded`](Semaphore::bounded) (`is_limit`): none is added then. As
    /// [`acquire`](Semaphore::acquire) otherwise.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Shared, sync::Semaphore};
    ///
    /// let started = Shared::new(Semaphore::new(0))?; // whoever waits, waits for this:
    /// started.add_permits(2)?;
    /// assert_eq!(started.available(), 2);
    ///
    /// let chairs = Shared::new(Semaphore::new(2).bounded())?;
    /// assert!(chairs.add_permits(1).unwrap_err().is_limit());
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn add_permits(&self, count: usize) -> Result<(), Error> {
        let me = primitive::current()?;
        match self.raw.add(me, count) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::new("Semaphore::add_permits", Kind::Limit)),
            Err(refused) => Err(refused.error("Semaphore::add_permits")),
        }
    }

    fn acquire_many_until(
        &self,
        count: usize,
        deadline: Deadline,
        late: AcquireError,
    ) -> Result<Vec<Permit<'_, CAPACITY>>, AcquireError> {
        let me = primitive::current().map_err(AcquireError::Failed)?;
        let mut slots = [0; CAPACITY];
        let most = if self.is_bounded() { self.permits() } else { CAPACITY };
        let Some(slots) = slots.get_mut(..count).filter(|_| count <= most) else {
            return Err(AcquireError::Failed(Error::new("Semaphore::acquire_many", Kind::Limit)));
        };
        match self.raw.acquire_many(me, loans::thread_number(), deadline, slots) {
            Ok(()) => Ok(slots.iter().map(|slot| Permit::new(self, me, *slot)).collect()),
            Err(refused) => Err(AcquireError::refused("Semaphore::acquire_many", refused, late)),
        }
    }

    #[inline]
    fn acquire_until(
        &self,
        deadline: Deadline,
        late: AcquireError,
    ) -> Result<Permit<'_, CAPACITY>, AcquireError> {
        let owner = primitive::current().map_err(AcquireError::Failed)?;
        match self.raw.acquire(owner, deadline) {
            Ok(slot) => Ok(Permit::new(self, owner, slot)),
            Err(refused) => Err(AcquireError::refused("Semaphore::acquire", refused, late)),
        }
    }

    /// How many permits could be had now: free ones and those of the dead.
    ///
    /// Exact whenever nobody is inside a call. Asks about every owner. In another PID
    /// namespace nobody counts as dead.
    pub fn available(&self) -> usize {
        self.raw.available()
    }

    fn permits(&self) -> usize {
        self.permits.load(Ordering::Relaxed) as usize
    }

    fn is_bounded(&self) -> bool {
        self.is_bounded.load(Ordering::Relaxed) != 0
    }
}

/// A number that no other call gives, neither here nor in another process: its
/// stamp goes in, since a fork copies the state behind `RandomState`.
fn random_number() -> u64 {
    RandomState::new().hash_one(primitive::current().ok())
}

impl<const CAPACITY: usize> fmt::Debug for Semaphore<CAPACITY> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.raw.is_placed() {
            return unplaced(f, "Semaphore");
        }
        f.debug_struct("Semaphore")
            .field("permits", &self.permits())
            .field("available", &self.available())
            .field("owners", &participants(self.raw.owners()))
            .finish()
    }
}
