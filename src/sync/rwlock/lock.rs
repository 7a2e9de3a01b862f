//! The lock, around a value.
#![allow(unsafe_code)]

use core::cell::{Cell, UnsafeCell};
use core::fmt;
use std::time::Duration;

use super::{RwLockReadGuard, RwLockWriteGuard};
use crate::deadline::Deadline;
use crate::primitive::{self, Stamp};
use crate::raw;
use crate::raw::mutex::Locked;
use crate::raw::rwlock::Reading;
use crate::shared::describe::{Left, Owner, participants, unplaced};
use crate::shared::exposed::Exposed;
use crate::shared::loans;
use crate::shared::shareable::{Placement, Shareable};
use crate::sync::abandoned::{Abandoned, Guard, LockError};

type ReadResult<'a, T, const READERS: usize> =
    Result<RwLockReadGuard<'a, T, READERS>, LockError<RwLockReadGuard<'a, T, READERS>>>;
type WriteResult<'a, T, const READERS: usize> =
    Result<RwLockWriteGuard<'a, T, READERS>, LockError<RwLockWriteGuard<'a, T, READERS>>>;

/// A lock between processes that many may hold to read, or one to write.
///
/// [`std::sync::RwLock`] with three differences: it works only inside a
/// [`Shared`](crate::Shared), what std calls *poisoned* is [`Abandoned`], and at
/// most `READERS` threads read at once. Each of them has a cache line of 64
/// bytes to itself, so readers on different cores do not slow each other down;
/// the lock is that much larger: 4 KiB and two lines for 64 readers. Past the
/// limit a reader waits until another leaves.
///
/// A thread may read while it reads already, even while a writer waits for it.
/// Everything else that would wait for itself is [`LockError::Deadlock`].
///
/// # When the owner dies
///
/// A dead reader is no reader: a waiting writer goes on within about 100 ms.
///
/// After a writer that died or panicked, whoever comes next, to read or to
/// write, gets [`LockError::Abandoned`]. It then has the lock alone and may
/// repair the value: [`Abandoned::recover`] gives a reader its read guard and a
/// writer its write guard. Until somebody has, everybody is told again. A writer
/// that died while it still waited for the readers inside leaves nothing behind.
///
/// A guard that is leaked keeps the lock held for as long as its process lives.
///
/// # Fairness
///
/// A writer that waits holds new readers back, so it waits only for those
/// inside, and no number of readers starves it; should it be stopped while it
/// waits, everybody waits for it to go on. Among writers there is no order, and
/// writers that follow each other closely can keep readers out for long.
///
/// # Examples
///
/// ```
/// use killproof::sync::RwLock;
/// use killproof::{Shared, process};
///
/// let limits = Shared::new(RwLock::new([1_u64, 10]))?;
/// let theirs = limits.clone();
/// let reader = process::spawn(move || {
///     let limits = theirs.read().unwrap();
///     limits[0] < limits[1]
/// })?;
/// *limits.write().unwrap() = [5, 50];
/// assert!(reader.join()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A writer is killed, and a reader repairs what it left:
///
/// ```
/// use killproof::sync::{OrRecover, RwLock};
/// use killproof::{Shared, process};
///
/// let pair = Shared::new(RwLock::new([1_u64, 1]))?;
/// let theirs = pair.clone();
/// let writer = process::spawn(move || {
///     let mut pair = theirs.write().unwrap();
///     pair[0] = 2;
///     std::process::abort();
/// })?;
/// let _: Result<(), _> = writer.join();
///
/// let pair = pair.read().or_recover(|pair| pair[1] = pair[0]).unwrap();
/// assert_eq!(*pair, [2, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A guard stays in the thread that took it, one to read as well:
///
/// ```compile_fail,E0277
/// # use killproof::{Shared, sync::RwLock};
/// let lock = Shared::new(RwLock::new(1_u64)).unwrap();
/// let reader = lock.read().unwrap();
/// std::thread::scope(|scope| _ = scope.spawn(move || drop(reader)));
/// ```
#[repr(C)]
pub struct RwLock<T: Shareable + Copy, const READERS: usize = 64> {
    pub(super) raw: raw::RwLock<READERS>,
    pub(super) value: UnsafeCell<T>,
}

// SAFETY: the raw lock gives out the value to one writer or to readers only, and
// `T: Shareable` is `Send` and `Sync`.
unsafe impl<T: Shareable + Copy, const READERS: usize> Sync for RwLock<T, READERS> {}

// SAFETY: 1. `repr(C)`; the raw lock is atomic words, `T: Shareable`; no pointer
//    in either, no drop glue (`T: Copy`). 2. `place` reaches the lock; a `Copy`
//    value contains no primitive to be placed.
unsafe impl<T: Shareable + Copy, const READERS: usize> Shareable for RwLock<T, READERS> {
    fn place(&self, _: &Placement) {
        self.raw.place();
    }
}

// SAFETY: atomic words, for which any bytes are a value; what a guard refers to has none.
unsafe impl<const READERS: usize> Exposed for RwLock<(), READERS> {}

/// What the copy of a guard has.
const NO_SHARE: usize = usize::MAX;

thread_local! {
    /// By which share this thread read last, of whichever lock: most likely that
    /// share is free again and its line still in this core's cache.
    static SHARE: Cell<usize> = const { Cell::new(0) };
}

impl<T: Shareable + Copy> RwLock<T> {
    /// A free lock around `value` for at most 64 readers at once, to be moved
    /// into a [`Shared`](crate::Shared). For another number there is
    /// [`with_readers`](RwLock::with_readers).
    pub fn new(value: T) -> RwLock<T> {
        RwLock::with_readers(value)
    }
}

impl<T: Shareable + Copy, const READERS: usize> RwLock<T, READERS> {
    /// A free lock around `value` for at most `READERS` readers at once.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Shared, sync::RwLock};
    ///
    /// let size = Shared::new(RwLock::<u64, 4>::with_readers(1))?;
    /// assert_eq!(*size.read()?, 1);
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn with_readers(value: T) -> RwLock<T, READERS> {
        const { assert!(READERS > 0, "a lock that nobody may read") };
        RwLock { raw: raw::RwLock::new(), value: UnsafeCell::new(value) }
    }

    /// Waits until nobody writes, and reads.
    ///
    /// # Errors
    ///
    /// [`LockError::Abandoned`] with the lock held, when a writer died or
    /// panicked and nobody has repaired the value; [`LockError::Deadlock`] when
    /// this very thread writes; [`LockError::Failed`] when the lock is not in a
    /// `Shared`, or this process is in another PID namespace.
    #[inline]
    pub fn read(&self) -> ReadResult<'_, T, READERS> {
        self.read_until(Deadline::Never)
    }

    /// Reads if nobody alive writes or waits to write.
    ///
    /// # Errors
    ///
    /// As [`read`](RwLock::read), and [`LockError::WouldBlock`], also when
    /// `READERS` threads read already.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Shared, sync::{LockError, RwLock}};
    /// use std::{thread, time::Duration};
    ///
    /// let lock = Shared::new(RwLock::new(0_u8))?;
    /// let _writer = lock.write()?;
    /// thread::scope(|scope| _ = scope.spawn(|| {
    ///     assert!(matches!(lock.try_read(), Err(LockError::WouldBlock)));
    ///     let late = lock.read_timeout(Duration::from_millis(1));
    ///     assert!(matches!(late, Err(LockError::TimedOut)));
    /// }));
    /// # Ok::<(), killproof::Error>(())
    /// ```
    #[inline]
    pub fn try_read(&self) -> ReadResult<'_, T, READERS> {
        self.read_until(Deadline::Now)
    }

    /// Waits until nobody writes, at most for `timeout`, and reads.
    ///
    /// # Errors
    ///
    /// As [`read`](RwLock::read), and [`LockError::TimedOut`].
    ///
    /// # Examples
    ///
    /// See [`try_read`](RwLock::try_read).
    pub fn read_timeout(&self, timeout: Duration) -> ReadResult<'_, T, READERS> {
        self.read_until(Deadline::after(timeout))
    }

    // Always, here and below: a result that is handed back through memory costs
    // more than the lock.
    #[inline(always)]
    fn read_until(&self, deadline: Deadline) -> ReadResult<'_, T, READERS> {
        let me = primitive::current().map_err(LockError::Failed)?;
        let hint = SHARE.get();
        match self.raw.read(me, loans::thread_number(), hint, deadline) {
            Ok(Reading::Share(share)) => {
                if share != hint {
                    SHARE.set(share);
                }
                Ok(RwLockReadGuard::new(self, me, share))
            }
            Ok(Reading::Abandoned { pid }) => Err(self.abandoned(me, pid)),
            Err(refused) => Err(LockError::refused("RwLock::read", refused, deadline)),
        }
    }

    /// Waits until nobody reads or writes, and writes.
    ///
    /// # Errors
    ///
    /// [`LockError::Abandoned`] with the lock held, when a writer died or
    /// panicked and nobody has repaired the value; [`LockError::Deadlock`] when
    /// this very thread reads or writes; [`LockError::Failed`] when the lock is
    /// not in a `Shared`, or this process is in another PID namespace.
    #[inline]
    pub fn write(&self) -> WriteResult<'_, T, READERS> {
        self.write_until(Deadline::Never)
    }

    /// Writes if nobody alive reads or writes.
    ///
    /// # Errors
    ///
    /// As [`write`](RwLock::write), and [`LockError::WouldBlock`].
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Shared, sync::{LockError, RwLock}};
    /// use std::{thread, time::Duration};
    ///
    /// let lock = Shared::new(RwLock::new(0_u8))?;
    /// let _reader = lock.read()?;
    /// thread::scope(|scope| _ = scope.spawn(|| {
    ///     assert!(lock.try_read().is_ok());
    ///     assert!(matches!(lock.try_write(), Err(LockError::WouldBlock)));
    ///     let late = lock.write_timeout(Duration::from_millis(1));
    ///     assert!(matches!(late, Err(LockError::TimedOut)));
    /// }));
    /// # Ok::<(), killproof::Error>(())
    /// ```
    #[inline]
    pub fn try_write(&self) -> WriteResult<'_, T, READERS> {
        self.write_until(Deadline::Now)
    }

    /// Waits until nobody reads or writes, at most for `timeout`, and writes.
    ///
    /// # Errors
    ///
    /// As [`write`](RwLock::write), and [`LockError::TimedOut`].
    ///
    /// # Examples
    ///
    /// See [`try_write`](RwLock::try_write).
    pub fn write_timeout(&self, timeout: Duration) -> WriteResult<'_, T, READERS> {
        self.write_until(Deadline::after(timeout))
    }

    #[inline(always)]
    fn write_until(&self, deadline: Deadline) -> WriteResult<'_, T, READERS> {
        let me = primitive::current().map_err(LockError::Failed)?;
        match self.raw.write(me, loans::thread_number(), deadline) {
            Ok(Locked::Consistent) => Ok(RwLockWriteGuard::new(self, me)),
            Ok(Locked::Abandoned { pid }) => Err(self.abandoned(me, pid)),
            Err(refused) => Err(LockError::refused("RwLock::write", refused, deadline)),
        }
    }

    /// Goes on as a reader: `writer` is let go when there is a share.
    pub(super) fn downgrade<'a>(
        &'a self,
        writer: RwLockWriteGuard<'a, T, READERS>,
        me: Stamp,
    ) -> RwLockReadGuard<'a, T, READERS> {
        if !primitive::is_current(me) {
            // A copy in a fork stays one, and frees nothing.
            return RwLockReadGuard::new(self, me, NO_SHARE);
        }
        let share = self.raw.share(me, loans::thread_number());
        SHARE.set(share);
        let reader = RwLockReadGuard::new(self, me, share);
        drop(writer);
        reader
    }

    /// Out of line, so that the way to a sound lock stays short.
    #[cold]
    fn abandoned<'a, G>(&'a self, me: Stamp, pid: u32) -> LockError<G>
    where
        G: Guard<Held = RwLockWriteGuard<'a, T, READERS>>,
    {
        LockError::Abandoned(Abandoned::new(RwLockWriteGuard::new(self, me), pid))
    }
}

impl<T: Shareable + Copy, const READERS: usize> fmt::Debug for RwLock<T, READERS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.raw.is_placed() {
            return unplaced(f, "RwLock");
        }
        // Who has begun to write, which a writer has not that waits.
        let left = Left::new(self.raw.is_abandoned(), None, self.raw.dirty_by());
        f.debug_struct("RwLock")
            .field("writer", &Owner(self.raw.writer()))
            .field("readers", &participants(self.raw.readers()))
            .field("abandoned", &left)
            .finish_non_exhaustive()
    }
}
