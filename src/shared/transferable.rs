//! Handles that travel as descriptors.
#![allow(unsafe_code)]

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::handle::Shared;
use super::shareable::Shareable;
use crate::error::{Error, Kind};
use crate::sys::socket;

/// What goes along with descriptors, as something must.
const HANDLE: u8 = b'h';

/// A handle that another program can have, since it is nothing but descriptors: a
/// [`Shared`], an [`Event`](crate::sync::Event), an end of a
/// [`queue`](crate::channel::queue), or up to six of them in a tuple.
///
/// One that was opened by a [name](crate::named) is refused where it is sent: the other
/// program opens the name.
///
/// Only this crate's handles are.
///
/// # Examples
///
/// See [`send_over`](Transfer::send_over).
pub trait Transfer: Sized + sealed::Sealed {
    /// Sends it over a unix socket, such as a `UnixStream`, to a program that takes it by
    /// [`recv_over`](Transfer::recv_over): with that it is of the family of those who have
    /// it. This process's handle stays its own.
    ///
    /// Waits while the socket is full. A queue with nobody but the one that it was sent
    /// to is deserted until that has received it: keep an end until it says so.
    ///
    /// # Errors
    ///
    /// What sendmsg(2) says, and where the handle was opened by a [name](crate::named).
    ///
    /// # Safety
    ///
    /// The descriptors can be written to, and what is written there becomes values in
    /// every process that has the handle. So whoever receives them does so by
    /// [`recv_over`](Transfer::recv_over).
    ///
    /// # When a process dies
    ///
    /// It was sent, or it was not; one that nobody receives goes with the socket.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Shared, Transfer, channel, sync::Value};
    /// use std::os::unix::net::UnixStream;
    ///
    /// let (one, other) = UnixStream::pair()?; // or by a `UnixListener`, and its path
    /// let (jobs, todo) = channel::queue::<u64>(4)?;
    /// let count = Shared::new(Value::new(7_u64))?;
    /// // SAFETY: the other side takes both by `recv_over`.
    /// unsafe { (jobs, count).send_over(&one) }?;
    ///
    /// type Both = (channel::Sender<u64>, Shared<Value<u64>>);
    /// // SAFETY: so it was sent just now.
    /// let (jobs, count) = unsafe { Both::recv_over(&other) }?; // in another program
    /// jobs.send(count.get())?;
    /// assert_eq!(todo.recv()?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    unsafe fn send_over(&self, socket: impl AsFd) -> Result<(), Error> {
        self.check()?;
        let send =
            |descriptors: &[BorrowedFd<'_>]| socket::send(socket.as_fd(), &[HANDLE], descriptors);
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { self.with_descriptors(send) }
    }

    /// Waits for a handle that was [sent](Transfer::send_over) over the socket, and takes
    /// it.
    ///
    /// # Errors
    ///
    /// [`is_gone`](Error::is_gone) when nobody has the other side any more;
    /// [`is_mismatch`](Error::is_mismatch) when what came is something else;
    /// [`is_limit`](Error::is_limit) when this process has no descriptors left, or a queue
    /// no place for another process; and as [`Shared::open`].
    ///
    /// # Safety
    ///
    /// [`Shared::open`]'s, for what comes: it was sent by
    /// [`send_over`](Transfer::send_over), and the other program's type is this one's.
    unsafe fn recv_over(socket: impl AsFd) -> Result<Self, Error> {
        let mut byte = [0];
        let taken = socket::recv(socket.as_fd(), &mut byte)?;
        if taken.len == 0 {
            return Err(Error::new("the other side of a socket", Kind::Gone));
        }
        if taken.is_cut {
            return Err(Error::new("descriptors along with a handle", Kind::Limit));
        }
        if byte != [HANDLE] {
            return Err(Error::new("a handle", Kind::Mismatch));
        }
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { Self::from_descriptors(taken.descriptors) }
    }

    /// How many descriptors it is.
    #[doc(hidden)]
    const DESCRIPTORS: usize;

    /// Whether it is nothing but descriptors.
    #[doc(hidden)]
    fn check(&self) -> Result<(), Error>;

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

    fn check(&self) -> Result<(), Error> {
        self.region().may_be_sent()
    }

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

    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

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
            fn check(&self) -> Result<(), Error> {
                let ($($name,)+) = self;
                $($name.check()?;)+
                Ok(())
            }

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
