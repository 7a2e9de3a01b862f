//! Values that some processes read while another one writes them.
//!
//! A value is read and written unit by unit, each by one atomic operation, so a
//! race makes a mixture of two values, which is a value of a `Plain` type, and
//! nothing undefined. Whoever reads must find out by a version whether that
//! happened: a unit is read with acquire and written with release, so who met a
//! unit of a later value also sees what its writer did before.
#![allow(unsafe_code)]

use core::cell::UnsafeCell;
use core::mem::{MaybeUninit, align_of, size_of};
use core::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

use super::plain::{self, Plain};

/// The largest unit, in bytes.
const WIDEST: usize = 8;

/// Aligned for the largest unit.
#[derive(Debug)]
#[repr(C, align(8))]
pub(crate) struct Wide;

/// A plain value without references to it, aligned as an `A`, which decides how
/// large its units are.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Racy<T: Plain, A = T> {
    alignment: [A; 0],
    value: UnsafeCell<T>,
}

// SAFETY: behind a `&Racy` there are atomic operations only, and those on any
// one byte always have the same unit.
unsafe impl<T: Plain, A> Sync for Racy<T, A> {}

impl<T: Plain, A> Racy<T, A> {
    const UNIT: usize = if align_of::<Self>() < WIDEST { align_of::<Self>() } else { WIDEST };

    /// Whether the value is one unit, and so never a mixture.
    pub(crate) const IS_ONE_UNIT: bool =
        size_of::<T>().is_power_of_two() && size_of::<T>() <= Self::UNIT;

    pub(crate) const fn new(value: T) -> Racy<T, A> {
        Racy { alignment: [], value: UnsafeCell::new(value) }
    }

    #[inline]
    pub(crate) fn load(&self) -> T {
        let mut value = MaybeUninit::<T>::uninit();
        let into = value.as_mut_ptr().cast::<u8>();
        for_units(size_of::<T>(), Self::UNIT, |at, unit| {
            let bytes = bytes_of(self.load_unit(at, unit), unit);
            // SAFETY: `at..at + unit` is inside the value, and `into` a local of
            // the same size.
            unsafe { into.wrapping_add(at).copy_from_nonoverlapping(bytes.as_ptr(), unit) }
        });
        // SAFETY: the units are all of the bytes, and any bytes are a `T: Plain`.
        unsafe { value.assume_init() }
    }

    #[inline]
    pub(crate) fn store(&self, value: T) {
        let bytes = plain::bytes_of(core::slice::from_ref(&value));
        for_units(size_of::<T>(), Self::UNIT, |at, unit| {
            self.store_unit(at, unit, number_of(&bytes[at..at + unit]));
        });
    }

    /// Stores `new` if the value is `current`; returns whether it was.
    ///
    /// # Panics
    ///
    /// When the value is not one unit.
    #[inline]
    pub(crate) fn compare_exchange(&self, current: T, new: T) -> bool {
        assert!(Self::IS_ONE_UNIT);
        let [current, new] =
            [current, new].map(|value| number_of(plain::bytes_of(core::slice::from_ref(&value))));
        macro_rules! exchange {
            ($unit:ident, $int:ty) => {{
                let (current, new) = (current as $int, new as $int);
                self.unit::<$unit>(0)
                    .compare_exchange(current, new, Ordering::AcqRel, Ordering::Relaxed)
                    .is_ok()
            }};
        }
        match size_of::<T>() {
            1 => exchange!(AtomicU8, u8),
            2 => exchange!(AtomicU16, u16),
            4 => exchange!(AtomicU32, u32),
            _ => exchange!(AtomicU64, u64),
        }
    }

    #[inline(always)]
    fn load_unit(&self, at: usize, unit: usize) -> u64 {
        match unit {
            1 => self.unit::<AtomicU8>(at).load(Ordering::Acquire).into(),
            2 => self.unit::<AtomicU16>(at).load(Ordering::Acquire).into(),
            4 => self.unit::<AtomicU32>(at).load(Ordering::Acquire).into(),
            _ => self.unit::<AtomicU64>(at).load(Ordering::Acquire),
        }
    }

    #[inline(always)]
    fn store_unit(&self, at: usize, unit: usize, number: u64) {
        match unit {
            1 => self.unit::<AtomicU8>(at).store(number as u8, Ordering::Release),
            2 => self.unit::<AtomicU16>(at).store(number as u16, Ordering::Release),
            4 => self.unit::<AtomicU32>(at).store(number as u32, Ordering::Release),
            _ => self.unit::<AtomicU64>(at).store(number, Ordering::Release),
        }
    }

    /// The unit at offset `at`.
    #[inline(always)]
    fn unit<U: Atomic>(&self, at: usize) -> &U {
        debug_assert!(at % size_of::<U>() == 0 && at + size_of::<U>() <= size_of::<T>());
        debug_assert!(size_of::<U>() <= Self::UNIT);
        let unit = self.value.get().cast::<u8>().wrapping_add(at).cast::<U>();
        // SAFETY: 1. `for_units` keeps it inside the value and at a multiple of
        //    its size, and the value is aligned to `UNIT`, the largest unit; the
        //    only unit of a value is there by `IS_ONE_UNIT`. 2. `U: Atomic` may
        //    have any bytes. 3. Nothing else refers to them, see `Sync` above.
        unsafe { &*unit }
    }
}

/// The atomic integers.
trait Atomic {}
impl Atomic for AtomicU8 {}
impl Atomic for AtomicU16 {}
impl Atomic for AtomicU32 {}
impl Atomic for AtomicU64 {}

/// Calls `step` with the offset and the size of each unit of `len` bytes: as many
/// of size `largest` as there is room for, then smaller ones.
#[inline(always)]
fn for_units(len: usize, largest: usize, mut step: impl FnMut(usize, usize)) {
    let mut at = 0;
    let mut unit = largest;
    while unit > 0 {
        while len - at >= unit {
            step(at, unit);
            at += unit;
        }
        unit /= 2;
    }
}

/// The number that a unit's bytes are.
#[inline(always)]
fn number_of(bytes: &[u8]) -> u64 {
    match *bytes {
        [a] => a.into(),
        [a, b] => u16::from_ne_bytes([a, b]).into(),
        [a, b, c, d] => u32::from_ne_bytes([a, b, c, d]).into(),
        [a, b, c, d, e, f, g, h] => u64::from_ne_bytes([a, b, c, d, e, f, g, h]),
        _ => unreachable!("no unit has {} bytes", bytes.len()),
    }
}

/// The bytes that a unit's number is; the first `unit` of them.
#[inline(always)]
fn bytes_of(number: u64, unit: usize) -> [u8; WIDEST] {
    if cfg!(target_endian = "big") {
        (number << (8 * (WIDEST - unit))).to_ne_bytes()
    } else {
        number.to_ne_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    proptest! {
        #[test]
        fn what_was_stored_is_loaded(before in any::<[u8; 23]>(), after in any::<[u8; 23]>()) {
            let (wide, narrow) = (Racy::<_, Wide>::new(before), Racy::<_>::new(before));
            prop_assert_eq!((wide.load(), narrow.load()), (before, before));
            wide.store(after);
            narrow.store(after);
            prop_assert_eq!((wide.load(), narrow.load()), (after, after));
        }

        #[test]
        fn one_unit_is_exchanged_if_it_is_the_current_one(old in any::<[u16; 2]>(), other in any::<[u16; 2]>()) {
            let value = Racy::<_, Wide>::new(old);
            prop_assert_eq!(value.compare_exchange(other, [1, 2]), other == old);
            value.store(old);
            prop_assert!(value.compare_exchange(old, other));
            prop_assert_eq!(value.load(), other);
        }
    }

    #[test]
    fn units_are_as_large_as_the_alignment_allows() {
        let units = |len, largest| {
            let mut units = Vec::new();
            for_units(len, largest, |at, unit| units.push((at, unit)));
            units
        };
        assert_eq!(units(23, 8), [(0, 8), (8, 8), (16, 4), (20, 2), (22, 1)]);
        assert_eq!(units(6, 2), [(0, 2), (2, 2), (4, 2)]);
        assert_eq!(units(0, 8), []);
        assert_eq!([Racy::<u32>::UNIT, Racy::<u8, Wide>::UNIT, Racy::<u128>::UNIT], [4, 8, 8]);
        let one_unit = [
            Racy::<[u8; 4], Wide>::IS_ONE_UNIT,
            Racy::<[u8; 4]>::IS_ONE_UNIT,
            Racy::<[u8; 3], Wide>::IS_ONE_UNIT,
        ];
        assert_eq!(one_unit, [true, false, false]);
    }
}
