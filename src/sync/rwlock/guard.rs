//! The guards: a share, or the whole lock.
#![allow(unsafe_code)]

use core::fmt;
use core::ops::{Deref, DerefMut};
use std::thread;

use super::RwLock;
use crate::primitive::{self, Stamp};
use crate::shared::loans::Loan;
use crate::shared::shareable::Shareable;
use crate::sync::abandoned::Guard;
use crate::sync::abandoned::sealed::Sealed;

/// The right to read an [`RwLock`]'s value; given back when dropped.
///
/// Dropped in a forked child that inherited it, it does nothing: the lock is the
/// parent's.
///
/// # Examples
///
/// See [`RwLock`].
#[must_use = "the lock is free again as soon as the guard is dropped"]
pub struct RwLockReadGuard<'a, T: Shareable + Copy, const READERS: usize = 64> {
    lock: &'a RwLock<T, READERS>,
    owner: Stamp,
    share: usize,
    /// Keeps `spawn` from copying this guard, and the guard in its thread.
    _loan: Loan,
}

// SAFETY: a `&RwLockReadGuard` gives out `&T`, and `T: Shareable` is `Sync`.
unsafe impl<T: Shareable + Copy, const READERS: usize> Sync for RwLockReadGuard<'_, T, READERS> {}

impl<'a, T: Shareable + Copy, const READERS: usize> RwLockReadGuard<'a, T, READERS> {
    #[inline]
    pub(super) fn new(
        lock: &'a RwLock<T, READERS>,
        owner: Stamp,
        share: usize,
    ) -> RwLockReadGuard<'a, T, READERS> {
        RwLockReadGuard { lock, owner, share, _loan: Loan::new() }
    }
}

impl<T: Shareable + Copy, const READERS: usize> Sealed for RwLockReadGuard<'_, T, READERS> {}

impl<'a, T: Shareable + Copy, const READERS: usize> Guard for RwLockReadGuard<'a, T, READERS> {
    type Value = T;
    type Held = RwLockWriteGuard<'a, T, READERS>;

    fn put(held: &mut Self::Held, value: T) {
        RwLockWriteGuard::put(held, value);
    }

    fn repaired(held: Self::Held) -> Self {
        RwLockWriteGuard::downgrade(RwLockWriteGuard::repaired(held))
    }
}

impl<T: Shareable + Copy, const READERS: usize> Deref for RwLockReadGuard<'_, T, READERS> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard exists, so this process has a share
        // (`RwLock::read_until`), so no `&mut T` exists.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T: Shareable + Copy, const READERS: usize> Drop for RwLockReadGuard<'_, T, READERS> {
    #[inline]
    fn drop(&mut self) {
        // In a fork of the process that reads, the guard is a copy.
        if primitive::is_current(self.owner) {
            self.lock.raw.unlock_read(self.owner, self.share);
        }
    }
}

impl<T, const READERS: usize> fmt::Debug for RwLockReadGuard<'_, T, READERS>
where
    T: Shareable + Copy + fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// The right to write an [`RwLock`]'s value; given back when dropped.
///
/// Dropped while its thread panics, it leaves the lock abandoned. Dropped in a
/// forked child that inherited it, it does nothing: the lock is the parent's.
///
/// # Examples
///
/// See [`RwLock`].
///
/// It stays in the thread that took it:
///
/// ```compile_fail,E0277
/// # use killproof::{Shared, sync::RwLock};
/// let lock = Shared::new(RwLock::new(1_u64)).unwrap();
/// let writer = lock.write().unwrap();
/// std::thread::scope(|scope| _ = scope.spawn(move || drop(writer)));
/// ```
#[must_use = "the lock is free again as soon as the guard is dropped"]
pub struct RwLockWriteGuard<'a, T: Shareable + Copy, const READERS: usize = 64> {
    lock: &'a RwLock<T, READERS>,
    owner: Stamp,
    /// Whether the thread was panicking already when it took the lock: then its
    /// panic says nothing about the value.
    panicking: bool,
    /// Keeps `spawn` from copying this guard, and the guard in its thread.
    _loan: Loan,
}

// SAFETY: a `&RwLockWriteGuard` gives out `&T`, and `T: Shareable` is `Sync`.
unsafe impl<T: Shareable + Copy, const READERS: usize> Sync for RwLockWriteGuard<'_, T, READERS> {}

impl<'a, T: Shareable + Copy, const READERS: usize> RwLockWriteGuard<'a, T, READERS> {
    #[inline]
    pub(super) fn new(
        lock: &'a RwLock<T, READERS>,
        owner: Stamp,
    ) -> RwLockWriteGuard<'a, T, READERS> {
        RwLockWriteGuard { lock, owner, panicking: thread::panicking(), _loan: Loan::new() }
    }

    /// Goes on as a reader, without letting another writer in between.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::Shared;
    /// use killproof::sync::{RwLock, RwLockWriteGuard};
    ///
    /// let count = Shared::new(RwLock::new(0_u32))?;
    /// let mut writer = count.write().unwrap();
    /// *writer += 1;
    /// let reader = RwLockWriteGuard::downgrade(writer);
    /// assert_eq!((*reader, *count.read().unwrap()), (1, 1));
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn downgrade(guard: Self) -> RwLockReadGuard<'a, T, READERS> {
        let (lock, owner) = (guard.lock, guard.owner);
        lock.downgrade(guard, owner)
    }
}

impl<T: Shareable + Copy, const READERS: usize> Sealed for RwLockWriteGuard<'_, T, READERS> {}

impl<T: Shareable + Copy, const READERS: usize> Guard for RwLockWriteGuard<'_, T, READERS> {
    type Value = T;
    type Held = Self;

    fn put(held: &mut Self, value: T) {
        // SAFETY: as in `deref_mut`; what is there, a value or not, is only
        // written over, and `T: Copy` has no drop glue.
        unsafe { held.lock.value.get().write(value) };
    }

    fn repaired(held: Self) -> Self {
        if primitive::is_current(held.owner) {
            held.lock.raw.repair(held.owner);
        }
        held
    }
}

impl<T: Shareable + Copy, const READERS: usize> Deref for RwLockWriteGuard<'_, T, READERS> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard exists, so this process has the lock alone
        // (`RwLock::write_until`), so no `&mut T` exists but through it.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T: Shareable + Copy, const READERS: usize> DerefMut for RwLockWriteGuard<'_, T, READERS> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`; `&mut self` makes this the only reference.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T: Shareable + Copy, const READERS: usize> Drop for RwLockWriteGuard<'_, T, READERS> {
    #[inline]
    fn drop(&mut self) {
        // In a fork of the process that writes, the guard is a copy.
        if !primitive::is_current(self.owner) {
            return;
        }
        if !self.panicking && thread::panicking() {
            self.lock.raw.abandon(self.owner);
        } else {
            self.lock.raw.unlock_write(self.owner);
        }
    }
}

impl<T, const READERS: usize> fmt::Debug for RwLockWriteGuard<'_, T, READERS>
where
    T: Shareable + Copy + fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
