//! Why a message was not sent or received.

use core::fmt;

use crate::error::{Error, Kind};
use crate::raw::queue::Stop;
use crate::shared::message::{self, Message};
use crate::shared::place::View;

/// Why a message was not sent; it comes back inside.
///
/// # Examples
///
/// See [`Sender`](super::Sender).
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError<T> {
    /// It is full, and the call may not wait, or not any longer.
    Full(T),
    /// Somebody closed the queue.
    Closed(T),
    /// Every receiver is gone or dead: of a pipe, its one. Of receivers that were killed
    /// only a sender is told that has to wait; until it is full, what it sends goes to nobody.
    Disconnected(T),
    /// The message is larger than the queue or pipe was built for: see
    /// [`Builder::largest`](super::Builder::largest) and [`PipeBuilder`](super::PipeBuilder).
    TooLarge {
        /// The message.
        value: T,
        /// The most bytes that a message may encode to.
        limit: usize,
    },
    /// The queue or pipe could not be used at all.
    Failed(T, Error),
}

impl<T> SendError<T> {
    /// The message that was not sent.
    ///
    /// # Examples
    ///
    /// See [`Sender::send_many`](super::Sender::send_many).
    pub fn into_inner(self) -> T {
        match self {
            SendError::Full(value)
            | SendError::Closed(value)
            | SendError::Disconnected(value)
            | SendError::TooLarge { value, .. }
            | SendError::Failed(value, _) => value,
        }
    }

    pub(super) fn stopped(stop: Stop, value: T) -> SendError<T> {
        match stop {
            Stop::TimedOut => SendError::Full(value),
            Stop::Closed => SendError::Closed(value),
            Stop::Disconnected => SendError::Disconnected(value),
            Stop::Corrupt => SendError::Failed(value, corrupt()),
        }
    }
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::Full(_) => f.write_str("Full(_)"),
            SendError::Closed(_) => f.write_str("Closed(_)"),
            SendError::Disconnected(_) => f.write_str("Disconnected(_)"),
            SendError::TooLarge { limit, .. } => write!(f, "TooLarge {{ limit: {limit} }}"),
            SendError::Failed(_, error) => write!(f, "Failed(_, {error:?})"),
        }
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::Full(_) => f.write_str("send: full"),
            SendError::Closed(_) => f.write_str("send: closed"),
            SendError::Disconnected(_) => f.write_str("send: every receiver is gone"),
            SendError::TooLarge { limit, .. } => {
                write!(f, "send: the message is larger than {limit} bytes")
            }
            SendError::Failed(_, error) => error.fmt(f),
        }
    }
}

impl<T> std::error::Error for SendError<T> {}

/// Why no message was received.
///
/// # Examples
///
/// See [`Receiver`](super::Receiver).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecvError {
    /// It is empty, and the call may not wait, or not any longer.
    Empty,
    /// Somebody closed the queue, and everything in it was received.
    Closed,
    /// Every sender is gone or dead, and everything they sent was received. Of a pipe:
    /// the end of the stream.
    Disconnected,
    /// The message was taken out, but these bytes are not a `T`.
    Invalid(Vec<u8>),
    /// The queue or pipe could not be used at all.
    Failed(Error),
}

impl From<Stop> for RecvError {
    fn from(stop: Stop) -> RecvError {
        match stop {
            Stop::TimedOut => RecvError::Empty,
            Stop::Closed => RecvError::Closed,
            Stop::Disconnected => RecvError::Disconnected,
            Stop::Corrupt => RecvError::Failed(corrupt()),
        }
    }
}

/// No honest process has left the words of the queue so.
#[cold]
fn corrupt() -> Error {
    Error::new("queue", Kind::Corrupt)
}

/// Why a [`join`](super::Sender::join) ended before everything was finished.
pub(super) fn not_joined(stop: Stop) -> Error {
    match stop {
        Stop::TimedOut => Error::new("join of a queue", Kind::TimedOut),
        Stop::Closed | Stop::Disconnected => {
            Error::new("join of a queue without receivers", Kind::Gone)
        }
        Stop::Corrupt => corrupt(),
    }
}

/// The message that these bytes are.
#[inline(always)]
pub(super) fn decode<T: Message>(view: View<'_>) -> Result<T, RecvError> {
    match message::from_view(view) {
        Ok(value) => Ok(value),
        Err(_) => Err(invalid(view)),
    }
}

/// Where strangers may write, what is there by now.
#[cold]
fn invalid(view: View<'_>) -> RecvError {
    RecvError::Invalid(view.to_vec())
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecvError::Empty => f.write_str("receive: empty"),
            RecvError::Closed => f.write_str("receive: closed"),
            RecvError::Disconnected => f.write_str("receive: every sender is gone"),
            RecvError::Invalid(bytes) => {
                write!(f, "receive: {} bytes that are not such a message", bytes.len())
            }
            RecvError::Failed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RecvError {}
