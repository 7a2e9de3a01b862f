//! What may live in shared memory.
#![allow(unsafe_code)]

use core::sync::atomic;

/// Permission to place a primitive; only this crate can make one.
#[doc(hidden)]
#[derive(Debug)]
pub struct Placement(());

impl Placement {
    pub(crate) const fn new() -> Placement {
        Placement(())
    }
}

/// A type that may live at any address and be used by several processes.
///
/// Numbers, `bool`, `char`, atomics, arrays, the primitives of
/// [`sync`](crate::sync), and structs made with
/// [`shareable!`](crate::shareable) are. Anything with a pointer in it is not:
///
/// ```compile_fail,E0277
/// killproof::Shared::new(String::from("a pointer")).unwrap();
/// ```
///
/// # Safety
///
/// Whoever implements this for a type promises that
///
/// - it holds no pointer, reference, file descriptor or thread identity, so its
///   bytes mean the same in every process and at every address;
/// - its layout is the same in every program that shares it: `repr(C)` or
///   `repr(transparent)`;
/// - it has no drop glue, since nobody knows which process would be the last;
/// - `place` calls `place` of every field.
///
/// Use [`shareable!`](crate::shareable), which checks all of this.
///
/// # Examples
///
/// See [`shareable!`](crate::shareable).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot live in shared memory",
    note = "no pointers, descriptors or drop glue",
    note = "a struct inside a lock is written with `plain!`, one of locks with `shareable!`"
)]
pub unsafe trait Shareable: Send + Sync + 'static {
    /// Makes the primitives inside ready for use.
    #[doc(hidden)]
    fn place(&self, placement: &Placement) {
        let _ = placement;
    }
}

/// Each of these is a value without pointers, of a layout that the language
/// fixes, and without drop glue.
macro_rules! shareable_as_they_are {
    ($($ty:ty)*) => {$(
        // SAFETY: no pointer, fixed layout, no drop glue, no fields to place.
        unsafe impl Shareable for $ty {}
    )*};
}

shareable_as_they_are! {
    u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 bool char
    atomic::AtomicU8 atomic::AtomicU16 atomic::AtomicU32 atomic::AtomicU64 atomic::AtomicUsize
    atomic::AtomicI8 atomic::AtomicI16 atomic::AtomicI32 atomic::AtomicI64 atomic::AtomicIsize
    atomic::AtomicBool
}

// SAFETY: no bytes at all.
unsafe impl Shareable for () {}

// SAFETY: an array is its elements in a row; each of them is placed.
unsafe impl<T: Shareable, const N: usize> Shareable for [T; N] {
    fn place(&self, placement: &Placement) {
        self.iter().for_each(|element| element.place(placement));
    }
}

/// Writes a struct that may live in shared memory.
///
/// The struct has named fields and no parameters. It becomes `repr(C)` and
/// [`Shareable`](crate::Shareable); every field must be `Shareable`, or it does
/// not compile. An [`Event`](crate::sync::Event) or the end of a queue is a
/// handle: clone it beside the `Shared`, it cannot be a field. Its fields' primitives
/// are ready for use once it lies in a [`Shared`](crate::Shared).
///
/// It writes an `unsafe impl` and allows it: `deny(unsafe_code)` may stand around it,
/// `forbid` not.
///
/// # Examples
///
/// ```
/// use killproof::sync::{Mutex, Semaphore};
/// use killproof::{Shared, shareable};
///
/// shareable! {
///     struct Office {
///         visitors: Mutex<u64>,
///         chairs: Semaphore,
///     }
/// }
///
/// let office = Shared::new(Office { visitors: Mutex::new(0), chairs: Semaphore::new(4) })?;
/// let _chair = office.chairs.acquire()?;
/// *office.visitors.lock()? += 1;
/// # Ok::<(), killproof::Error>(())
/// ```
///
/// A field that may not cross is refused:
///
/// ```compile_fail,E0277
/// killproof::shareable! {
///     struct Wrong { name: &'static str }
/// }
/// ```
#[macro_export]
macro_rules! shareable {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $name:ident {
            $($(#[$field_attribute:meta])* $field_visibility:vis $field:ident : $ty:ty),* $(,)?
        }
    ) => {
        $(#[$attribute])*
        #[repr(C)]
        $visibility struct $name {
            $($(#[$field_attribute])* $field_visibility $field: $ty),*
        }

        const _: () = {
            // First, so that the error is about the field and at it.
            const fn is_shareable<T: $crate::Shareable>() {}
            $(is_shareable::<$ty>();)*
            ::core::assert!(!::core::mem::needs_drop::<$name>(), "drop glue in shared memory");
        };

        #[allow(unsafe_code)]
        // SAFETY: 1. `repr(C)` above. 2. Each field is `Shareable`: `place` below
        //    would not compile otherwise. 3. No drop glue: asserted above.
        unsafe impl $crate::Shareable for $name {
            fn place(&self, placement: &$crate::Placement) {
                $($crate::Shareable::place(&self.$field, placement);)*
                let _ = placement;
            }
        }
    };
}
