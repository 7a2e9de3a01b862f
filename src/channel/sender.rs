//! The sending end of a queue.

use core::fmt;
use core::marker::PhantomData;
use std::time::Duration;

use super::end::End;
use super::error::SendError;
use super::slots::{Block, Room};
use crate::deadline::Deadline;
use crate::primitive::Stamp;
use crate::raw::queue::Side;
use crate::shared::message::{self, Message};

/// The sending end of a [`queue`](super::queue).
///
/// Clone it for every process and thread that sends. One that is moved into a
/// spawned child is the child's alone.
///
/// # When the owner dies
///
/// A sender killed inside a call has sent its message whole, or not at all, and
/// holds nobody up. Once every sender is gone or dead, receivers get what was
/// sent, and then [`RecvError::Disconnected`](super::RecvError::Disconnected).
///
/// # Order
///
/// Strict: all receivers together see all messages in one order, in which each
/// sender's own order is kept. The price is that a sender stopped (not killed)
/// in the few instructions in which it writes its slot holds up those behind it.
pub struct Sender<T: Message> {
    end: End,
    messages: PhantomData<fn(T)>,
}

impl<T: Message> Sender<T> {
    pub(super) fn new(end: End) -> Sender<T> {
        Sender { end, messages: PhantomData }
    }

    /// Waits for room and sends `value`.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`], [`SendError::Disconnected`],
    /// [`SendError::TooLarge`]; [`SendError::Failed`] where the queue has no
    /// place for another process, or this one is in another PID namespace. The
    /// value comes back.
    #[inline]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        self.send_until(value, Deadline::Never)
    }

    /// Sends `value` if there is room.
    ///
    /// # Errors
    ///
    /// As [`send`](Sender::send), and [`SendError::Full`].
    #[inline]
    pub fn try_send(&self, value: T) -> Result<(), SendError<T>> {
        self.send_until(value, Deadline::Now)
    }

    /// Waits for room, at most for `timeout`, and sends `value`.
    ///
    /// # Errors
    ///
    /// As [`send`](Sender::send), and [`SendError::Full`].
    pub fn send_timeout(&self, value: T, timeout: Duration) -> Result<(), SendError<T>> {
        self.send_until(value, Deadline::after(timeout))
    }

    #[inline]
    fn send_until(&self, value: T, deadline: Deadline) -> Result<(), SendError<T>> {
        let me = match self.end.me() {
            Ok(me) => me,
            Err(error) => return Err(SendError::Failed(value, error)),
        };
        if self.end.is_alone(Side::Receive) {
            return Err(SendError::Disconnected(value));
        }
        match (T::FIXED, T::IN_PLACE.is_allowed()) {
            (Some(len), true) => match Room::claim(self.end.queue(), me, deadline) {
                Ok(room) => {
                    room.send(len, |bytes| message::encode_into(&value, bytes));
                    Ok(())
                }
                Err(stop) => Err(SendError::stopped(stop, value)),
            },
            _ => self.send_encoded(value, me, deadline),
        }
    }

    /// Encodes before anybody could have to wait for it.
    fn send_encoded(&self, value: T, me: Stamp, deadline: Deadline) -> Result<(), SendError<T>> {
        let queue = self.end.queue();
        let len = value.encoded_len();
        let limit = queue.memory.largest();
        if len > limit {
            return Err(SendError::TooLarge { value, limit });
        }
        let sent = if len <= queue.memory.inline() {
            // As long as was said above, whatever `encoded_len` says next.
            let mut bytes = vec![0; len];
            message::encode_into(&value, &mut bytes);
            Room::claim(queue, me, deadline)
                .map(|room| room.send(len, |slot| slot.copy_from_slice(&bytes)))
        } else {
            Block::claim(queue, me, deadline).and_then(|mut block| {
                message::encode_into(&value, block.bytes_mut(len));
                let room = Room::claim(queue, me, deadline)?;
                room.send_block(block, len);
                Ok(())
            })
        };
        sent.map_err(|stop| SendError::stopped(stop, value))
    }

    /// Ends the queue for everybody: sends fail from now on, receives once
    /// everything in it was received.
    pub fn close(&self) {
        self.end.queue().close();
    }

    /// Whether somebody closed the queue.
    pub fn is_closed(&self) -> bool {
        self.end.queue().is_closed()
    }

    /// How many messages could be received now: those in the queue, those given
    /// back, and those leased by processes that are dead.
    ///
    /// Exact whenever nobody is inside a call. May look at every lease.
    pub fn len(&self) -> usize {
        self.end.queue().len()
    }

    /// Whether nothing could be received now.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a send would have to wait.
    pub fn is_full(&self) -> bool {
        self.end.queue().is_full()
    }

    /// How many messages the queue holds.
    pub fn capacity(&self) -> usize {
        self.end.queue().capacity()
    }
}

impl<T: Message> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender::new(self.end.clone())
    }
}

impl<T: Message> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}
