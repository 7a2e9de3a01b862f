//! How a queue comes to be, and how large it is.

use std::sync::Arc;

use super::end::End;
use super::key::{Key, order_of};
use super::mapped::Mapped;
use super::plan::{Expected, Geometry};
use super::receiver::Receiver;
use super::sender::Sender;
use crate::error::{Error, Kind};
use crate::primitive::FLAGS;
use crate::raw::queue::{Order, Side};
use crate::shared::message::Message;
use crate::shared::trust::Trust;

/// A queue for `capacity` messages, with the default sizes of [`Builder`].
///
/// # Errors
///
/// As [`Builder::queue`].
///
/// # Examples
///
/// ```
/// let (sender, receiver) = killproof::channel::queue(16)?;
/// sender.send(String::from("hello"))?;
/// assert_eq!(receiver.recv()?, "hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "JoinableQueue")]
#[doc(alias = "SimpleQueue")]
pub fn queue<T: Message>(capacity: usize) -> Result<(Sender<T>, Receiver<T>), Error> {
    Builder::new().capacity(capacity).queue()
}

/// A queue that gives its newest message first, with the default sizes of
/// [`Builder`].
///
/// # Errors
///
/// As [`Builder::lifo`].
///
/// # Examples
///
/// ```
/// let (sender, receiver) = killproof::channel::lifo(4)?;
/// sender.send_many(["first", "second", "third"].map(String::from))?;
/// drop(sender);
/// assert_eq!(receiver.iter().collect::<Vec<_>>(), ["third", "second", "first"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "LifoQueue")]
pub fn lifo<T: Message>(capacity: usize) -> Result<(Sender<T>, Receiver<T>), Error> {
    Builder::new().capacity(capacity).lifo()
}

/// A queue that gives the message with the smallest key first, with the default
/// sizes of [`Builder`].
///
/// # Errors
///
/// As [`Builder::priority`].
///
/// # Examples
///
/// ```
/// let (sender, receiver) = killproof::channel::priority(4)?;
/// sender.send_many([(20, 'a'), (10, 'b'), (30, 'c'), (10, 'd')])?;
/// drop(sender);
/// let received: Vec<(i32, char)> = receiver.iter().collect();
/// assert_eq!(received, [(10, 'b'), (10, 'd'), (20, 'a'), (30, 'c')]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "PriorityQueue")]
pub fn priority<K: Key, T: Message>(capacity: usize) -> Result<Ends<(K, T)>, Error> {
    Builder::new().capacity(capacity).priority()
}

type Ends<T> = (Sender<T>, Receiver<T>);

/// The sizes of a queue.
///
/// The memory of a queue is reserved when it is made and used as messages touch
/// it, so generous limits cost little until they are needed.
///
/// # Examples
///
/// ```
/// let (sender, receiver) = killproof::channel::Builder::new()
///     .capacity(8)
///     .largest(1 << 20)
///     .queue::<Vec<u8>>()?;
/// sender.send(vec![7; 1_000_000])?;
/// assert_eq!(receiver.recv()?.len(), 1_000_000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `queue` is called"]
pub struct Builder {
    capacity: Option<usize>,
    inline: Option<usize>,
    largest: Option<usize>,
    participants: Option<usize>,
    leases: Option<usize>,
    attempts: Option<u32>,
    trust: Trust,
}

impl Builder {
    /// The most messages that a queue may hold.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::channel::Builder;
    ///
    /// let builder = Builder::new().capacity(Builder::MAX_CAPACITY + 1);
    /// assert!(builder.queue::<u32>().unwrap_err().is_limit());
    /// ```
    pub const MAX_CAPACITY: usize = 1 << 20;
    /// The most messages that a queue in another order than that of arrival may
    /// hold: whoever receives looks at as many slots.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::channel::Builder;
    ///
    /// let builder = Builder::new().capacity(Builder::MAX_RANKED_CAPACITY + 1);
    /// assert!(builder.clone().lifo::<u32>().unwrap_err().is_limit());
    /// assert!(builder.queue::<u32>().is_ok());
    /// ```
    pub const MAX_RANKED_CAPACITY: usize = 1 << 12;
    /// The most processes that a side may have.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::channel::Builder;
    ///
    /// let builder = Builder::new().participants(Builder::MAX_PARTICIPANTS + 1);
    /// assert!(builder.queue::<u32>().unwrap_err().is_limit());
    /// ```
    pub const MAX_PARTICIPANTS: usize = FLAGS as usize;

    /// A queue of 64 messages with the defaults of the other settings.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// How many messages the queue holds, 1 to 2^20. Default: 64.
    pub fn capacity(mut self, messages: usize) -> Builder {
        self.capacity = Some(messages);
        self
    }

    /// How many bytes of a message of varying size travel inside the ring.
    /// Larger ones go through a block of their own. Default: 256.
    ///
    /// Ignored where all messages are equally long.
    ///
    /// # Examples
    ///
    /// ```
    /// let builder = killproof::channel::Builder::new().capacity(8).inline(1000).largest(1000);
    /// let (lines, inbox) = builder.queue::<String>()?; // all of them travel inside the ring
    /// lines.send("x".repeat(900))?;
    /// assert_eq!(inbox.recv()?.len(), 900);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn inline(mut self, bytes: usize) -> Builder {
        self.inline = Some(bytes);
        self
    }

    /// The most bytes that a message of varying size may encode to. Default:
    /// 64 KiB.
    ///
    /// Ignored where all messages are equally long.
    pub fn largest(mut self, bytes: usize) -> Builder {
        self.largest = Some(bytes);
        self
    }

    /// How many processes may hold an end, on each side. Default: 256, at most
    /// 1023.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::channel::{Builder, SendError};
    ///
    /// let (jobs, _todo) = Builder::new().participants(1).queue::<u32>()?;
    /// let its_jobs = jobs.clone();
    /// let child = killproof::process::spawn(move || match its_jobs.send(7) {
    ///     Err(SendError::Failed(_, error)) => error.is_limit(), // the parent has the one place
    ///     _ => false,
    /// })?;
    /// assert!(child.join()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn participants(mut self, processes: usize) -> Builder {
        self.participants = Some(processes);
        self
    }

    /// How many messages may be leased at once. Default: 256.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::channel::{Builder, RecvError};
    ///
    /// let (jobs, todo) = Builder::new().leases(1).queue::<u32>()?;
    /// jobs.send_many([7, 8])?;
    /// let task = todo.lease()?;
    /// assert!(matches!(todo.lease(), Err(RecvError::Failed(error)) if error.is_limit()));
    /// task.done();
    /// assert_eq!(*todo.lease()?, 8);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn leases(mut self, tasks: usize) -> Builder {
        self.leases = Some(tasks);
        self
    }

    /// How often a message may be leased, 1 to 1022; one that comes back after
    /// that, because it was given back or its holder was killed, goes to
    /// [`Receiver::dead_letters`]. Default: as often as it takes.
    ///
    /// A dead letter keeps the place of its lease until somebody has done with it.
    ///
    /// # Examples
    ///
    /// ```
    /// let builder = killproof::channel::Builder::new().max_attempts(2);
    /// let (jobs, todo) = builder.queue::<u32>()?;
    /// jobs.send(7)?;
    /// drop(todo.lease()?);
    /// drop(todo.lease()?);
    /// assert!(todo.try_lease().is_err());
    /// let letter = todo.dead_letters().lease()?;
    /// assert_eq!((*letter, letter.attempts()), (7, 3));
    /// letter.done();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn max_attempts(mut self, attempts: u32) -> Builder {
        self.attempts = Some(attempts);
        self
    }

    /// Takes it that others may write anything into the memory at any time: messages
    /// are copied out before they are looked at.
    #[doc(hidden)]
    pub fn among_strangers(mut self) -> Builder {
        self.trust = Trust::Strangers;
        self
    }

    /// Makes the queue.
    ///
    /// # Errors
    ///
    /// [`is_limit`](Error::is_limit) when a setting is zero or too large;
    /// otherwise as [`Shared::new`](crate::Shared::new).
    pub fn queue<T: Message>(self) -> Result<(Sender<T>, Receiver<T>), Error> {
        self.build(Order::Arrival, None)
    }

    /// Makes a queue that gives its newest message first: a stack.
    ///
    /// What came back from a lease has the place that it had: what was sent later
    /// comes before it. See [`priority`](Builder::priority) for where all leases are
    /// taken up by such, and for what a receive costs and waits for.
    ///
    /// # Errors
    ///
    /// As [`queue`](Builder::queue), with 2^12 as the largest capacity.
    pub fn lifo<T: Message>(self) -> Result<(Sender<T>, Receiver<T>), Error> {
        self.build(Order::Latest, None)
    }

    /// Makes a queue of messages with a key in front that gives the one with the
    /// smallest key first; of equal ones, the one that was sent first.
    ///
    /// What came back from a lease keeps its key, and its place among equals: whoever
    /// gives a message back in favour of a more urgent one gets that. Where what came
    /// back fills all the [`leases`](Builder::leases) that nobody has, a lease takes the
    /// first of it, even if a message with a smaller key waits: there is no room to
    /// lease that one.
    ///
    /// A receive looks at as many slots as the capacity, and at the leases while one
    /// waits that came back. It waits for a sender that writes one: its message may be
    /// the next. So one that is stopped (not killed) there holds up all receivers.
    ///
    /// # Errors
    ///
    /// As [`queue`](Builder::queue), with 2^12 as the largest capacity.
    pub fn priority<K: Key, T: Message>(self) -> Result<Ends<(K, T)>, Error> {
        self.build(Order::Smallest, Some(order_of))
    }

    fn build<T: Message>(self, order: Order, key: Option<fn(&T) -> u64>) -> Result<Ends<T>, Error> {
        let queue = Arc::new(Mapped::create::<T>(self.geometry::<T>(order)?, self.trust)?);
        let sender = End::new(queue.clone(), Side::Send)?;
        Ok((Sender::new(sender, key), Receiver::new(End::new(queue, Side::Receive)?)))
    }

    /// The sizes of a queue in this order.
    pub(super) fn geometry<T: Message>(&self, order: Order) -> Result<Geometry, Error> {
        if self.attempts == Some(0) {
            return Err(Error::new("a queue's attempts, 1 to 1022", Kind::Limit));
        }
        let largest = self.largest.unwrap_or(64 << 10);
        let (inline, largest) = match T::FIXED {
            Some(len) => (len, len),
            None => (self.inline.unwrap_or(256).min(largest), largest),
        };
        let geometry = Geometry {
            order,
            capacity: self.capacity.unwrap_or(64),
            inline,
            largest,
            seats: self.participants.unwrap_or(256),
            cells: self.leases.unwrap_or(256),
            attempts: self.attempts.map_or(0, |most| most as usize),
        };
        geometry.check()?;
        Ok(geometry)
    }

    /// What was said here of a queue of messages of type `T`; the rest may be anything.
    pub(super) fn expected<T: Message>(&self, order: Option<Order>) -> Expected {
        let (inline, largest) = match T::FIXED {
            Some(len) => (Some(len), Some(len)),
            None => (self.inline, self.largest),
        };
        let attempts = self.attempts.map(|most| most as usize);
        let order = order.map(|order| order as usize);
        [self.capacity, order, inline, largest, self.participants, self.leases, attempts]
    }

    /// The same with what was not said here from `other`.
    pub(super) fn or(self, other: Builder) -> Builder {
        Builder {
            capacity: self.capacity.or(other.capacity),
            inline: self.inline.or(other.inline),
            largest: self.largest.or(other.largest),
            participants: self.participants.or(other.participants),
            leases: self.leases.or(other.leases),
            attempts: self.attempts.or(other.attempts),
            trust: self.trust,
        }
    }
}
