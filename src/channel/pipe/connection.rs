//! Messages with descriptors: a socket, and an end for each of the two processes.
//!
//! A message and its descriptors are one sendmsg(2), so a kill leaves both or neither.
//! The socket alone would not tell of a death: every process forked meanwhile has a copy
//! of it, which keeps it open. So beside it lies a pipe of no use but for whose its ends
//! are, which whoever waits asks about.

use core::fmt;
use core::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use super::end::End;
use super::ring::Ring;
use crate::channel::error::{RecvError, SendError, decode};
use crate::deadline::{Deadline, Slices};
use crate::error::{Error, Kind};
use crate::raw::queue::Side;
use crate::ready::{Ready, Source, Watches};
use crate::shared::message::{self, Message};
use crate::shared::place::View;
use crate::shared::wire::{Arrival, Sent, Wire};

/// Two ends that send each other messages, and descriptors along with them.
///
/// A [`duplex`](super::duplex()) is faster by far, and has room for larger messages.
///
/// # Errors
///
/// As [`Shared::new`](crate::Shared::new).
///
/// # When a process dies
///
/// As with a [`duplex`](super::duplex()); a message is there with its descriptors, or not
/// at all.
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write, pipe};
/// use std::os::fd::AsFd;
///
/// use killproof::{channel, process};
///
/// let (mut ours, mut its) = channel::connection::<String, ()>()?;
/// let child = process::spawn(move || {
///     let (name, descriptors) = its.recv().unwrap();
///     for descriptor in descriptors {
///         let mut file = std::fs::File::from(descriptor);
///         write!(file, "hello, {name}").unwrap();
///     }
/// })?;
/// let (mut reader, writer) = pipe()?;
/// ours.send("you".into(), &[writer.as_fd()])?;
/// drop(writer);
/// let mut text = String::new();
/// reader.read_to_string(&mut text)?;
/// assert_eq!(text, "hello, you");
/// child.join()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[expect(clippy::type_complexity, reason = "two ends, each with what goes which way")]
pub fn connection<Tx, Rx>() -> Result<(Connection<Tx, Rx>, Connection<Rx, Tx>), Error>
where
    Tx: Message,
    Rx: Message,
{
    let (wire, its_wire) = Wire::pair()?;
    let pipe = Ring::create::<(Tx, Rx)>(Connection::<Tx, Rx>::RING)?;
    let (end, its_end) = (End::new(pipe.clone(), Side::Send), End::new(pipe, Side::Receive));
    Ok((Connection::new(wire, end), Connection::new(its_wire, its_end)))
}

/// One of two ends that send each other messages with descriptors; see
/// [`connection`].
///
/// It belongs to one process, as the ends of a [`pipe`](super::pipe()) do, and moves into
/// a child by [`spawn`](crate::process::spawn). Dropped, it ends both ways: the other
/// side gets what was sent, then [`RecvError::Disconnected`].
///
/// # When the owner dies
///
/// As when it is dropped, within about 100 ms. Descriptors of messages that nobody
/// received are closed.
///
/// # Examples
///
/// See [`connection`].
#[must_use = "dropped, it ends the conversation"]
pub struct Connection<Tx: Message, Rx: Message> {
    pub(super) end: End,
    wire: Wire,
    watches: Watches,
    messages: PhantomData<fn(Tx) -> Rx>,
}

impl<Tx: Message, Rx: Message> Connection<Tx, Rx> {
    /// The most bytes that a message may encode to.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::channel::{Connection, SendError, connection};
    ///
    /// type Ours = Connection<Vec<u8>, ()>;
    /// let (mut ours, _its) = connection::<Vec<u8>, ()>()?;
    /// let error = ours.send(vec![7; Ours::LARGEST], &[]).unwrap_err(); // and its length
    /// assert!(matches!(error, SendError::TooLarge { limit: Ours::LARGEST, .. }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const LARGEST: usize = Wire::LARGEST;
    /// The most descriptors that may go along with a message.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::channel::{Connection, SendError, connection};
    /// use std::{io, os::fd::AsFd};
    ///
    /// let (mut ours, _its) = connection::<u32, ()>()?;
    /// let stdin = io::stdin();
    /// let descriptors = vec![stdin.as_fd(); Connection::<u32, ()>::MOST_DESCRIPTORS + 1];
    /// let refused = ours.send(7, &descriptors);
    /// assert!(matches!(refused, Err(SendError::Failed(7, error)) if error.is_limit()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const MOST_DESCRIPTORS: usize = Wire::MOST;
    /// The least that a ring may be; nothing goes through it.
    const RING: usize = 64;

    fn new(wire: Wire, end: End) -> Connection<Tx, Rx> {
        Connection { end, wire, watches: Watches::new(), messages: PhantomData }
    }

    /// Waits for room and sends `value`, and duplicates of the descriptors.
    ///
    /// # Errors
    ///
    /// [`SendError::Disconnected`] when the other end was dropped or is found dead;
    /// [`SendError::TooLarge`] past [`LARGEST`](Connection::LARGEST) bytes;
    /// [`SendError::Failed`] past [`MOST_DESCRIPTORS`](Connection::MOST_DESCRIPTORS)
    /// (with [`is_limit`](Error::is_limit)), when too many are on their way, when this
    /// end belongs to another process, or when this process is in another PID namespace.
    pub fn send(&mut self, value: Tx, descriptors: &[BorrowedFd<'_>]) -> Result<(), SendError<Tx>> {
        self.send_until(value, descriptors, Deadline::Never)
    }

    /// Sends `value` with the descriptors if there is room.
    ///
    /// # Errors
    ///
    /// As [`send`](Connection::send), and [`SendError::Full`].
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::channel::{SendError, connection};
    /// use std::time::Duration;
    ///
    /// let (mut ours, _its) = connection::<u32, ()>()?;
    /// while ours.try_send(7, &[]).is_ok() {}
    /// let late = ours.send_timeout(7, &[], Duration::from_millis(1));
    /// assert_eq!(late, Err(SendError::Full(7)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_send(
        &mut self,
        value: Tx,
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), SendError<Tx>> {
        self.send_until(value, descriptors, Deadline::Now)
    }

    /// Waits for room, at most for `timeout`, and sends `value` with the descriptors.
    ///
    /// # Errors
    ///
    /// As [`send`](Connection::send), and [`SendError::Full`].
    ///
    /// # Examples
    ///
    /// See [`try_send`](Connection::try_send).
    pub fn send_timeout(
        &mut self,
        value: Tx,
        descriptors: &[BorrowedFd<'_>],
        timeout: Duration,
    ) -> Result<(), SendError<Tx>> {
        self.send_until(value, descriptors, Deadline::after(timeout))
    }

    fn send_until(
        &mut self,
        value: Tx,
        descriptors: &[BorrowedFd<'_>],
        deadline: Deadline,
    ) -> Result<(), SendError<Tx>> {
        let limit = Self::LARGEST;
        // Measured first: what is too large is not written.
        if value.encoded_len() > limit {
            return Err(SendError::TooLarge { value, limit });
        }
        match self.try_until(&message::to_bytes(&value), descriptors, deadline) {
            Ok(Sent::Yes) => Ok(()),
            Ok(Sent::Full) => Err(SendError::Full(value)),
            Ok(Sent::Over) => Err(SendError::Disconnected(value)),
            Ok(Sent::TooLarge) => Err(SendError::TooLarge { value, limit }),
            Err(error) => Err(SendError::Failed(value, error)),
        }
    }

    fn try_until(
        &mut self,
        bytes: &[u8],
        descriptors: &[BorrowedFd<'_>],
        deadline: Deadline,
    ) -> Result<Sent, Error> {
        self.end.owner()?;
        if descriptors.len() > Self::MOST_DESCRIPTORS {
            return Err(Error::new("descriptors along with a message", Kind::Limit));
        }
        let mut slices = Slices::new();
        let mut ask = deadline.is_now() && self.end.is_time_to_ask();
        loop {
            if self.end.find_alone(ask) {
                return Ok(Sent::Over);
            }
            match self.wire.try_send(bytes, descriptors)? {
                Sent::Full if !deadline.has_passed() => {}
                sent => return Ok(sent),
            }
            let passed = self.wire.wait_writable(slices.next(deadline))?;
            ask = slices.is_over(passed);
        }
    }

    /// Waits for a message and takes it, with its descriptors.
    ///
    /// # Errors
    ///
    /// [`RecvError::Disconnected`] when the other end was dropped or is dead, and
    /// everything that it sent was received. [`RecvError::Invalid`] with the bytes of a
    /// message that is not an `Rx`; its descriptors are closed.
    /// [`RecvError::Failed`] with [`is_limit`](Error::is_limit) when the process may not
    /// have so many descriptors more: then the message is lost, as those are. It also
    /// says when this end belongs to another process, or this process is in another PID
    /// namespace.
    pub fn recv(&mut self) -> Result<(Rx, Vec<OwnedFd>), RecvError> {
        self.recv_until(Deadline::Never)
    }

    /// Takes a message with its descriptors if there is one.
    ///
    /// # Errors
    ///
    /// As [`recv`](Connection::recv), and [`RecvError::Empty`].
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::channel::{RecvError, connection};
    /// use std::time::Duration;
    ///
    /// let (mut ours, mut its) = connection::<u32, ()>()?;
    /// assert_eq!(its.try_recv().unwrap_err(), RecvError::Empty);
    /// let late = its.recv_timeout(Duration::from_millis(1));
    /// assert_eq!(late.unwrap_err(), RecvError::Empty);
    /// ours.send(7, &[])?;
    /// let (number, descriptors) = its.try_recv()?;
    /// assert_eq!((number, descriptors.len()), (7, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_recv(&mut self) -> Result<(Rx, Vec<OwnedFd>), RecvError> {
        self.recv_until(Deadline::Now)
    }

    /// Waits for a message, at most for `timeout`, and takes it with its descriptors.
    ///
    /// # Errors
    ///
    /// As [`recv`](Connection::recv), and [`RecvError::Empty`].
    ///
    /// # Examples
    ///
    /// See [`try_recv`](Connection::try_recv).
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<(Rx, Vec<OwnedFd>), RecvError> {
        self.recv_until(Deadline::after(timeout))
    }

    fn recv_until(&mut self, deadline: Deadline) -> Result<(Rx, Vec<OwnedFd>), RecvError> {
        let me = self.end.owner().map_err(RecvError::Failed)?;
        let mut slices = Slices::new();
        let mut ask = deadline.is_now() && self.end.is_time_to_ask();
        loop {
            // Before the look: what was sent before the end is to be received.
            let is_over = self.end.find_alone(ask);
            match self.wire.try_recv().map_err(RecvError::Failed)? {
                Arrival::Message(bytes, descriptors, true) => {
                    return decode(View::Own(bytes)).map(|value| (value, descriptors));
                }
                Arrival::Message(..) => {
                    let limit = Error::new("descriptors along with a message", Kind::Limit);
                    return Err(RecvError::Failed(limit));
                }
                Arrival::End => return Err(RecvError::Disconnected),
                Arrival::Nothing if is_over => return Err(RecvError::Disconnected),
                Arrival::Nothing => {}
            }
            if deadline.has_passed() {
                // The socket is its own bell.
                self.watches.begin_slice(me, || ());
                return Err(RecvError::Empty);
            }
            let passed = self.wire.wait_readable(slices.next(deadline));
            ask = slices.is_over(passed.map_err(RecvError::Failed)?);
        }
    }
}

/// Readable: a message is there, or there will be none.
impl<Tx: Message, Rx: Message> Ready for Connection<Tx, Rx> {
    fn ready_fd(&self) -> Result<BorrowedFd<'_>, Error> {
        let me = self.end.owner()?;
        self.watches.fd(me, Some(self.wire.as_fd()), || ())
    }
}

impl<Tx: Message, Rx: Message> Source for Connection<Tx, Rx> {
    fn bell_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.wire.as_fd())
    }

    fn look(&self, ask: bool) -> Result<bool, Error> {
        self.end.owner()?;
        Ok(!self.wire.wait_readable(Duration::ZERO)? || self.end.is_alone(ask))
    }
}

impl<Tx: Message, Rx: Message> Drop for Connection<Tx, Rx> {
    fn drop(&mut self) {
        // On its way to a child it goes on; a copy of another process's ends nothing.
        if self.end.recipient().is_none() && self.end.owner().is_ok() {
            self.wire.shut_down();
        }
    }
}

impl<Tx: Message, Rx: Message> fmt::Debug for Connection<Tx, Rx> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.end.show_owners("Connection", f)
    }
}
