//! `Array<T, N>`: `raw::Array` with its data and its log.
#![allow(unsafe_code)]

use core::fmt;
use core::ops::Range;

use crate::error::Error;
use crate::primitive;
use crate::raw;
use crate::shared::describe::{Owner, unplaced};
use crate::shared::exposed::Exposed;
use crate::shared::loans;
use crate::shared::plain::Plain;
use crate::shared::racy::Racy;
use crate::shared::shareable::{Placement, Shareable};

/// Plain values in a row, of which any stretch changes at once, whoever dies
/// while changing it.
///
/// What Python's `multiprocessing.Array` is for, without a lock to forget.
/// Readers wait for nobody, and see all of a change or nothing of it; writers take
/// turns. Its memory is twice its elements' size: the second half is a log of the
/// change that is being made.
///
/// # When the owner dies
///
/// A process killed in a call that changes the array has changed all that the call
/// was to change, or nothing. The next writer goes on within about 100 ms, and
/// finishes what was begun; a reader does not notice. A writer that is *stopped*
/// in the middle holds up other writers, and no reader.
///
/// # Panics
///
/// As slices do, where an index is past the end.
///
/// # Examples
///
/// ```
/// use killproof::{Shared, process, sync::Array};
///
/// let squares = Shared::new(Array::new([0_u64; 8]))?;
/// let its_squares = squares.clone();
/// let child = process::spawn(move || {
///     for index in 0..8 {
///         its_squares.set(index, (index * index) as u64).unwrap();
///     }
///     its_squares.set_slice(0, &[100, 101]).unwrap();
/// })?;
/// child.join()?;
/// assert_eq!(squares.get_all(), [100, 101, 4, 9, 16, 25, 36, 49]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[repr(C)]
pub struct Array<T: Plain, const N: usize> {
    raw: raw::Array,
    data: [Racy<T>; N],
    log: [Racy<T>; N],
}

// SAFETY: 1. `repr(C)`; atomic words and `T: Plain`; no pointer, no drop glue
//    (`T: Copy`). 2. `place` reaches the machine; `T: Copy` has no primitive.
unsafe impl<T: Plain, const N: usize> Shareable for Array<T, N> {
    fn place(&self, _: &Placement) {
        self.raw.place();
    }
}

// SAFETY: atomic words, and elements that are read and written by atomic operations; any
// bytes are a `T: Plain`.
unsafe impl<T: Plain, const N: usize> Exposed for Array<T, N> {}

impl<T: Plain, const N: usize> Array<T, N> {
    /// An array to be moved into a [`Shared`](crate::Shared).
    pub fn new(values: [T; N]) -> Array<T, N> {
        Array { raw: raw::Array::new(), data: values.map(Racy::new), log: values.map(Racy::new) }
    }

    /// How many elements there are.
    ///
    /// # Examples
    ///
    /// ```
    /// let scores = killproof::sync::Array::new([0_u32; 3]);
    /// assert_eq!((scores.len(), scores.is_empty()), (3, false));
    /// ```
    pub const fn len(&self) -> usize {
        N
    }

    /// Whether there are none.
    ///
    /// # Examples
    ///
    /// See [`len`](Array::len).
    pub const fn is_empty(&self) -> bool {
        N == 0
    }

    /// The element at `index`.
    #[inline]
    pub fn get(&self, index: usize) -> T {
        self.read(index).0
    }

    /// All elements, as they were at one moment.
    pub fn get_all(&self) -> [T; N] {
        self.read_all().0
    }

    /// Puts `value` in the place of the element at `index`.
    ///
    /// # Errors
    ///
    /// When the array is not in a `Shared`, this process is in another PID
    /// namespace, or the call comes from a signal handler that interrupted another
    /// one (`is_deadlock`).
    pub fn set(&self, index: usize, value: T) -> Result<(), Error> {
        self.set_slice(index, &[value])
    }

    /// Puts `values` in the place of as many elements from `first` on, all at once.
    ///
    /// # Errors
    ///
    /// As [`set`](Array::set).
    pub fn set_slice(&self, first: usize, values: &[T]) -> Result<(), Error> {
        self.write(first, values, None).map(drop)
    }

    /// Puts `values` in the place of all elements at once.
    ///
    /// # Errors
    ///
    /// As [`set`](Array::set).
    pub fn set_all(&self, values: &[T; N]) -> Result<(), Error> {
        self.set_slice(0, values)
    }

    /// Puts `change` of the element at `index` in its place, and returns the
    /// element before.
    ///
    /// `change` runs with nothing locked, and again where somebody else changed
    /// the array meanwhile; if it panics, nothing has changed.
    ///
    /// # Errors
    ///
    /// As [`set`](Array::set).
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Shared, sync::Array};
    ///
    /// let counts = Shared::new(Array::new([0_u32; 26]))?;
    /// for byte in b"killproof" {
    ///     counts.update((byte - b'a').into(), |count| count + 1)?;
    /// }
    /// assert_eq!((counts.get(11), counts.get(14), counts.get(25)), (2, 2, 0));
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn update(&self, index: usize, mut change: impl FnMut(T) -> T) -> Result<T, Error> {
        loop {
            let (before, contents) = self.read(index);
            if self.write(index, &[change(before)], Some(contents))? {
                return Ok(before);
            }
        }
    }

    /// Lets `change` change any of the elements, and puts them in place all at
    /// once; see [`update`](Array::update).
    ///
    /// # Errors
    ///
    /// As [`set`](Array::set).
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Shared, sync::Array};
    ///
    /// let accounts = Shared::new(Array::new([100_i64, 0]))?;
    /// accounts.update_all(|accounts| {
    ///     accounts[0] -= 30;
    ///     accounts[1] += 30;
    /// })?;
    /// assert_eq!(accounts.get_all(), [70, 30]);
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn update_all(&self, mut change: impl FnMut(&mut [T; N])) -> Result<(), Error> {
        loop {
            let (mut values, contents) = self.read_all();
            change(&mut values);
            if self.write(0, &values, Some(contents))? {
                return Ok(());
            }
        }
    }

    #[inline]
    fn read(&self, index: usize) -> (T, u64) {
        self.raw.read(|logged| self.row_of(index, &logged)[index].load())
    }

    fn read_all(&self) -> ([T; N], u64) {
        let elements = |logged: Range<usize>| {
            core::array::from_fn(|index| self.row_of(index, &logged)[index].load())
        };
        self.raw.read(elements)
    }

    /// Where the element at `index` is.
    #[inline]
    fn row_of(&self, index: usize, logged: &Range<usize>) -> &[Racy<T>; N] {
        if logged.contains(&index) { &self.log } else { &self.data }
    }

    fn write(&self, first: usize, values: &[T], expected: Option<u64>) -> Result<bool, Error> {
        let stretch = first..first.saturating_add(values.len());
        // Past the end it panics here, before anything is written.
        let into = &self.log[stretch.clone()];
        let me = primitive::current()?;
        let log = || into.iter().zip(values).for_each(|(element, value)| element.store(*value));
        let apply = |stretch: Range<usize>| {
            let elements = self.data.iter().zip(&self.log);
            let elements = elements.skip(stretch.start).take(stretch.len());
            elements.for_each(|(data, log)| data.store(log.load()));
        };
        self.raw
            .write(me, loans::thread_number(), expected, stretch, log, apply)
            .map_err(|refused| refused.error("a change of an Array"))
    }
}

impl<T: Plain + fmt::Debug, const N: usize> fmt::Debug for Array<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.raw.is_placed() {
            return unplaced(f, "Array");
        }
        f.debug_struct("Array")
            .field("values", &self.get_all())
            .field("writer", &Owner(self.raw.writer()))
            .finish_non_exhaustive()
    }
}
