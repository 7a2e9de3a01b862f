//! `Mutex<T>`: `raw::Mutex` with a value inside.
#![allow(unsafe_code)]

use core::cell::UnsafeCell;
use core::fmt;
use core::mem::ManuallyDrop;
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

/// A mutual exclusion lock between processes that survives its holder.
///
/// [`std::sync::Mutex`] with two differences: it works only inside a
/// [`Shared`](crate::Shared), and what std calls *poisoned* is
/// [`Abandoned`], which covers processes that were killed too.
///
/// `T` is `Copy`, so nothing in it is itself a primitive that a `mem::swap`
/// through the guard could move out of its place.
///
/// # When the owner dies
///
/// Whoever waits goes on within about 100 ms, and its `lock` returns
/// [`LockError::Abandoned`], which holds the lock and says who died. The value
/// may be half changed: put a new one in with [`Abandoned::replace`], or repair
/// it in place with [`Abandoned::recover`]. Until somebody has, every owner is
/// told again. A guard dropped while its thread panics does the same. A waiter
/// that dies leaves nothing behind.
///
/// A guard that is leaked keeps the lock held for as long as its process lives,
/// across `exec` too.
///
/// # With `?`
///
/// A [`LockError`] may hold the lock, and so cannot leave the function that
/// owns the mutex. Into a `killproof::Error` it converts by `?` alone; where the
/// function returns a `Box<dyn Error>`, say
/// `mutex.lock().map_err(killproof::Error::from)?`.
///
/// # Fairness
///
/// None: whoever comes while the lock is free takes it, sleepers or not. A
/// woken sleeper that finds it taken sleeps again.
///
/// # Examples
///
/// ```
/// use killproof::sync::Mutex;
/// use killproof::{Shared, process};
///
/// let counter = Shared::new(Mutex::new(0_u64))?;
/// let mut children = Vec::new();
/// for _ in 0..4 {
///     let counter = counter.clone();
///     children.push(process::spawn(move || *counter.lock().unwrap() += 1)?);
/// }
/// for child in children {
///     child.join()?;
/// }
/// assert_eq!(*counter.lock().unwrap(), 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A guard stays in the thread that took it:
///
/// ```compile_fail,E0277
/// # use killproof::{Shared, sync::Mutex};
/// let lock = Shared::new(Mutex::new(1_u64)).unwrap();
/// let guard = lock.lock().unwrap();
/// std::thread::scope(|scope| _ = scope.spawn(move || drop(guard)));
/// ```
#[repr(C)]
pub struct Mutex<T: Shareable + Copy> {
    raw: raw::Mutex,
    value: UnsafeCell<T>,
}

// SAFETY: the raw lock gives out the value to one guard at a time, in one
// process, and `T: Shareable` is `Send`.
unsafe impl<T: Shareable + Copy> Sync for Mutex<T> {}

// SAFETY: 1. `repr(C)`; the raw lock is two atomic words, `T: Shareable`; no
//    pointer in either, no drop glue (`T: Copy`). 2. `place` reaches the lock;
//    a `Copy` value contains no primitive to be placed.
unsafe impl<T: Shareable + Copy> Shareable for Mutex<T> {
    fn place(&self, _: &Placement) {
        self.raw.place();
    }
}

// SAFETY: atomic words, for which any bytes are a value; what a guard refers to has none.
unsafe impl Exposed for Mutex<()> {}

impl<T: Shareable + Copy> Mutex<T> {
    /// A free lock around `value`, to be moved into a [`Shared`](crate::Shared).
    pub fn new(value: T) -> Mutex<T> {
        Mutex { raw: raw::Mutex::new(), value: UnsafeCell::new(value) }
    }

    /// Waits for the lock and takes it.
    ///
    /// # Errors
    ///
    /// [`LockError::Abandoned`] with the lock held, when an owner died or
    /// panicked and nobody has repaired the value; [`LockError::Deadlock`] when
    /// this very thread holds the lock; [`LockError::Failed`] when the mutex is
    /// not in a `Shared`, or this process is in another PID namespace.
    #[inline]
    pub fn lock(&self) -> Result<MutexGuard<'_, T>, LockError<MutexGuard<'_, T>>> {
        self.lock_until(Deadline::Never)
    }

    /// Takes the lock if it is free or its owner is dead.
    ///
    /// A held lock costs a question to the kernel about its owner, about 2 us.
    ///
    /// # Errors
    ///
    /// As [`lock`](Mutex::lock), and [`LockError::WouldBlock`].
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Shared, process, sync::{LockError, Mutex}};
    ///
    /// let lock = Shared::new(Mutex::new(0_u8))?;
    /// let theirs = lock.clone();
    /// let child = process::spawn(move || -> () {
    ///     let _guard = theirs.lock().unwrap();
    ///     loop { std::thread::park() }
    /// })?;
    /// while lock.try_lock().is_ok() {}
    /// assert!(matches!(lock.try_lock(), Err(LockError::WouldBlock)));
    /// child.kill()?;
    /// assert!(matches!(lock.lock(), Err(LockError::Abandoned(_))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn try_lock(&self) -> Result<MutexGuard<'_, T>, LockError<MutexGuard<'_, T>>> {
        self.lock_until(Deadline::Now)
    }

    /// Waits for the lock, at most for `timeout`.
    ///
    /// # Errors
    ///
    /// As [`lock`](Mutex::lock), and [`LockError::TimedOut`].
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Shared, sync::{LockError, Mutex}};
    /// use std::{thread, time::Duration};
    ///
    /// let lock = Shared::new(Mutex::new(0_u8))?;
    /// let _guard = lock.lock()?;
    /// thread::scope(|scope| _ = scope.spawn(|| {
    ///     let late = lock.lock_timeout(Duration::from_millis(1));
    ///     assert!(matches!(late, Err(LockError::TimedOut)));
    /// }));
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn lock_timeout(
        &self,
        timeout: Duration,
    ) -> Result<MutexGuard<'_, T>, LockError<MutexGuard<'_, T>>> {
        self.lock_until(Deadline::after(timeout))
    }

    // Always: it is few instructions, and a result that is handed back through memory
    // would be as many.
    #[inline(always)]
    fn lock_until(
        &self,
        deadline: Deadline,
    ) -> Result<MutexGuard<'_, T>, LockError<MutexGuard<'_, T>>> {
        if let Some(me) = primitive::known() {
            if let Some(thread) = Thread::known() {
                if self.raw.take(me, thread.number()) {
                    return Ok(MutexGuard { mutex: self, holder: Holder::known(me, thread) });
                }
            }
        }
        self.lock_slowly(deadline)
    }

    /// Out of line in one piece, so that the way to a free lock stays short.
    #[cold]
    fn lock_slowly(
        &self,
        deadline: Deadline,
    ) -> Result<MutexGuard<'_, T>, LockError<MutexGuard<'_, T>>> {
        let me = primitive::current().map_err(LockError::Failed)?;
        let locked = self
            .raw
            .contend(me, loans::thread_number(), deadline)
            .map_err(|refused| LockError::refused("Mutex::lock", refused, deadline))?;
        let holder = Holder::new(me);
        match locked {
            Locked::Consistent => Ok(MutexGuard { mutex: self, holder }),
            Locked::Abandoned { pid } => {
                let held = Unrepaired { mutex: self, holder, left_by: pid };
                Err(LockError::Abandoned(Abandoned::new(held, pid)))
            }
        }
    }

    /// The machine, for whoever waits beside it.
    pub(super) fn raw(&self) -> &raw::Mutex {
        &self.raw
    }
}

impl<T: Shareable + Copy> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.raw.is_placed() {
            return unplaced(f, "Mutex");
        }
        let owner = self.raw.owner();
        let left = Left::new(self.raw.is_inconsistent(), self.raw.left_by(), owner);
        f.debug_struct("Mutex")
            .field("owner", &Owner(owner))
            .field("abandoned", &left)
            .finish_non_exhaustive()
    }
}

// A function can hand it over in registers.
const _: () = assert!(size_of::<MutexGuard<'_, u64>>() == 2 * size_of::<u64>());

/// The right to a [`Mutex`]'s value; gives the lock back when dropped.
///
/// Dropped while its thread panics, it leaves the lock abandoned. Dropped in a
/// forked child that inherited it, it does nothing: the lock is the parent's.
///
/// # Examples
///
/// See [`Mutex`].
#[must_use = "the lock is free again as soon as the guard is dropped"]
pub struct MutexGuard<'a, T: Shareable + Copy> {
    mutex: &'a Mutex<T>,
    holder: Holder,
}

// SAFETY: a `&MutexGuard` gives out `&T`, and `T: Shareable` is `Sync`.
unsafe impl<T: Shareable + Copy> Sync for MutexGuard<'_, T> {}

impl<'a, T: Shareable + Copy> MutexGuard<'a, T> {
    // Not of `&self`, for which every guard would have to be put into memory.
    #[cold]
    fn drop_slowly(mutex: &Mutex<T>, holder: Holder) {
        match holder.end() {
            End::Sound(me) => mutex.raw.unlock(me),
            End::Panicked(me) => mutex.raw.abandon(me, me.pid()),
            End::Copy => {}
        }
    }

    /// Whose guard it is.
    pub(super) fn mutex(&self) -> &'a Mutex<T> {
        self.mutex
    }
}

impl<T: Shareable + Copy> Sealed for MutexGuard<'_, T> {}

impl<'a, T: Shareable + Copy> Guard for MutexGuard<'a, T> {
    type Value = T;
    type Held = Unrepaired<'a, T>;

    fn put(held: &mut Self::Held, value: T) {
        // SAFETY: as in `deref_mut`; what is there, a value or not, is only
        // written over, and `T: Copy` has no drop glue.
        unsafe { held.mutex.value.get().write(value) };
    }

    fn repaired(held: Self::Held) -> Self {
        let held = ManuallyDrop::new(held);
        if let Some(owner) = held.holder.current() {
            held.mutex.raw.repair(owner);
        }
        MutexGuard { mutex: held.mutex, holder: held.holder }
    }
}

impl<T: Shareable + Copy> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard exists, so this process holds the lock
        // (`Mutex::lock_until`), so no `&mut T` exists but through it.
        unsafe { &*self.mutex.value.get() }
    }
}

impl<T: Shareable + Copy> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`; `&mut self` makes this the only reference.
        unsafe { &mut *self.mutex.value.get() }
    }
}

impl<T: Shareable + Copy> Drop for MutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        match self.holder.end_if_sound() {
            Some(me) => self.mutex.raw.unlock(me),
            None => Self::drop_slowly(self.mutex, self.holder),
        }
    }
}

impl<T: Shareable + Copy + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// The right to a value that waits to be repaired; dropped before it is, it tells the
/// next owner in turn.
#[doc(hidden)]
#[derive(Debug)]
pub struct Unrepaired<'a, T: Shareable + Copy> {
    mutex: &'a Mutex<T>,
    holder: Holder,
    /// The process that left it so.
    left_by: u32,
}

// SAFETY: as for `MutexGuard`.
unsafe impl<T: Shareable + Copy> Sync for Unrepaired<'_, T> {}

impl<T: Shareable + Copy> Deref for Unrepaired<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: as in `MutexGuard`, which this is but for its end.
        unsafe { &*self.mutex.value.get() }
    }
}

impl<T: Shareable + Copy> DerefMut for Unrepaired<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`; `&mut self` makes this the only reference.
        unsafe { &mut *self.mutex.value.get() }
    }
}

impl<T: Shareable + Copy> Drop for Unrepaired<'_, T> {
    fn drop(&mut self) {
        match self.holder.end() {
            End::Sound(me) | End::Panicked(me) => self.mutex.raw.abandon(me, self.left_by),
            End::Copy => {}
        }
    }
}
