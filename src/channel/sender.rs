//! The sending end of a queue.

use core::fmt;
use core::marker::PhantomData;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::body::Body;
use super::end::End;
use super::error::SendError;
use super::slots::Room;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::primitive::Stamp;
use crate::raw::queue::{Side, Stop};
use crate::ready::{Ready, Source};
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
///
/// # Examples
///
/// ```
/// use killproof::channel::{self, SendError};
///
/// let (sender, receiver) = channel::queue(1)?;
/// sender.send("first".to_string())?;
/// match sender.try_send("second".to_string()) {
///     Err(SendError::Full(back)) => assert_eq!(back, "second"),
///     other => panic!("{other:?}"),
/// }
/// drop(receiver);
/// let error = sender.send("third".to_string()).unwrap_err();
/// assert_eq!(error, SendError::Disconnected("third".to_string()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Sender<T: Message> {
    pub(super) end: End,
    /// What a message is ordered by, where that is not its arrival.
    key: Option<fn(&T) -> u64>,
    messages: PhantomData<fn(T)>,
}

impl<T: Message> Sender<T> {
    pub(super) fn new(end: End, key: Option<fn(&T) -> u64>) -> Sender<T> {
        Sender { end, key, messages: PhantomData }
    }

    /// Waits for room and sends `value`.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`], [`SendError::Disconnected`],
    /// [`SendError::TooLarge`]; [`SendError::Failed`] where the queue has no
    /// place for another process, this one is in another PID namespace, or with
    /// [`is_corrupt`](Error::is_corrupt) where the shared words cannot be those of a
    /// queue. The value comes back.
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

    /// Sends one message after the other, and waits for room for each.
    ///
    /// Not all or none: others' messages may come between these, and a process
    /// that is killed on the way has sent the first few. Each is there as soon as
    /// it is sent.
    ///
    /// # Errors
    ///
    /// As [`send`](Sender::send), with the message that was not sent; those before
    /// it were, and those behind it are still in the iterator. Pass `&mut messages`
    /// to keep it.
    ///
    /// # Examples
    ///
    /// ```
    /// let (jobs, todo) = killproof::channel::queue::<u32>(4)?;
    /// let mut numbers = [1, 2, 3].into_iter();
    /// jobs.send_many(&mut numbers)?;
    /// todo.close();
    /// let mut numbers = [4, 5, 6].into_iter();
    /// assert_eq!(jobs.send_many(&mut numbers).unwrap_err().into_inner(), 4);
    /// assert_eq!(numbers.as_slice(), [5, 6]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_many(&self, messages: impl IntoIterator<Item = T>) -> Result<(), SendError<T>> {
        messages.into_iter().try_for_each(|message| self.send(message))
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
        let key = self.key.map_or(0, |key| key(&value));
        match (T::FIXED, T::IN_PLACE.is_allowed()) {
            (Some(len), true) => match Room::claim(self.end.queue(), me, deadline, key) {
                Ok(room) => {
                    room.send(len, |place| message::encode_to(&value, place));
                    Ok(())
                }
                Err(stop) => Err(self.stopped(me, stop, value)),
            },
            _ => self.send_encoded(value, me, deadline, key),
        }
    }

    /// Encodes before anybody could have to wait for it.
    fn send_encoded(
        &self,
        value: T,
        me: Stamp,
        deadline: Deadline,
        key: u64,
    ) -> Result<(), SendError<T>> {
        let queue = self.end.queue();
        let len = value.encoded_len();
        let limit = queue.memory.largest();
        if len > limit {
            return Err(SendError::TooLarge { value, limit });
        }
        // As long as was said above, whatever `encoded_len` says next.
        let sent = Body::claim(queue, len, me, deadline).and_then(|mut body| {
            message::encode_to(&value, body.place());
            body.send(Room::claim(queue, me, deadline, key)?);
            Ok(())
        });
        sent.map_err(|stop| self.stopped(me, stop, value))
    }

    pub(super) fn stopped<V>(&self, me: Stamp, stop: Stop, value: V) -> SendError<V> {
        if stop == Stop::TimedOut {
            self.end.arm(me);
        }
        SendError::stopped(stop, value)
    }

    /// Waits until everything that was sent is finished: received, or its
    /// [`Task`](super::Task) done. The last one to finish wakes whoever waits.
    ///
    /// Nothing counts what is unfinished; it is read off the queue and the leases,
    /// so it is right after any kill. What a killed process had on lease is
    /// unfinished until somebody else has done it; a dead letter, see
    /// [`Builder::max_attempts`](super::Builder::max_attempts), is not waited for.
    /// Whoever holds a task of the queue itself would wait for itself.
    ///
    /// # Errors
    ///
    /// [`is_gone`](Error::is_gone) when something is unfinished and every
    /// receiver is gone or dead; [`is_corrupt`](Error::is_corrupt) where the shared
    /// words cannot be those of a queue; otherwise where the queue has no place for
    /// another process, or this one is in another PID namespace.
    ///
    /// # Examples
    ///
    /// ```
    /// let (jobs, todo) = killproof::channel::queue::<u32>(4)?;
    /// let worker = killproof::process::spawn(move || {
    ///     while let Ok(task) = todo.lease() {
    ///         task.done();
    ///     }
    /// })?;
    /// for job in 0..10 {
    ///     jobs.send(job)?;
    /// }
    /// jobs.join()?; // all ten are done
    /// drop(jobs);
    /// worker.join()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn join(&self) -> Result<(), Error> {
        self.end.join(Deadline::Never)
    }

    /// Waits until everything that was sent is finished, at most for `timeout`.
    ///
    /// # Errors
    ///
    /// As [`join`](Sender::join), and [`is_timed_out`](Error::is_timed_out).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let (jobs, todo) = killproof::channel::queue::<u32>(4)?;
    /// jobs.send(7)?;
    /// assert!(jobs.join_timeout(Duration::from_millis(1)).unwrap_err().is_timed_out());
    /// todo.recv()?;
    /// jobs.join_timeout(Duration::from_millis(1))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn join_timeout(&self, timeout: Duration) -> Result<(), Error> {
        self.end.join(Deadline::after(timeout))
    }

    /// Ends the queue for everybody: sends fail from now on, receives once
    /// everything in it was received. From another PID namespace as well.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::channel::{self, RecvError, SendError};
    ///
    /// let (sender, receiver) = channel::queue(4)?;
    /// sender.send(1)?;
    /// sender.close();
    /// assert!(sender.is_closed() && receiver.is_closed());
    /// assert_eq!(sender.send(2), Err(SendError::Closed(2)));
    /// assert_eq!(receiver.recv(), Ok(1));
    /// assert_eq!(receiver.recv(), Err(RecvError::Closed));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn close(&self) {
        self.end.queue().close();
    }

    /// Whether somebody closed the queue.
    ///
    /// # Examples
    ///
    /// See [`close`](Sender::close).
    pub fn is_closed(&self) -> bool {
        self.end.queue().is_closed()
    }

    /// How many messages could be received now: those in the queue, those given
    /// back, and those leased by processes that are dead.
    ///
    /// Exact whenever nobody is inside a call. May look at every lease. In another PID
    /// namespace nobody counts as dead.
    pub fn len(&self) -> usize {
        self.end.queue().len()
    }

    /// Whether nothing could be received now.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a send would have to wait.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = killproof::channel::queue::<u32>(2)?;
    /// sender.send(7)?;
    /// assert!(!sender.is_full() && !receiver.is_full());
    /// sender.send(8)?;
    /// assert!(sender.is_full() && receiver.is_full());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_full(&self) -> bool {
        self.end.queue().is_full()
    }

    /// How many messages the queue holds.
    pub fn capacity(&self) -> usize {
        self.end.queue().capacity()
    }
}

/// Readable: there is room, or nobody to receive.
impl<T: Message> Ready for Sender<T> {
    fn ready_fd(&self) -> Result<BorrowedFd<'_>, Error> {
        self.end.ready_fd()
    }
}

impl<T: Message> Source for Sender<T> {
    fn bell_fd(&self) -> Option<BorrowedFd<'_>> {
        self.end.bell_fd()
    }

    fn look(&self, ask: bool) -> Result<bool, Error> {
        self.end.look(ask)
    }
}

impl<T: Message> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender::new(self.end.clone(), self.key)
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
