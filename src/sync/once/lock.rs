//! `OnceLock`: `raw::Once` with a value inside.
#![allow(unsafe_code)]

use core::cell::UnsafeCell;
use core::fmt;
use core::mem::MaybeUninit;

use super::turn::{self, Turn};
use crate::error::{Error, Kind};
use crate::raw;
use crate::shared::describe::unplaced;
use crate::shared::shareable::{Placement, Shareable};

/// A value that is set once, however many processes want to set it.
///
/// [`std::sync::OnceLock`] between processes, on the machine of [`Once`](super::Once).
///
/// # When a process dies
///
/// As for [`Once`](super::Once): somebody else computes the value. It is there whole or not at
/// all, and once it is there it stays.
///
/// # Examples
///
/// ```
/// use killproof::sync::OnceLock;
/// use killproof::{Shared, process};
///
/// let seed = Shared::new(OnceLock::<u64>::new())?;
/// let its = seed.clone();
/// let child = process::spawn(move || *its.get_or_init(|| 7).unwrap())?;
/// let ours = *seed.get_or_init(|| 7)?;
/// assert_eq!((ours, child.join()?), (7, 7));
/// assert_eq!(seed.get(), Some(&7));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The first who comes is killed:
///
/// ```
/// use killproof::sync::OnceLock;
/// use killproof::{Shared, process};
///
/// let value = Shared::new(OnceLock::<u32>::new())?;
/// let its = value.clone();
/// let worker = process::spawn(move || -> () {
///     let _ = its.get_or_init(|| loop {
///         std::thread::park();
///     });
/// })?;
/// worker.kill()?;
/// assert_eq!(value.get_or_init(|| 5)?, &5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What has a destructor cannot be in it, nor what two threads may not see at once:
///
/// ```compile_fail,E0277
/// killproof::sync::OnceLock::<String>::new();
/// ```
///
/// ```compile_fail,E0277
/// killproof::sync::OnceLock::<std::cell::Cell<u32>>::new();
/// ```
#[repr(C)]
pub struct OnceLock<T: Shareable + Copy> {
    raw: raw::Once,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: the value is written by the one process whose turn it is, before it is
// done, and only read after; `T: Shareable` is `Send` and `Sync`.
unsafe impl<T: Shareable + Copy> Sync for OnceLock<T> {}

// SAFETY: 1. `repr(C)`; atomic words and bytes for a `T: Shareable`; no pointer in
//    either, no drop glue (`T: Copy`). 2. `place` reaches the machine; a `Copy`
//    value contains no primitive to be placed.
unsafe impl<T: Shareable + Copy> Shareable for OnceLock<T> {
    fn place(&self, _: &Placement) {
        self.raw.place();
    }
}

impl<T: Shareable + Copy> OnceLock<T> {
    /// Without a value, to be moved into a [`Shared`](crate::Shared).
    ///
    /// # Examples
    ///
    /// See [`OnceLock`].
    pub fn new() -> OnceLock<T> {
        OnceLock { raw: raw::Once::new(), value: UnsafeCell::new(MaybeUninit::uninit()) }
    }

    /// The value, if it is set. Never waits.
    ///
    /// # Examples
    ///
    /// See [`set`](OnceLock::set).
    #[inline]
    pub fn get(&self) -> Option<&T> {
        // SAFETY: it is done, so a whole `T` was written there (`put`), and nobody
        // writes any more: `Turn::begin` gives no turn.
        self.raw.is_done().then(|| unsafe { &*self.value.get().cast::<T>() })
    }

    /// The value; if it is not set, `f` makes it.
    ///
    /// Whoever else calls this meanwhile waits. When `f` panics, the next caller
    /// runs its own.
    ///
    /// # Errors
    ///
    /// As [`Once::call_once`](super::Once::call_once): when `f` asks for the same value, when it is not in
    /// a `Shared`, or when this process is in another PID namespace. With
    /// [`is_corrupt`](Error::is_corrupt) when somebody wrote into the shared memory that
    /// it is not set after all.
    ///
    /// # Panics
    ///
    /// When `f` does.
    ///
    /// # When a process dies
    ///
    /// Killed in here, before the value is there whole, it has made none: whoever
    /// waits goes on within about 100 ms and runs its own.
    ///
    /// # Examples
    ///
    /// See [`OnceLock`].
    #[inline]
    pub fn get_or_init(&self, f: impl FnOnce() -> T) -> Result<&T, Error> {
        match self.get() {
            Some(value) => Ok(value),
            None => self.init(f),
        }
    }

    #[cold]
    fn init(&self, f: impl FnOnce() -> T) -> Result<&T, Error> {
        if let Some(turn) = Turn::begin(&self.raw, "OnceLock::get_or_init")? {
            let value = f();
            turn.finish(|| self.put(value))?;
        }
        // Done, by this process or another, unless somebody else says otherwise.
        self.get().ok_or(Error::new("OnceLock::get_or_init", Kind::Corrupt))
    }

    /// Sets the value, unless it is set. Waits for whoever is about to.
    ///
    /// # Errors
    ///
    /// [`SetError`], with `value`.
    ///
    /// # When a process dies
    ///
    /// Killed in here, it has set the value or it has not.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::Shared;
    /// use killproof::sync::{OnceLock, SetError};
    ///
    /// let limit = Shared::new(OnceLock::<u32>::new())?;
    /// assert_eq!(limit.get(), None);
    /// assert_eq!(limit.set(7), Ok(()));
    /// assert_eq!(limit.set(8), Err(SetError::AlreadySet(8)));
    /// assert_eq!(limit.get(), Some(&7));
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn set(&self, value: T) -> Result<(), SetError<T>> {
        if self.raw.is_done() {
            return Err(SetError::AlreadySet(value));
        }
        let failed = |error| SetError::Failed(value, error);
        match Turn::begin(&self.raw, "OnceLock::set").map_err(failed)? {
            Some(turn) => turn.finish(|| self.put(value)).map_err(failed),
            None => Err(SetError::AlreadySet(value)),
        }
    }

    /// For the turn's owner.
    fn put(&self, value: T) {
        // SAFETY: `Turn::finish` runs this where this process has begun and nobody
        // has finished, so nobody else writes, and nobody reads yet.
        unsafe { self.value.get().cast::<T>().write(value) };
    }
}

/// Why a value was not set.
///
/// # Examples
///
/// See [`OnceLock::set`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetError<T> {
    /// There is one already.
    AlreadySet(T),
    /// The lock could not be used at all.
    Failed(T, Error),
}

impl<T> SetError<T> {
    /// The value that was not set.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Shared, sync::OnceLock};
    ///
    /// let limit = Shared::new(OnceLock::<u32>::new())?;
    /// limit.set(7).unwrap();
    /// assert_eq!(limit.set(8).unwrap_err().into_inner(), 8);
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn into_inner(self) -> T {
        match self {
            SetError::AlreadySet(value) | SetError::Failed(value, _) => value,
        }
    }
}

impl<T> fmt::Display for SetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SetError::AlreadySet(_) => f.write_str("set: there is a value already"),
            SetError::Failed(_, error) => error.fmt(f),
        }
    }
}

impl<T: fmt::Debug> std::error::Error for SetError<T> {}

impl<T: Shareable + Copy> Default for OnceLock<T> {
    fn default() -> Self {
        OnceLock::new()
    }
}

impl<T: Shareable + Copy + fmt::Debug> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.raw.is_placed() {
            return unplaced(f, "OnceLock");
        }
        let mut state = f.debug_struct("OnceLock");
        turn::describe(&mut state, &self.raw).field("value", &self.get()).finish_non_exhaustive()
    }
}
