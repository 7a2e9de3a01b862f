//! Handles that travel as descriptors.
#![allow(unsafe_code)]

use std::os::fd::{BorrowedFd, OwnedFd};

use super::handle::Shared;
use super::shareable::Shareable;
use crate::error::{Error, Kind};

/// A handle that another program can have, since it is nothing but descriptors: a
/// [`Shared`], an [`Event`](crate::sync::Event).
///
/// Only this crate's handles are.
pub trait Transfer: Sized + sealed::Sealed {
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
