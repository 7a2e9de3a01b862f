//! Two pipes, one each way.

use core::fmt;
use std::time::Duration;

use super::receiver::PipeReceiver;
use super::sender::PipeSender;
use crate::channel::error::{RecvError, SendError};
use crate::shared::message::Message;

/// One of two ends that send to each other; see [`duplex`](super::duplex()).
///
/// It is a [`PipeSender`] and a [`PipeReceiver`], and belongs to one process as they
/// do. Dropped, it ends both ways: the other side gets what was sent, then
/// [`RecvError::Disconnected`], and cannot send any more.
///
/// # When the owner dies
///
/// As when it is dropped, within about 100 ms. Two sides that both wait for room, each
/// for the other to receive, wait for ever, as over any pair of pipes.
///
/// # Examples
///
/// See [`duplex`](super::duplex()).
#[must_use = "dropped, it ends the stream both ways"]
pub struct Duplex<Tx: Message, Rx: Message> {
    sender: PipeSender<Tx>,
    receiver: PipeReceiver<Rx>,
}

impl<Tx: Message, Rx: Message> Duplex<Tx, Rx> {
    pub(super) fn new(sender: PipeSender<Tx>, receiver: PipeReceiver<Rx>) -> Duplex<Tx, Rx> {
        Duplex { sender, receiver }
    }

    /// Waits for room and sends `value`.
    ///
    /// # Errors
    ///
    /// As [`PipeSender::send`].
    #[inline]
    pub fn send(&mut self, value: Tx) -> Result<(), SendError<Tx>> {
        self.sender.send(value)
    }

    /// Sends `value` if there is room.
    ///
    /// # Errors
    ///
    /// As [`PipeSender::try_send`].
    ///
    /// # Examples
    ///
    /// See [`PipeSender::try_send`].
    #[inline]
    pub fn try_send(&mut self, value: Tx) -> Result<(), SendError<Tx>> {
        self.sender.try_send(value)
    }

    /// Waits for room, at most for `timeout`, and sends `value`.
    ///
    /// # Errors
    ///
    /// As [`PipeSender::send_timeout`].
    ///
    /// # Examples
    ///
    /// See [`PipeSender::try_send`].
    pub fn send_timeout(&mut self, value: Tx, timeout: Duration) -> Result<(), SendError<Tx>> {
        self.sender.send_timeout(value, timeout)
    }

    /// Waits for a message and takes it.
    ///
    /// # Errors
    ///
    /// As [`PipeReceiver::recv`].
    #[inline]
    pub fn recv(&mut self) -> Result<Rx, RecvError> {
        self.receiver.recv()
    }

    /// Takes a message if there is one.
    ///
    /// # Errors
    ///
    /// As [`PipeReceiver::try_recv`].
    ///
    /// # Examples
    ///
    /// See [`PipeReceiver::try_recv`].
    #[inline]
    pub fn try_recv(&mut self) -> Result<Rx, RecvError> {
        self.receiver.try_recv()
    }

    /// Waits for a message, at most for `timeout`, and takes it.
    ///
    /// # Errors
    ///
    /// As [`PipeReceiver::recv_timeout`].
    ///
    /// # Examples
    ///
    /// See [`PipeReceiver::try_recv`].
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Rx, RecvError> {
        self.receiver.recv_timeout(timeout)
    }

    /// The two ends by themselves, for two threads, two processes, or to drop one of
    /// them: to end the stream one way and still receive the other.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{channel, process};
    ///
    /// let (ours, its) = channel::duplex::<u64, u64>()?;
    /// let child = process::spawn(move || {
    ///     let (mut sums, mut numbers) = its.split();
    ///     let mut sum = 0;
    ///     while let Ok(number) = numbers.recv() {
    ///         sum += number;
    ///     }
    ///     sums.send(sum).unwrap();
    /// })?;
    /// let (mut numbers, mut sums) = ours.split();
    /// for number in 1..=4 {
    ///     numbers.send(number)?;
    /// }
    /// drop(numbers); // this way is over, the other one is not
    /// assert_eq!(sums.recv()?, 10);
    /// child.join()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn split(self) -> (PipeSender<Tx>, PipeReceiver<Rx>) {
        (self.sender, self.receiver)
    }

    /// The two ends, for as long as they are borrowed.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::channel::{PipeSender, duplex};
    ///
    /// fn greet(whom: &mut PipeSender<String>) {
    ///     whom.send("hello".into()).unwrap();
    /// }
    ///
    /// let (mut ours, mut its) = duplex::<String, u32>()?;
    /// greet(ours.as_ends().0);
    /// assert_eq!(its.recv()?, "hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn as_ends(&mut self) -> (&mut PipeSender<Tx>, &mut PipeReceiver<Rx>) {
        (&mut self.sender, &mut self.receiver)
    }
}

impl<Tx: Message, Rx: Message> fmt::Debug for Duplex<Tx, Rx> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Duplex")
            .field("sender", &self.sender)
            .field("receiver", &self.receiver)
            .finish()
    }
}
