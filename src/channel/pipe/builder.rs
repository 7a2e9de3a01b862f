//! How a pipe comes to be, and how large it is.

use super::duplex::Duplex;
use super::end::End;
use super::receiver::PipeReceiver;
use super::record::HEADER;
use super::ring::Ring;
use super::sender::PipeSender;
use crate::error::{Error, Kind};
use crate::raw::queue::Side;
use crate::shared::message::Message;

/// A pipe from one sender to one receiver, with the default size of [`PipeBuilder`].
///
/// Each end belongs to one process and moves into a child by
/// [`spawn`](crate::process::spawn). What the other process has inherited of it keeps
/// nothing open, nor does what any sibling has.
///
/// # Errors
///
/// As [`PipeBuilder::pipe`].
///
/// # When a process dies
///
/// The receiver gets everything that a dead sender sent, and then
/// [`RecvError::Disconnected`](crate::channel::RecvError::Disconnected). The sender to a dead
/// receiver gets its value back, in
/// [`SendError::Disconnected`](crate::channel::SendError::Disconnected), once the pipe is full,
/// after 64 KiB or what a [`PipeBuilder`] says. Who has to know sooner waits for an answer, or
/// [`select`](crate::select())s on the child.
///
/// # Examples
///
/// ```
/// use killproof::channel::{RecvError, pipe};
///
/// let (mut sender, mut receiver) = pipe()?;
/// let child = killproof::process::spawn(move || {
///     for number in 1_u64..=3 {
///         sender.send((number, "x".repeat(number as usize))).unwrap();
///     }
/// })?;
/// assert_eq!(receiver.recv()?, (1, "x".to_string()));
/// assert_eq!(receiver.recv()?, (2, "xx".to_string()));
/// assert_eq!(receiver.recv()?, (3, "xxx".to_string()));
/// assert_eq!(receiver.recv(), Err(RecvError::Disconnected));
/// child.join()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn pipe<T: Message>() -> Result<(PipeSender<T>, PipeReceiver<T>), Error> {
    PipeBuilder::new().pipe()
}

/// Two ends that send to each other, by a pipe each way with the default size of
/// [`PipeBuilder`].
///
/// # Errors
///
/// As [`PipeBuilder::pipe`].
///
/// # When a process dies
///
/// As with a [`pipe`](pipe()), both ways.
///
/// # Examples
///
/// ```
/// use killproof::{channel, process};
///
/// let (mut ours, mut its) = channel::duplex::<u64, String>()?;
/// let child = process::spawn(move || {
///     while let Ok(number) = its.recv() {
///         its.send(format!("<{number}>")).unwrap();
///     }
/// })?;
/// ours.send(7)?;
/// assert_eq!(ours.recv()?, "<7>");
/// drop(ours);
/// child.join()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[expect(clippy::type_complexity, reason = "two ends, each with what goes which way")]
pub fn duplex<Tx, Rx>() -> Result<(Duplex<Tx, Rx>, Duplex<Rx, Tx>), Error>
where
    Tx: Message,
    Rx: Message,
{
    PipeBuilder::new().duplex()
}

/// The size of a pipe.
///
/// Its memory is reserved when it is made and used as messages touch it, so a large one
/// costs little until it is needed.
///
/// # Examples
///
/// ```
/// let builder = killproof::channel::PipeBuilder::new().capacity(1 << 20);
/// let (mut sender, mut receiver) = builder.pipe::<Vec<u8>>()?;
/// sender.send(vec![7; 1_000_000])?;
/// assert_eq!(receiver.recv()?.len(), 1_000_000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `pipe` or `duplex` is called"]
pub struct PipeBuilder {
    capacity: usize,
}

impl Default for PipeBuilder {
    fn default() -> Self {
        PipeBuilder::new()
    }
}

impl PipeBuilder {
    /// The most bytes that a pipe may hold.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::channel::PipeBuilder;
    ///
    /// let builder = PipeBuilder::new().capacity(PipeBuilder::MAX_CAPACITY + 1);
    /// assert!(builder.pipe::<u32>().unwrap_err().is_limit());
    /// ```
    pub const MAX_CAPACITY: usize = 1 << 30;
    /// The fewest, to which less is rounded up.
    pub(super) const LEAST: usize = 64;

    /// A pipe of 64 KiB.
    pub fn new() -> PipeBuilder {
        PipeBuilder { capacity: 64 << 10 }
    }

    /// How many bytes the pipe holds, rounded up to a power of two and to 64, at most
    /// 2^30. Default: 64 KiB, as pipe(2) has.
    ///
    /// A message takes eight bytes more than it encodes to, and then up to a multiple of
    /// eight. The largest is the capacity less eight.
    pub fn capacity(mut self, bytes: usize) -> PipeBuilder {
        self.capacity = bytes;
        self
    }

    /// Makes the pipe.
    ///
    /// # Errors
    ///
    /// [`is_limit`](Error::is_limit) when the capacity is too large, or too small for
    /// the messages where all are equally long; otherwise as
    /// [`Shared::new`](crate::Shared::new).
    pub fn pipe<T: Message>(self) -> Result<(PipeSender<T>, PipeReceiver<T>), Error> {
        let pipe = Ring::create::<T>(self.rounded::<T>()?)?;
        let [sender, receiver] =
            [Side::Send, Side::Receive].map(|side| End::new(pipe.clone(), side));
        Ok((PipeSender::new(sender), PipeReceiver::new(receiver)))
    }

    /// The capacity that a pipe of this size really has.
    pub(super) fn rounded<T: Message>(&self) -> Result<usize, Error> {
        if self.capacity > PipeBuilder::MAX_CAPACITY {
            return Err(Error::new("a pipe's capacity, up to 1073741824", Kind::Limit));
        }
        let capacity = self.capacity.max(PipeBuilder::LEAST).next_power_of_two();
        if T::FIXED.is_some_and(|len| len > capacity - HEADER) {
            return Err(Error::new("a pipe's capacity, for a message", Kind::Limit));
        }
        Ok(capacity)
    }

    /// Makes a pipe each way, both of this size.
    ///
    /// # Errors
    ///
    /// As [`pipe`](PipeBuilder::pipe).
    #[expect(clippy::type_complexity, reason = "as the function of this name")]
    pub fn duplex<Tx, Rx>(self) -> Result<(Duplex<Tx, Rx>, Duplex<Rx, Tx>), Error>
    where
        Tx: Message,
        Rx: Message,
    {
        let (there, its_receiver) = self.clone().pipe()?;
        let (back, our_receiver) = self.pipe()?;
        Ok((Duplex::new(there, our_receiver), Duplex::new(back, its_receiver)))
    }
}
