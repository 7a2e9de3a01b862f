//! `ReentrantMutex<T>`: `raw::ReentrantMutex` with a cell inside.
#![allow(unsafe_code)]

use core::cell::Cell;
use core::fmt;
use core::ops::{Deref, DerefMut};
use std::time::Duration;

use super::abandoned::sealed::Sealed;
use super::abandoned::{Abandoned, Guard, LockError};
use super::holder::{End, Holder};
use crate::deadline::Deadline;
use crate::primitive;
use crate::raw;
use crate::raw::mutex::Locked;
use crate::shared::describe::{Left, Owner, unplaced};
use crate::shared::exposed::Exposed;
use crate::shared::loans::{self, Thread};
use crate::shared::shareable::{Placement, Shareable};

type LockResult<'a, T> = Result<ReentrantMutexGuard<'a, T>, LockError<ReentrantMutexGuard<'a, T>>>;

/// A lock between processes that the thread which holds it may lock again.
///
/// Python's `RLock`; std's is not stable yet. It is free once each guard is
/// dropped. Several guards of one thread reach the same value, so none of them
/// gives `&mut T`: a guard is a [`Cell`], with `get`, `set`, `replace` and
/// `update`.
///
/// # When the owner dies
///
/// However often it had locked, the lock is free again: whoever waits goes on
/// within about 100 ms, and as with [`Mutex`](super::Mutex) its `lock` returns
/// [`LockError::Abandoned`] until somebody has repaired the value, since a `set`
/// may be half done, or the second of two missing. A guard dropped while its
/// thread panics does the same; the thread's own guards, outer ones and new ones,
/// go on as they were. Until it has repaired the value or let it go, the thread
/// that was told gets [`LockError::Deadlock`] when it locks again.
///
/// # Examples
///
/// ```
/// use killproof::sync::ReentrantMutex;
/// use killproof::{Shared, process};
///
/// fn add(total: &ReentrantMutex<u64>, n: u64) {
///     let total = total.lock().unwrap();
///     total.set(total.get() + n);
/// }
///
/// let total = Shared::new(ReentrantMutex::new(0_u64))?;
/// let theirs = total.clone();
/// let child = process::spawn(move || {
///     let _both_or_none = theirs.lock().unwrap();
///     add(&theirs, 20);
///     add(&theirs, 22);
/// })?;
/// child.join()?;
/// assert_eq!(total.lock().unwrap().get(), 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The owner ends within, and its heir is told:
///
/// ```
/// use killproof::sync::{OrRecover, ReentrantMutex};
/// use killproof::{Shared, process};
///
/// let total = Shared::new(ReentrantMutex::new(0_u64))?;
/// let theirs = total.clone();
/// let child = process::spawn(move || -> () {
///     let _outer = theirs.lock().unwrap();
///     theirs.lock().unwrap().set(7);
///     std::process::abort();
/// })?;
/// assert!(child.join().is_err());
/// assert!(total.lock().is_err());
/// let total = total.lock().or_recover(|total| *total = 0).unwrap();
/// assert_eq!(total.get(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What a guard gives stays in its thread:
///
/// ```compile_fail,E0277
/// # use killproof::{Shared, sync::ReentrantMutex};
/// let total = Shared::new(ReentrantMutex::new(0_u64)).unwrap();
/// let guard = total.lock().unwrap();
/// std::thread::scope(|scope| _ = scope.spawn(|| guard.set(1)));
/// ```
#[doc(alias = "RLock")]
#[doc(alias = "ReentrantLock")]
#[repr(C)]
pub struct ReentrantMutex<T: Shareable + Copy> {
    raw: raw::ReentrantMutex,
    value: Cell<T>,
}

// SAFETY: the raw lock gives out the cell to one thread of one process at a time,
// its guards stay in that thread, and `T: Shareable` is `Send`.
unsafe impl<T: Shareable + Copy> Sync for ReentrantMutex<T> {}

// SAFETY: 1. `repr(C)`; the raw lock is atomic words, `T: Shareable` in a `Cell`,
//    which is `repr(transparent)`; no pointer in either, no drop glue
//    (`T: Copy`). 2. `place` reaches the lock; a `Copy` value contains no
//    primitive to be placed.
unsafe impl<T: Shareable + Copy> Shareable for ReentrantMutex<T> {
    fn place(&self, _: &Placement) {
        self.raw.place();
    }
}

// SAFETY: atomic words, for which any bytes are a value; what a guard refers to has none.
unsafe impl Exposed for ReentrantMutex<()> {}

impl<T: Shareable + Copy> ReentrantMutex<T> {
    /// A free lock around `value`, to be moved into a [`Shared`](crate::Shared).
    pub fn new(value: T) -> ReentrantMutex<T> {
        ReentrantMutex { raw: raw::ReentrantMutex::new(), value: Cell::new(value) }
    }

    /// Waits until no other thread holds the lock and takes it, once more if this
    /// thread has it.
    ///
    /// # Errors
    ///
    /// [`LockError::Abandoned`] with the lock held, when an owner died or
    /// panicked and nobody has repaired the value; [`LockError::Deadlock`] when
    /// this very thread was told that and still has it to repair;
    /// [`LockError::Failed`] when the mutex is not in a `Shared`, or this process
    /// is in another PID namespace.
    #[inline]
    pub fn lock(&self) -> LockResult<'_, T> {
        self.lock_until(Deadline::Never)
    }

    /// Takes the lock if it is free, this thread's, or its owner is dead.
    ///
    /// # Errors
    ///
    /// As [`lock`](ReentrantMutex::lock), and [`LockError::WouldBlock`].
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Shared, sync::{LockError, ReentrantMutex}};
    /// use std::{thread, time::Duration};
    ///
    /// let lock = Shared::new(ReentrantMutex::new(0_u8))?;
    /// let _outer = lock.lock()?;
    /// assert!(lock.try_lock().is_ok());
    /// thread::scope(|scope| _ = scope.spawn(|| {
    ///     assert!(matches!(lock.try_lock(), Err(LockError::WouldBlock)));
    ///     let late = lock.lock_timeout(Duration::from_millis(1));
    ///     assert!(matches!(late, Err(LockError::TimedOut)));
    /// }));
    /// # Ok::<(), killproof::Error>(())
    /// ```
    #[inline]
    pub fn try_lock(&self) -> LockResult<'_, T> {
        self.lock_until(Deadline::Now)
    }

    /// Waits for the lock, at most for `timeout`.
    ///
    /// # Errors
    ///
    /// As [`lock`](ReentrantMutex::lock), and [`LockError::TimedOut`].
    ///
    /// # Examples
    ///
    /// See [`try_lock`](ReentrantMutex::try_lock).
    pub fn lock_timeout(&self, timeout: Duration) -> LockResult<'_, T> {
        self.lock_until(Deadline::after(timeout))
    }

    #[inline(always)]
    fn lock_until(&self, deadline: Deadline) -> LockResult<'_, T> {
        if let Some(me) = primitive::known() {
            if let Some(thread) = Thread::known() {
                if self.raw.take(me, thread.number()) {
                    return Ok(ReentrantMutexGuard {
                        mutex: self,
                        holder: Holder::known(me, thread),
                    });
                }
            }
        }
        self.lock_slowly(deadline)
    }

    /// Out of line in one piece, so that the way to a free lock stays short.
    #[cold]
    fn lock_slowly(&self, deadline: Deadline) -> LockResult<'_, T> {
        let me = primitive::current().map_err(LockError::Failed)?;
        let locked = self
            .raw
            .lock(me, loans::thread_number(), deadline)
            .map_err(|refused| LockError::refused("ReentrantMutex::lock", refused, deadline))?;
        let guard = ReentrantMutexGuard { mutex: self, holder: Holder::new(me) };
        match locked {
            Locked::Consistent => Ok(guard),
            Locked::Abandoned { pid } => {
                Err(LockError::Abandoned(Abandoned::new(Outermost(guard), pid)))
            }
        }
    }
}

impl<T: Shareable + Copy> fmt::Debug for ReentrantMutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.raw.is_placed() {
            return unplaced(f, "ReentrantMutex");
        }
        let mut state = f.debug_struct("ReentrantMutex");
        let owner = self.raw.owner();
        state.field("owner", &Owner(owner));
        if owner.is_some() {
            state.field("depth", &self.raw.depth());
        }
        let left = Left::new(self.raw.is_inconsistent(), self.raw.left_by(), owner);
        state.field("abandoned", &left).finish_non_exhaustive()
    }
}

/// The right to a [`ReentrantMutex`]'s value, as a [`Cell`]; takes back one
/// locking when dropped.
///
/// Dropped while its thread panics, it leaves the lock abandoned. Dropped in a
/// forked child that inherited it, it does nothing: the lock is the parent's.
///
/// # Examples
///
/// See [`ReentrantMutex`].
#[must_use = "the lock is free again as soon as the guard is dropped"]
pub struct ReentrantMutexGuard<'a, T: Shareable + Copy> {
    mutex: &'a ReentrantMutex<T>,
    holder: Holder,
}

impl<T: Shareable + Copy> ReentrantMutexGuard<'_, T> {
    // Not of `&self`, for which every guard would have to be put into memory.
    #[cold]
    fn drop_slowly(mutex: &ReentrantMutex<T>, holder: Holder) {
        let raw = &mutex.raw;
        match holder.end() {
            End::Sound(me) => raw.unlock(me),
            End::Panicked(me) => {
                raw.spoil(me);
                raw.unlock(me);
            }
            End::Copy => {}
        }
    }
}

impl<T: Shareable + Copy> Deref for ReentrantMutexGuard<'_, T> {
    type Target = Cell<T>;

    #[inline]
    fn deref(&self) -> &Cell<T> {
        &self.mutex.value
    }
}

impl<T: Shareable + Copy> Drop for ReentrantMutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        match self.holder.end_if_sound() {
            Some(me) => self.mutex.raw.unlock(me),
            None => Self::drop_slowly(self.mutex, self.holder),
        }
    }
}

impl<T: Shareable + Copy + fmt::Debug> fmt::Debug for ReentrantMutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

impl<T: Shareable + Copy> Sealed for ReentrantMutexGuard<'_, T> {}

impl<'a, T: Shareable + Copy> Guard for ReentrantMutexGuard<'a, T> {
    type Value = T;
    type Held = Outermost<'a, T>;

    fn put(held: &mut Self::Held, value: T) {
        // SAFETY: as in `deref_mut`; what is there, a value or not, is only
        // written over, and `T: Copy` has no drop glue.
        unsafe { held.0.mutex.value.as_ptr().write(value) };
    }

    fn repaired(held: Self::Held) -> Self {
        if let Some(owner) = held.0.holder.current() {
            held.0.mutex.raw.repair(owner);
        }
        held.0
    }
}

/// The only guard there is: whoever was told cannot lock again before the repair.
#[doc(hidden)]
#[derive(Debug)]
pub struct Outermost<'a, T: Shareable + Copy>(ReentrantMutexGuard<'a, T>);

impl<T: Shareable + Copy> Deref for Outermost<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: 1. this process holds the lock (`ReentrantMutex::lock_until`).
        //    2. It was told, so no other guard exists
        //    (`raw::ReentrantMutex::take`) through which the cell could change.
        unsafe { &*self.0.mutex.value.as_ptr() }
    }
}

impl<T: Shareable + Copy> DerefMut for Outermost<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`; `&mut self` makes this the only reference.
        unsafe { &mut *self.0.mutex.value.as_ptr() }
    }
}
