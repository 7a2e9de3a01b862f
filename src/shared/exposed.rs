//! What may lie in memory that somebody else writes to at will.
#![allow(unsafe_code)]

use core::sync::atomic;

use super::shareable::Shareable;

/// A type that may lie in memory that strangers write to: what has a
/// [name](crate::named), other programs of the same user open.
///
/// Atomics, and what of [`sync`](crate::sync) gives out no reference: `Value`, `Array`,
/// `Semaphore`, `Condvar`, `Barrier`, `Once`, `Flag`, and the locks of nothing, such as
/// `Mutex<()>`; arrays of these, and structs of them by [`exposed!`](crate::exposed). Not a
/// lock with a value inside, nor a `OnceLock`, since what they give out is a reference,
/// under which nobody may write:
///
/// ```compile_fail,E0277
/// use killproof::sync::Mutex;
/// let _ = killproof::Named::new("total").create_shared(Mutex::new(0_u64));
/// ```
///
/// # Safety
///
/// Whoever implements this for a type promises one of two things:
///
/// - any bytes, at any time, are a valid value, and each access through a `&` to it is
///   one of atomic operations on a copy that is made before it is looked at;
/// - or nobody writes to what has a name and such a type but through its own methods: all
///   programs of this user that open the name are trusted as a forked child is.
///
/// By the second, a lock with a value of one's own may have a name:
///
/// ```
/// use killproof::{Exposed, Named, shareable, sync::Mutex};
///
/// shareable! {
///     struct Account { balance: Mutex<i64> }
/// }
///
/// // SAFETY: the programs that open "account" are ours, and use it by this type.
/// unsafe impl Exposed for Account {}
///
/// let named = Named::new(format!("account-{}", std::process::id()));
/// let account = named.create_shared(Account { balance: Mutex::new(10) })?;
/// *account.balance.lock()? += 5;
/// named.unlink()?;
/// # Ok::<(), killproof::Error>(())
/// ```
///
/// # Examples
///
/// See [`exposed!`](crate::exposed).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot have a name: other programs could write to it at any time",
    note = "use atomics, `Value`, `Array` and the like, and write structs with `exposed!`"
)]
pub unsafe trait Exposed: Shareable {}

/// Each of these is atomic, and any bytes are one.
macro_rules! exposed_as_they_are {
    ($($ty:ty)*) => {$(
        // SAFETY: an atomic for which every pattern of bits is a value.
        unsafe impl Exposed for $ty {}
    )*};
}

exposed_as_they_are! {
    atomic::AtomicU8 atomic::AtomicU16 atomic::AtomicU32 atomic::AtomicU64 atomic::AtomicUsize
    atomic::AtomicI8 atomic::AtomicI16 atomic::AtomicI32 atomic::AtomicI64 atomic::AtomicIsize
}

// SAFETY: no bytes at all.
unsafe impl Exposed for () {}

// SAFETY: an array is its elements in a row, and access to it is access to them.
unsafe impl<T: Exposed, const N: usize> Exposed for [T; N] {}

/// Writes a struct that may lie in memory that strangers write to.
///
/// As [`shareable!`](crate::shareable), and [`Exposed`](crate::Exposed): every field must
/// be `Exposed`, or it does not compile.
///
/// # Examples
///
/// ```
/// use killproof::sync::{Semaphore, Value};
/// use killproof::{Named, exposed};
///
/// exposed! {
///     struct Office { visitors: Value<u64>, chairs: Semaphore }
/// }
///
/// let named = Named::new(format!("office-{}", std::process::id()));
/// let new = || Office { visitors: Value::new(0), chairs: Semaphore::new(2) };
/// let office = named.open_or_create_shared(new)?;
/// let _chair = office.chairs.acquire()?;
/// office.visitors.fetch_add(1)?;
/// named.unlink()?;
/// # Ok::<(), killproof::Error>(())
/// ```
///
/// ```compile_fail,E0277
/// killproof::exposed! {
///     struct Wrong { plain: u64 }
/// }
/// ```
#[macro_export]
macro_rules! exposed {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $name:ident {
            $($(#[$field_attribute:meta])* $field_visibility:vis $field:ident : $ty:ty),* $(,)?
        }
    ) => {
        $crate::shareable! {
            $(#[$attribute])*
            $visibility struct $name {
                $($(#[$field_attribute])* $field_visibility $field: $ty),*
            }
        }

        const _: () = {
            const fn is_exposed<T: $crate::Exposed>() {}
            $(is_exposed::<$ty>();)*
        };

        #[allow(unsafe_code)]
        // SAFETY: each field is `Exposed`, checked just above, and access to the struct is
        // access to them.
        unsafe impl $crate::Exposed for $name {}
    };
}
