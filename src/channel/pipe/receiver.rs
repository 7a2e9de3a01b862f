//! The receiving end of a pipe.

use core::fmt;
use core::marker::PhantomData;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::end::End;
use super::record::Found;
use crate::channel::error::{RecvError, decode};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::ready::{Ready, Source};
use crate::shared::message::Message;

/// The receiving end of a [`pipe`](super::pipe()).
///
/// It belongs to one process and cannot be cloned or shared, as its
/// [`PipeSender`](super::PipeSender). Dropped, it leaves the sender alone.
///
/// # When the owner dies
///
/// A message that it had taken is gone with it (at most once), and so is what it had
/// not taken: the sender is told that it is alone.
///
/// # Examples
///
/// See [`pipe`](super::pipe()). Two threads cannot receive with one:
///
/// ```compile_fail,E0596
/// let (_sender, receiver) = killproof::channel::pipe::<u32>().unwrap();
/// let receiver = &receiver;
/// std::thread::scope(|scope| {
///     scope.spawn(move || receiver.recv().is_ok());
/// });
/// ```
#[must_use = "dropped, it leaves the sender alone"]
pub struct PipeReceiver<T: Message> {
    pub(super) end: End,
    messages: PhantomData<fn() -> T>,
}

impl<T: Message> PipeReceiver<T> {
    pub(super) fn new(end: End) -> PipeReceiver<T> {
        PipeReceiver { end, messages: PhantomData }
    }

    /// Waits for a message and takes it.
    ///
    /// # Errors
    ///
    /// [`RecvError::Disconnected`] at the end of the stream: the sender was dropped or
    /// is dead, and everything that it sent was received. [`RecvError::Invalid`] with
    /// the bytes of a message that is not a `T`. [`RecvError::Failed`] when this end
    /// belongs to another process, when this process is in another PID namespace, and
    /// with [`is_corrupt`](crate::Error::is_corrupt) when the shared bytes cannot be
    /// those of a pipe.
    ///
    /// # When a process dies
    ///
    /// If the sender does while this waits, it goes on within about 100 ms.
    ///
    /// # Examples
    ///
    /// See [`pipe`](super::pipe()).
    #[inline]
    pub fn recv(&mut self) -> Result<T, RecvError> {
        self.recv_until(Deadline::Never)
    }

    /// Takes a message if there is one.
    ///
    /// # Errors
    ///
    /// As [`recv`](PipeReceiver::recv), and [`RecvError::Empty`].
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::channel::{self, RecvError};
    /// use std::time::Duration;
    ///
    /// let (mut sender, mut receiver) = channel::pipe::<u32>()?;
    /// assert_eq!(receiver.try_recv(), Err(RecvError::Empty));
    /// assert_eq!(receiver.recv_timeout(Duration::from_millis(1)), Err(RecvError::Empty));
    /// sender.send(7)?;
    /// assert_eq!(receiver.try_recv(), Ok(7));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn try_recv(&mut self) -> Result<T, RecvError> {
        self.recv_until(Deadline::Now)
    }

    /// Waits for a message, at most for `timeout`, and takes it.
    ///
    /// # Errors
    ///
    /// As [`recv`](PipeReceiver::recv), and [`RecvError::Empty`].
    ///
    /// # Examples
    ///
    /// See [`try_recv`](PipeReceiver::try_recv).
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<T, RecvError> {
        self.recv_until(Deadline::after(timeout))
    }

    #[inline]
    fn recv_until(&mut self, deadline: Deadline) -> Result<T, RecvError> {
        let found = Found::claim(&mut self.end, deadline)?;
        if T::IN_PLACE.is_allowed() { found.take_in_place(decode) } else { found.take(decode) }
    }

    /// How many bytes the pipe holds.
    ///
    /// # Examples
    ///
    /// See [`PipeSender::capacity`](super::PipeSender::capacity).
    pub fn capacity(&self) -> usize {
        self.end.capacity()
    }

    /// The most bytes that a message may encode to.
    ///
    /// # Examples
    ///
    /// See [`PipeSender::capacity`](super::PipeSender::capacity).
    pub fn largest(&self) -> usize {
        self.end.largest()
    }
}

/// Readable: a message is there, or there will be none.
impl<T: Message> Ready for PipeReceiver<T> {
    fn ready_fd(&self) -> Result<BorrowedFd<'_>, Error> {
        self.end.ready_fd()
    }
}

impl<T: Message> Source for PipeReceiver<T> {
    fn bell_fd(&self) -> Option<BorrowedFd<'_>> {
        self.end.bell_fd()
    }

    fn look(&self, ask: bool) -> Result<bool, Error> {
        self.end.look(ask)
    }
}

impl<T: Message> fmt::Debug for PipeReceiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.end.show("PipeReceiver", f)
    }
}
