//! `Value<T>`: `raw::Value` with two copies beside it, or one atomic.
#![allow(unsafe_code)]

use core::fmt;

use crate::error::{Error, Kind};
use crate::primitive;
use crate::raw;
use crate::shared::describe::{Owner, unplaced};
use crate::shared::exposed::Exposed;
use crate::shared::loans;
use crate::shared::plain::Plain;
use crate::shared::racy::{Racy, Wide};
use crate::shared::shareable::{Placement, Shareable};

/// What a failed call is called.
const CHANGE: &str = "a change of a Value";

/// A plain value that is always whole, whoever dies while changing it.
///
/// What Python's `multiprocessing.Value` is for, without a lock to forget: each
/// change happens at once or not at all. A value of 1, 2, 4 or 8 bytes is one
/// atomic; any other has two copies, of which one is written while the other one
/// is read. Readers wait for nobody in either case. Writers of the larger kind
/// take turns.
///
/// To look at a value and change it, say [`update`](Value::update), or
/// [`fetch_add`](Value::fetch_add) and its like: between a `get` and a `set`
/// others may come.
///
/// # When the owner dies
///
/// A process killed in [`set`](Value::set) or [`update`](Value::update) leaves the
/// value before or the value after. The next writer goes on within about
/// 100 ms; a reader does not notice. A writer that is *stopped* in those few
/// instructions holds up other writers of a larger value, and no reader.
///
/// # Examples
///
/// ```
/// use killproof::{Shared, process, sync::Value};
///
/// killproof::plain! {
///     #[derive(Debug, PartialEq)]
///     struct Best { score: u64, by: u64 }
/// }
///
/// let best = Shared::new(Value::new(Best { score: 0, by: 0 }))?;
/// let mut players = Vec::new();
/// for by in 1..=4 {
///     let best = best.clone();
///     players.push(process::spawn(move || {
///         let mine = Best { score: by * 10, by };
///         best.update(|best| if mine.score > best.score { mine } else { best }).unwrap();
///     })?);
/// }
/// for player in players {
///     player.join()?;
/// }
/// assert_eq!(best.get(), Best { score: 40, by: 4 });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Integers have what std's atomics of them have:
///
/// ```
/// use killproof::{Shared, sync::Value};
///
/// let number = Shared::new(Value::new(10_i32))?;
/// assert_eq!((number.fetch_add(5)?, number.fetch_sub(20)?), (10, 15));
/// assert_eq!((number.fetch_max(6)?, number.fetch_min(3)?), (-5, 6));
/// assert_eq!((number.fetch_or(4)?, number.fetch_and(6)?, number.fetch_xor(7)?), (3, 7, 6));
/// assert_eq!(number.get(), 1);
/// # Ok::<(), killproof::Error>(())
/// ```
#[repr(C)]
pub struct Value<T: Plain> {
    raw: raw::Value,
    /// Where the value is one unit, only the first one is used.
    copies: [Racy<T, Wide>; 2],
}

// SAFETY: 1. `repr(C)`; atomic words and `T: Plain`; no pointer, no drop glue
//    (`T: Copy`). 2. `place` reaches the machine; `T: Copy` has no primitive.
unsafe impl<T: Plain> Shareable for Value<T> {
    fn place(&self, _: &Placement) {
        self.raw.place();
    }
}

// SAFETY: atomic words, and copies that are read and written by atomic operations; any
// bytes are a `T: Plain`.
unsafe impl<T: Plain> Exposed for Value<T> {}

impl<T: Plain> Value<T> {
    const IS_ATOMIC: bool = Racy::<T, Wide>::IS_ONE_UNIT;

    /// A value to be moved into a [`Shared`](crate::Shared).
    pub fn new(value: T) -> Value<T> {
        Value { raw: raw::Value::new(), copies: [Racy::new(value), Racy::new(value)] }
    }

    /// The value.
    #[inline]
    pub fn get(&self) -> T {
        self.read().0
    }

    /// Puts another value in its place.
    ///
    /// # Errors
    ///
    /// When it is not in a `Shared`; a value that is not one atomic also where
    /// this process is in another PID namespace, or the call comes from a signal
    /// handler that interrupted another one (`is_deadlock`).
    #[inline]
    pub fn set(&self, value: T) -> Result<(), Error> {
        if Self::IS_ATOMIC {
            self.placed()?;
            self.copies[0].store(value);
        } else {
            self.write(value, None)?;
        }
        Ok(())
    }

    /// Puts `change` of the value in its place, and returns the value before.
    ///
    /// `change` runs with nothing locked, and again where somebody else was
    /// faster; if it panics, nothing has changed.
    ///
    /// # Errors
    ///
    /// As [`set`](Value::set).
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Shared, sync::Value};
    ///
    /// let limits = Shared::new(Value::new([1_u32, 9, 5]))?;
    /// let before = limits.update(|[low, high, step]| [low + step, high - step, step])?;
    /// assert_eq!((before, limits.get()), ([1, 9, 5], [6, 4, 5]));
    /// # Ok::<(), killproof::Error>(())
    /// ```
    #[inline]
    pub fn update(&self, mut change: impl FnMut(T) -> T) -> Result<T, Error> {
        loop {
            let (before, version) = self.read();
            let after = change(before);
            let done = if Self::IS_ATOMIC {
                self.placed()?;
                self.copies[0].compare_exchange(before, after)
            } else {
                self.write(after, Some(version))?
            };
            if done {
                return Ok(before);
            }
        }
    }

    /// Puts another value in its place, and returns the value before.
    ///
    /// # Errors
    ///
    /// As [`set`](Value::set).
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Shared, sync::Value};
    ///
    /// let turn = Shared::new(Value::new(1_u64))?;
    /// assert_eq!(turn.replace(2)?, 1);
    /// assert_eq!(turn.get(), 2);
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn replace(&self, value: T) -> Result<T, Error> {
        self.update(|_| value)
    }

    #[inline]
    fn read(&self) -> (T, u64) {
        if Self::IS_ATOMIC {
            return (self.copies[0].load(), 0);
        }
        self.raw.read(|copy| self.copies[copy].load())
    }

    fn write(&self, value: T, expected: Option<u64>) -> Result<bool, Error> {
        let me = primitive::current()?;
        let fill = |copy: usize| self.copies[copy].store(value);
        self.raw
            .write(me, loans::thread_number(), expected, fill)
            .map_err(|refused| refused.error(CHANGE))
    }

    #[inline]
    fn placed(&self) -> Result<(), Error> {
        if self.raw.is_placed() { Ok(()) } else { Err(Error::new(CHANGE, Kind::Unplaced)) }
    }
}

/// What the integers' atomics in std offer, for each integer.
macro_rules! arithmetic {
    ($($int:ident)*) => {$(
        impl Value<$int> {
            arithmetic! { @each $int
                /// Adds to the value, wrapping around, and returns the value before.
                fetch_add wrapping_add
                /// Subtracts from the value, wrapping around, and returns the value before.
                fetch_sub wrapping_sub
                /// Makes the value the larger one of the two, and returns the value before.
                fetch_max max
                /// Makes the value the smaller one of the two, and returns the value before.
                fetch_min min
            }
            arithmetic! { @bits $int
                /// Bitwise "and" with the value; returns the value before.
                fetch_and &
                /// Bitwise "or" with the value; returns the value before.
                fetch_or |
                /// Bitwise "xor" with the value; returns the value before.
                fetch_xor ^
            }
        }
    )*};
    (@each $int:ident $(#[doc = $doc:literal] $name:ident $operation:ident)*) => {$(
        #[doc = $doc]
        ///
        /// # Errors
        ///
        /// As [`set`](Value::set).
        ///
        /// # Examples
        ///
        /// See [`Value`].
        #[inline]
        pub fn $name(&self, operand: $int) -> Result<$int, Error> {
            self.update(|value| <$int>::$operation(value, operand))
        }
    )*};
    (@bits $int:ident $(#[doc = $doc:literal] $name:ident $operator:tt)*) => {$(
        #[doc = $doc]
        ///
        /// # Errors
        ///
        /// As [`set`](Value::set).
        ///
        /// # Examples
        ///
        /// See [`Value`].
        #[inline]
        pub fn $name(&self, operand: $int) -> Result<$int, Error> {
            self.update(|value| value $operator operand)
        }
    )*};
}

arithmetic! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }

impl<T: Plain + fmt::Debug> fmt::Debug for Value<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.raw.is_placed() {
            return unplaced(f, "Value");
        }
        f.debug_struct("Value")
            .field("value", &self.get())
            .field("writer", &Owner(self.raw.writer()))
            .finish_non_exhaustive()
    }
}
