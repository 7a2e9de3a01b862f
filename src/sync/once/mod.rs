//! `Once`: `raw::Once` around somebody's function. With a value, it is in `lock`.
#![allow(unsafe_code)]

mod lock;
mod turn;

use core::fmt;

use crate::error::Error;
use crate::raw;
use crate::shared::describe::unplaced;
use crate::shared::exposed::Exposed;
use crate::shared::shareable::{Placement, Shareable};
use turn::Turn;

pub use lock::{OnceLock, SetError};

/// Something that is done once, however many processes want it done.
///
/// [`std::sync::Once`] between processes. It is a lock that is inherited and a word
/// that says that it is done; `src/raw/once` tells how, and after whom.
///
/// # When a process dies
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

// SAFETY: atomic words, for which any bytes are a value.
unsafe impl Exposed for Once {}

impl Once {
    /// Not done yet, to be moved into a [`Shared`](crate::Shared).
    ///
    /// # Examples
    ///
    /// See [`Once`].
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
    /// When `f` calls this on the same `Once` ([`is_deadlock`](Error::is_deadlock)),
    /// when it is not in a `Shared`, or when this process is in another PID
    /// namespace.
    ///
    /// # Panics
    ///
    /// When `f` does.
    ///
    /// # When a process dies
    ///
    /// Killed in here, before `f` has returned, it has not done it: whoever waits
    /// goes on within about 100 ms and runs its own.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Shared, process, sync::Once};
    ///
    /// let setup = Shared::new(Once::new())?;
    /// let theirs = setup.clone();
    /// let first = process::spawn(move || theirs.call_once(|| std::process::abort()).is_ok())?;
    /// assert!(first.join().is_err());
    ///
    /// let mut runs = 0;
    /// setup.call_once(|| runs += 1)?;
    /// setup.call_once(|| runs += 1)?;
    /// assert_eq!(runs, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    ///
    /// # Examples
    ///
    /// See [`Once`].
    #[inline]
    pub fn is_completed(&self) -> bool {
        self.raw.is_done()
    }
}

impl Default for Once {
    fn default() -> Self {
        Once::new()
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.raw.is_placed() {
            return unplaced(f, "Once");
        }
        turn::describe(&mut f.debug_struct("Once"), &self.raw).finish_non_exhaustive()
    }
}
