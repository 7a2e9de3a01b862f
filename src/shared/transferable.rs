//! Handles that travel as descriptors.
#![allow(unsafe_code)]

use std::os::fd::{BorrowedFd, OwnedFd};

use super::handle::Shared;
use super::shareable::Shareable;
use crate::error::{Error, Kind};

/// A handle that another program can have, since it is nothing but descriptors: a
/// [`Shared`], an [`Event`](crate::sync::Event), an end of a
/// [`queue`](crate::channel::queue), or up to six of them in a tuple.
///
/// One that was opened by a [name](crate::named) is not: the other program opens the name.
///
/// Only this crate's handles are.
pub trait Transfer: Sized + sealed::Sealed {
    /// How many descriptors it is.
    #[doc(hidden)]
    const DESCRIPTORS: usize;

    /// Calls `send` with the descriptors, always as many and in one order.
    ///
    /// # Safety
    ///
    /// As [`Shared::as_fd`].
    #[doc(hidden)]
    unsafe fn with_descriptors<R>(&self, send: impl FnOnce(&[BorrowedFd<'_>]) -> R) -> R;

    /// The handle that these are.
    ///
    /// # Safety
    ///
    /// [`Shared::open`]'s, for what they refer to.
    #[doc(hidden)]
    unsafe fn from_descriptors(descriptors: Vec<OwnedFd>) -> Result<Self, Error>;
}

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// The `N` descriptors, if there are so many.
pub(crate) fn exactly<const N: usize>(descriptors: Vec<OwnedFd>) -> Result<[OwnedFd; N], Error> {
    descriptors.try_into().map_err(|_| Error::new("descriptors", Kind::Mismatch))
}

impl<T: Shareable> sealed::Sealed for Shared<T> {}

impl<T: Shareable> Transfer for Shared<T> {
    const DESCRIPTORS: usize = 1;

    unsafe fn with_descriptors<R>(&self, send: impl FnOnce(&[BorrowedFd<'_>]) -> R) -> R {
        // SAFETY: the caller keeps the contract, which is the same.
        send(&[unsafe { self.as_fd() }])
    }

    unsafe fn from_descriptors(descriptors: Vec<OwnedFd>) -> Result<Self, Error> {
        let [region] = exactly(descriptors)?;
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { Shared::open(region) }
    }
}

impl sealed::Sealed for () {}

impl Transfer for () {
    const DESCRIPTORS: usize = 0;

    unsafe fn with_descriptors<R>(&self, send: impl FnOnce(&[BorrowedFd<'_>]) -> R) -> R {
        send(&[])
    }

    unsafe fn from_descriptors(_: Vec<OwnedFd>) -> Result<Self, Error> {
        Ok(())
    }
}

/// `send` with the descriptors of all handles, after those of `done`.
macro_rules! with_all {
    ($send:ident, [$($done:ident)*]) => { $send(&[$($done),*].concat()) };
    ($send:ident, [$($done:ident)*] $next:ident $($rest:ident)*) => {{
        let handle = $next;
        let go_on = |$next: &[BorrowedFd<'_>]| with_all!($send, [$($done)* $next] $($rest)*);
        // SAFETY: the caller keeps the contract, which is the same for each.
        unsafe { handle.with_descriptors(go_on) }
    }};
}

macro_rules! tuples_transfer {
    ($($name:ident)+) => {
        impl<$($name: Transfer),+> sealed::Sealed for ($($name,)+) {}

        impl<$($name: Transfer),+> Transfer for ($($name,)+) {
            const DESCRIPTORS: usize = 0 $(+ $name::DESCRIPTORS)+;

            #[allow(non_snake_case)]
            unsafe fn with_descriptors<R>(&self, send: impl FnOnce(&[BorrowedFd<'_>]) -> R) -> R {
                let ($($name,)+) = self;
                with_all!(send, [] $($name)+)
            }

            #[allow(non_snake_case)]
            unsafe fn from_descriptors(descriptors: Vec<OwnedFd>) -> Result<Self, Error> {
                let mut all = descriptors.into_iter();
                $(
                    let part = all.by_ref().take($name::DESCRIPTORS).collect();
                    // SAFETY: the caller keeps the contract, which is the same for each.
                    let $name = unsafe { $name::from_descriptors(part) }?;
                )+
                Ok(($($name,)+))
            }
        }
    };
}

tuples_transfer! { A }
tuples_transfer! { A B }
tuples_transfer! { A B C }
tuples_transfer! { A B C D }
tuples_transfer! { A B C D E }
tuples_transfer! { A B C D E F }
