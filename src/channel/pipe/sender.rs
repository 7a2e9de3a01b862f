//! The sending end of a pipe.

use core::fmt;
use core::marker::PhantomData;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::end::End;
use super::record::Room;
use crate::channel::error::SendError;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::ready::{Ready, Source};
use crate::shared::message::{self, Message};

/// The sending end of a [`pipe`](super::pipe()).
///
/// It belongs to one process: the one that made the pipe, or the child that
/// [`spawn`](crate::process::spawn) moved it into. In any other copy of that process's
/// memory (behind an `Arc`, in a static, after a bare fork) every operation says so
/// ([`Error::is_not_owner`](crate::Error::is_not_owner)) and changes nothing, and such a
/// copy keeps no pipe open. Dropped, it ends the stream.
///
/// There is one sender, which is what makes a pipe fast. So it has no `clone`, and its
/// methods take `&mut self`: to send from several threads or processes, use a
/// [`queue`](crate::channel::queue).
///
/// # When the owner dies
///
/// Killed inside a call, it has sent its message whole, or not at all. The receiver
/// gets what was sent, and then
/// [`RecvError::Disconnected`](crate::channel::RecvError::Disconnected).
///
/// # Examples
///
/// See [`pipe`](super::pipe()). It cannot be in two places:
///
/// ```compile_fail,E0382
/// use killproof::{channel, process};
///
/// let (mut sender, _receiver) = channel::pipe::<u32>().unwrap();
/// process::spawn(move || sender.send(1).is_ok()).unwrap();
/// sender.send(2).unwrap();
/// ```
///
/// Nor be cloned, or used by two threads at once:
///
/// ```compile_fail,E0599
/// let (sender, _receiver) = killproof::channel::pipe::<u32>().unwrap();
/// let another = sender.clone();
/// ```
///
/// ```compile_fail,E0596
/// let (sender, _receiver) = killproof::channel::pipe::<u32>().unwrap();
/// let sender = &sender;
/// std::thread::scope(|scope| {
///     scope.spawn(move || sender.send(1).is_ok());
/// });
/// ```
#[must_use = "dropped, it ends the stream"]
pub struct PipeSender<T: Message> {
    pub(super) end: End,
    messages: PhantomData<fn(T)>,
}

impl<T: Message> PipeSender<T> {
    pub(super) fn new(end: End) -> PipeSender<T> {
        PipeSender { end, messages: PhantomData }
    }

    /// Waits for room and sends `value`.
    ///
    /// # Errors
    ///
    /// [`SendError::Disconnected`] when the receiver was dropped, or is found dead:
    /// what it did not take is lost. That it is dead is found where there is no room for a
    /// message; then every call says so, also where there would be, until somebody
    /// [opens](crate::named) or [adopts](crate::channel::PipeReceiver::adopt) that end.
    /// [`SendError::TooLarge`] when the message is larger than
    /// [`largest`](PipeSender::largest). [`SendError::Failed`] when this end belongs to
    /// another process, or this process is in another PID namespace. The value comes
    /// back.
    ///
    /// # When a process dies
    ///
    /// If the receiver does while this waits, it goes on within about 100 ms.
    #[inline]
    pub fn send(&mut self, value: T) -> Result<(), SendError<T>> {
        self.send_until(value, Deadline::Never)
    }

    /// Sends `value` if there is room.
    ///
    /// # Errors
    ///
    /// As [`send`](PipeSender::send), and [`SendError::Full`].
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::channel::{PipeBuilder, SendError};
    /// use std::time::Duration;
    ///
    /// let (mut sender, _receiver) = PipeBuilder::new().capacity(64).pipe::<[u64; 5]>()?;
    /// sender.try_send([7; 5])?;
    /// assert_eq!(sender.try_send([8; 5]), Err(SendError::Full([8; 5])));
    /// let late = sender.send_timeout([8; 5], Duration::from_millis(1));
    /// assert_eq!(late, Err(SendError::Full([8; 5])));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn try_send(&mut self, value: T) -> Result<(), SendError<T>> {
        self.send_until(value, Deadline::Now)
    }

    /// Waits for room, at most for `timeout`, and sends `value`.
    ///
    /// # Errors
    ///
    /// As [`send`](PipeSender::send), and [`SendError::Full`].
    ///
    /// # Examples
    ///
    /// See [`try_send`](PipeSender::try_send).
    pub fn send_timeout(&mut self, value: T, timeout: Duration) -> Result<(), SendError<T>> {
        self.send_until(value, Deadline::after(timeout))
    }

    #[inline]
    fn send_until(&mut self, value: T, deadline: Deadline) -> Result<(), SendError<T>> {
        let len = T::FIXED.unwrap_or_else(|| value.encoded_len());
        let limit = self.end.largest();
        if len > limit {
            return Err(SendError::TooLarge { value, limit });
        }
        match Room::claim(&mut self.end, len, deadline) {
            Ok(room) => {
                room.send(|place| message::encode_to(&value, place));
                Ok(())
            }
            Err(stopped) => Err(stopped.send(value)),
        }
    }

    /// How many bytes the pipe holds. A message takes eight more than it encodes to, and
    /// then up to a multiple of eight.
    ///
    /// # Examples
    ///
    /// ```
    /// let builder = killproof::channel::PipeBuilder::new().capacity(100);
    /// let (sender, receiver) = builder.pipe::<String>()?;
    /// assert_eq!((sender.capacity(), receiver.capacity()), (128, 128));
    /// assert_eq!((sender.largest(), receiver.largest()), (120, 120));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn capacity(&self) -> usize {
        self.end.capacity()
    }

    /// The most bytes that a message may encode to.
    ///
    /// # Examples
    ///
    /// See [`capacity`](PipeSender::capacity).
    pub fn largest(&self) -> usize {
        self.end.largest()
    }
}

/// Readable: there is room for the message that was last refused, or for some message if none
/// was since the last that was sent; or there is nobody to receive.
impl<T: Message> Ready for PipeSender<T> {
    fn ready_fd(&self) -> Result<BorrowedFd<'_>, Error> {
        self.end.ready_fd()
    }
}

impl<T: Message> Source for PipeSender<T> {
    fn bell_fd(&self) -> Option<BorrowedFd<'_>> {
        self.end.bell_fd()
    }

    fn look(&self, ask: bool) -> Result<bool, Error> {
        self.end.look(ask)
    }
}

impl<T: Message> fmt::Debug for PipeSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.end.show("PipeSender", f)
    }
}
