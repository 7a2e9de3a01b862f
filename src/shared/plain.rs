//! Values that are nothing but their bytes.
#![allow(unsafe_code)]

use core::mem::{MaybeUninit, size_of};

use super::shareable::Shareable;
use super::words::Span;

/// A value of which every byte counts and every pattern of bytes is one.
///
/// Integers, floats, arrays of them, and structs made with
/// [`plain!`](crate::plain). Not `bool`, `char`, enums or references: a peer
/// that is killed half-way through a store, or that lies, could leave bytes
/// that are none of their values. Only a `Plain` value can be looked at after a
/// death, and it travels as its bytes.
///
/// # Safety
///
/// Whoever implements this for a type promises that it has no padding, that any
/// bytes of its size are a valid value, and that its layout is fixed
/// (`repr(C)`, `repr(transparent)`). Use [`plain!`](crate::plain), which checks
/// all of this.
///
/// # Examples
///
/// See [`plain!`](crate::plain).
#[diagnostic::on_unimplemented(
    message = "not every pattern of bytes is a `{Self}`",
    note = "write structs with `plain!`; a `u8` does for a `bool`"
)]
pub unsafe trait Plain: Shareable + Copy {}

macro_rules! plain_as_they_are {
    ($($ty:ty)*) => {$(
        // SAFETY: no padding; every pattern of bits is a value.
        unsafe impl Plain for $ty {}
    )*};
}

plain_as_they_are! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 }

// SAFETY: an array is its elements in a row, without padding between them.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {}

/// The bytes of `value`.
pub(crate) fn bytes_of<T: Plain>(value: &[T]) -> &[u8] {
    // SAFETY: 1. `T: Plain`, so none of the bytes is padding. 2. The slice
    //    lives as long as what is returned.
    unsafe { core::slice::from_raw_parts(value.as_ptr().cast(), size_of_val(value)) }
}

/// The value that `bytes` are; `None` where there are too few or too many.
pub(crate) fn from_bytes<T: Plain>(bytes: &[u8]) -> Option<T> {
    if bytes.len() != size_of::<T>() {
        return None;
    }
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: `bytes` are exactly as many as the value has, and the value is a
    // local that nothing else refers to.
    unsafe {
        value.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len())
    };
    // SAFETY: every byte was written, and any bytes are a `T: Plain`.
    Some(unsafe { value.assume_init() })
}

/// The values that `bytes` are, one after the other; `None` where some would be
/// left over, or where values have no bytes to count them by.
pub(crate) fn list_from_bytes<T: Plain>(bytes: &[u8]) -> Option<Vec<T>> {
    if bytes.len().checked_rem(size_of::<T>()) != Some(0) {
        return None;
    }
    let count = bytes.len() / size_of::<T>();
    let mut list = Vec::<T>::with_capacity(count);
    // SAFETY: there is room for `count` values, which are as many bytes as
    // there are, and nothing else refers to it.
    unsafe { list.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    // SAFETY: so many were just written, and any bytes are a `T: Plain`.
    unsafe { list.set_len(count) };
    Some(list)
}

/// As [`from_bytes`], of bytes that others may write to.
#[inline]
pub(crate) fn from_span<T: Plain>(span: Span<'_>) -> Option<T> {
    if span.len() != size_of::<T>() {
        return None;
    }
    let mut value = MaybeUninit::<T>::uninit();
    let room = value.as_mut_ptr().cast::<MaybeUninit<u8>>();
    // SAFETY: the bytes of a local that nothing else refers to, without values yet.
    span.read_uninit(unsafe { core::slice::from_raw_parts_mut(room, size_of::<T>()) });
    // SAFETY: every byte was written, and any bytes are a `T: Plain`.
    Some(unsafe { value.assume_init() })
}

/// As [`list_from_bytes`], of bytes that others may write to.
pub(crate) fn list_from_span<T: Plain>(span: Span<'_>) -> Option<Vec<T>> {
    if span.len().checked_rem(size_of::<T>()) != Some(0) {
        return None;
    }
    let count = span.len() / size_of::<T>();
    let mut list = Vec::<T>::with_capacity(count);
    let room = list.as_mut_ptr().cast::<MaybeUninit<u8>>();
    // SAFETY: there is room for `count` values, which are as many bytes as the span has,
    // and nothing else refers to it.
    span.read_uninit(unsafe { core::slice::from_raw_parts_mut(room, span.len()) });
    // SAFETY: so many were just written, and any bytes are a `T: Plain`.
    unsafe { list.set_len(count) };
    Some(list)
}

/// Writes a struct that is nothing but its bytes.
///
/// The struct has named fields and no parameters. It becomes `repr(C)`, `Copy`, [`Plain`](crate::Plain) and with that
/// [`Shareable`](crate::Shareable) and [`Message`](crate::Message). Every field
/// must be `Plain`, and there may be no padding, or it does not compile: put the most
/// aligned fields first, and fill the rest with a field such as `pad: [u8; 3]`. `Clone` and
/// `Copy` are derived already.
///
/// It writes an `unsafe impl` and allows it: `deny(unsafe_code)` may stand around it,
/// `forbid` not.
///
/// # Examples
///
/// ```
/// killproof::plain! {
///     #[derive(Debug, PartialEq)]
///     struct Job {
///         id: u64,
///         offset: u32,
///         len: u32,
///     }
/// }
///
/// let (jobs, todo) = killproof::channel::queue::<Job>(8)?;
/// jobs.send(Job { id: 1, offset: 0, len: 512 })?;
/// assert_eq!(todo.recv()?, Job { id: 1, offset: 0, len: 512 });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Padding is refused:
///
/// ```compile_fail,E0080
/// killproof::plain! {
///     struct Gap { small: u8, large: u64 }
/// }
/// ```
///
/// .. whatever `assert` means where the struct is written:
///
/// ```compile_fail,E0080
/// macro_rules! assert { ($($anything:tt)*) => { () } }
///
/// killproof::plain! {
///     struct Gap { small: u8, large: u64 }
/// }
/// ```
///
/// So is a field that is there only sometimes:
///
/// ```compile_fail,E0025
/// killproof::plain! {
///     struct Gap { small: u8, #[cfg(all())] x: u8, #[cfg(any())] x: [u8; 6], large: u64 }
/// }
/// ```
///
/// And a field with bytes that are no value:
///
/// ```compile_fail,E0277
/// killproof::plain! {
///     struct Flag { up: bool }
/// }
/// ```
#[macro_export]
macro_rules! plain {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $name:ident {
            $($(#[$field_attribute:meta])* $field_visibility:vis $field:ident : $ty:ty),* $(,)?
        }
    ) => {
        $crate::shareable! {
            $(#[$attribute])*
            #[derive(::core::clone::Clone, ::core::marker::Copy)]
            $visibility struct $name {
                $($(#[$field_attribute])* $field_visibility $field: $ty),*
            }
        }

        const _: () = {
            const fn is_plain<T: $crate::Plain>() -> usize {
                ::core::mem::size_of::<T>()
            }
            let fields = 0 $(+ is_plain::<$ty>())*;
            // A field that a `cfg` takes away would be counted all the same.
            let _ = |all: $name| {
                let $name { $($field: _),* } = all;
            };
            $crate::refuse_padding(::core::mem::size_of::<$name>().saturating_sub(fields));
        };

        #[allow(unsafe_code)]
        // SAFETY: each field is `Plain` and their sizes add up to the struct's:
        // both checked just above.
        unsafe impl $crate::Plain for $name {}
    };
    ($(#[$attribute:meta])* $visibility:vis struct $name:ident < $($rest:tt)*) => {
        ::core::compile_error!("a struct of `plain!` has no parameters");
    };
    ($(#[$attribute:meta])* $visibility:vis struct $name:ident ($($fields:tt)*) $($rest:tt)*) => {
        ::core::compile_error!("a struct of `plain!` has named fields");
    };
}

/// Ends the compilation of a plain struct that has so many bytes of padding.
#[doc(hidden)]
pub const fn refuse_padding(bytes: usize) {
    // What a constant says in a panic cannot be put together.
    match bytes {
        0 => {}
        1 => panic!("1 byte of padding: the most aligned fields first, `pad: [u8; 1]` last"),
        2 => panic!("2 bytes of padding: the most aligned fields first, `pad: [u8; 2]` last"),
        3 => panic!("3 bytes of padding: the most aligned fields first, `pad: [u8; 3]` last"),
        4 => panic!("4 bytes of padding: the most aligned fields first, `pad: [u8; 4]` last"),
        5 => panic!("5 bytes of padding: the most aligned fields first, `pad: [u8; 5]` last"),
        6 => panic!("6 bytes of padding: the most aligned fields first, `pad: [u8; 6]` last"),
        7 => panic!("7 bytes of padding: the most aligned fields first, `pad: [u8; 7]` last"),
        _ => panic!("padding: the most aligned fields first, `pad: [u8; ..]` last"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    proptest! {
        #[test]
        fn a_list_survives_its_bytes(list in any::<Vec<[u32; 3]>>()) {
            prop_assert_eq!(list_from_bytes(bytes_of(&list)), Some(list));
        }

        #[test]
        fn any_bytes_are_a_list_if_none_are_left_over(bytes in any::<Vec<u8>>()) {
            let list = list_from_bytes::<[u16; 3]>(&bytes);
            prop_assert_eq!(list.is_some(), bytes.len() % 6 == 0);
            prop_assert_eq!(list_from_bytes::<[u16; 0]>(&bytes), None);
        }

        #[test]
        fn a_value_survives_its_bytes(value in any::<[u32; 5]>()) {
            prop_assert_eq!(from_bytes(bytes_of(&[value])), Some(value));
        }

        #[test]
        fn any_bytes_are_a_value_if_their_number_is_right(bytes in any::<Vec<u8>>()) {
            let value = from_bytes::<[u16; 3]>(&bytes);
            prop_assert_eq!(value.is_some(), bytes.len() == 6);
        }
    }
}
