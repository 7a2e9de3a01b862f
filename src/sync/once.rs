//! `Once` and `OnceLock`: `raw::Once`, alone and with a value.
#![allow(unsafe_code)]

use core::cell::UnsafeCell;
use core::fmt;
use core::mem::MaybeUninit;

use crate::error::{Error, Kind};
use crate::primitive::{self, Stamp, is_alive};
use crate::raw::{self, Refused};
use crate::shared::loans;
use crate::shared::shareable::{Placement, Shareable};

/// Something that is done once, however many processes want it done.
///
/// [`std::sync::Once`] between processes.
///
/// # When the owner dies
///
/// Whoever waits for a process that dies in the middle goes on within about
/// 100 ms and does it itself, from the start; the same if it panics. So it may be
/// begun more than once, and is completed once. What a dead process had already
/// changed outside its own memory is there.
///
/// # Examples
///
/// ```
/// use killproof::sync::Once;
/// use killproof::{Shared, process, shareable};
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// shareable! {
///     struct Setup { once: Once, runs: AtomicU32 }
/// }
///
/// let setup = Shared::new(Setup { once: Once::new(), runs: AtomicU32::new(0) })?;
/// let mut children = Vec::new();
/// for _ in 0..3 {
///     let setup = setup.clone();
///     children.push(process::spawn(move || {
///         setup.once.call_once(|| _ = setup.runs.fetch_add(1, Ordering::Relaxed)).unwrap();
///     })?);
/// }
/// for child in children {
///     child.join()?;
/// }
/// assert!(setup.once.is_completed());
/// assert_eq!(setup.runs.load(Ordering::Relaxed), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[repr(C)]
pub struct Once {
    raw: raw::Once,
}

// SAFETY: 1. `repr(C)`; atomic words, no pointer, no drop glue. 2. `place`
//    reaches the machine, the only field.
unsafe impl Shareable for Once {
    fn place(&self, _: &Placement) {
        self.raw.place();
    }
}

impl Once {
    /// Not done yet, to be moved into a [`Shared`](crate::Shared).
    pub fn new() -> Once {
        Once { raw: raw::Once::new() }
    }

    /// Runs `f`, unless somebody has; returns when it is done.
    ///
    /// Whoever else calls this meanwhile waits. When `f` panics, the next caller
    /// runs its own.
    ///
    /// # Errors
    ///
    /// When `f` calls this on the same `Once`, when it is not in a `Shared`, or
    /// when this process is in another PID namespace.
    #[inline]
    pub fn call_once(&self, f: impl FnOnce()) -> Result<(), Error> {
        if self.raw.is_done() { Ok(()) } else { self.call_contended(f) }
    }

    #[cold]
    fn call_contended(&self, f: impl FnOnce()) -> Result<(), Error> {
        match Turn::begin(&self.raw, "Once::call_once")? {
            Some(turn) => {
                f();
                turn.finish(|| ())
            }
            None => Ok(()),
        }
    }

    /// Whether it is done.
    #[inline]
    pub fn is_completed(&self) -> bool {
        self.raw.is_done()
    }
}

/// A value that is set once, however many processes want to set it.
///
/// [`std::sync::OnceLock`] between processes.
///
/// # When the owner dies
///
/// As for [`Once`]: somebody else computes the value. It is there whole or not at
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
/// What has a destructor cannot be in it:
///
/// ```compile_fail,E0277
/// killproof::sync::OnceLock::<String>::new();
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
    pub fn new() -> OnceLock<T> {
        OnceLock { raw: raw::Once::new(), value: UnsafeCell::new(MaybeUninit::uninit()) }
    }

    /// The value, if it is set.
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
    /// As [`Once::call_once`]: when `f` asks for the same value, when it is not in
    /// a `Shared`, or when this process is in another PID namespace.
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
        Ok(self.get().expect("done, by this process or another"))
    }

    /// Sets the value, unless it is set. Waits for whoever is about to.
    ///
    /// # Errors
    ///
    /// [`SetError`], with `value`.
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

/// The turn of this process to do it. Dropped, by a panic, it is the next one's.
struct Turn<'a> {
    once: &'a raw::Once,
    call: &'static str,
    me: Stamp,
}

impl<'a> Turn<'a> {
    /// `None`: it is done.
    fn begin(once: &'a raw::Once, call: &'static str) -> Result<Option<Turn<'a>>, Error> {
        let me = primitive::current()?;
        match once.begin(me, loans::thread_number()) {
            Ok(begins) => Ok(begins.then_some(Turn { once, call, me })),
            Err(Refused::Unplaced) => Err(Error::new(call, Kind::Unplaced)),
            Err(Refused::Deadlock | Refused::TimedOut | Refused::Full) => {
                Err(Error::new(call, Kind::Deadlock))
            }
        }
    }

    /// Runs `commit`, after which it is done. In a fork of the process whose turn
    /// it is, nothing happens.
    fn finish(self, commit: impl FnOnce()) -> Result<(), Error> {
        if primitive::current() != Ok(self.me) {
            return Err(Error::new(self.call, Kind::NotOwner));
        }
        commit();
        self.once.finish(self.me);
        // Another thread of this process may have the lock by now.
        core::mem::forget(self);
        Ok(())
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if primitive::current() == Ok(self.me) {
            self.once.give_up(self.me);
        }
    }
}

/// Why a value was not set.
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

impl Default for Once {
    fn default() -> Self {
        Once::new()
    }
}

impl<T: Shareable + Copy> Default for OnceLock<T> {
    fn default() -> Self {
        OnceLock::new()
    }
}

/// Who is at it, for `Debug`.
fn owner(state: &mut fmt::DebugStruct<'_, '_>, once: &raw::Once) {
    if let Some(owner) = once.owner() {
        state.field("owner", &owner.pid()).field("owner_is_alive", &is_alive(owner));
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut state = f.debug_struct("Once");
        state.field("is_completed", &self.is_completed());
        owner(&mut state, &self.raw);
        state.finish_non_exhaustive()
    }
}

impl<T: Shareable + Copy + fmt::Debug> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut state = f.debug_struct("OnceLock");
        state.field("value", &self.get());
        owner(&mut state, &self.raw);
        state.finish_non_exhaustive()
    }
}
