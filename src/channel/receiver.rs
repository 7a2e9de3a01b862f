//! The receiving end of a queue.

use core::fmt;
use core::marker::PhantomData;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::end::End;
use super::error::{RecvError, decode};
use super::letters::DeadLetters;
use super::slots::Found;
use super::task::{Lease, Task};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::primitive::Stamp;
use crate::raw::queue::Stop;
use crate::ready::{Ready, Source};
use crate::shared::message::Message;

/// The receiving end of a [`queue`](super::queue).
///
/// Clone it for every process and thread that receives; each message goes to
/// one of them.
///
/// # When the owner dies
///
/// A receiver killed inside a call has taken its message, or left it for the
/// next. With [`recv`](Receiver::recv) a message that was taken is gone with
/// whoever took it (at most once); with [`lease`](Receiver::lease) it comes back
/// (at least once).
///
/// # Order
///
/// The price of a strict order: a receiver stopped (not killed) in the few
/// instructions in which it takes a message out of its slot holds up all other
/// receivers, and senders as soon as the queue is full. With
/// [`lease`](Receiver::lease) it looks for a free place for the message in there, at
/// as many as there may be leases.
///
/// # Examples
///
/// ```
/// use killproof::channel::{self, RecvError};
/// use killproof::process;
/// use std::time::Duration;
///
/// let (sender, receiver) = channel::queue::<u32>(4)?;
/// assert_eq!(receiver.try_recv(), Err(RecvError::Empty));
/// assert_eq!(receiver.recv_timeout(Duration::from_millis(1)), Err(RecvError::Empty));
/// let child = process::spawn(move || sender.send(7).unwrap())?;
/// assert_eq!(receiver.recv(), Ok(7));
/// child.join()?;
/// assert_eq!(receiver.recv(), Err(RecvError::Disconnected));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Receiver<T: Message> {
    pub(super) end: End,
    messages: PhantomData<fn() -> T>,
}

impl<T: Message> Receiver<T> {
    pub(super) fn new(end: End) -> Receiver<T> {
        Receiver { end, messages: PhantomData }
    }

    /// Waits for a message and takes it.
    ///
    /// # Errors
    ///
    /// [`RecvError::Closed`] and [`RecvError::Disconnected`] once everything
    /// was received, also what other processes have on lease;
    /// [`RecvError::Invalid`] with the bytes of a message that is not a `T`;
    /// [`RecvError::Failed`] where the queue has no place for another process,
    /// this one is in another PID namespace, or with
    /// [`is_corrupt`](Error::is_corrupt) where the shared words cannot be those of a
    /// queue.
    #[inline]
    pub fn recv(&self) -> Result<T, RecvError> {
        self.recv_until(Deadline::Never)
    }

    /// Takes a message if there is one.
    ///
    /// # Errors
    ///
    /// As [`recv`](Receiver::recv), and [`RecvError::Empty`]: also where somebody is
    /// in the way of the next message just then, or, of a queue by priority, others
    /// send faster than this looks through it.
    #[inline]
    pub fn try_recv(&self) -> Result<T, RecvError> {
        self.recv_until(Deadline::Now)
    }

    /// Waits for a message, at most for `timeout`, and takes it.
    ///
    /// # Errors
    ///
    /// As [`recv`](Receiver::recv), and [`RecvError::Empty`].
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvError> {
        self.recv_until(Deadline::after(timeout))
    }

    /// Waits for a message, and appends it and what else is there to `messages`, at
    /// most `most` in all. Returns how many came.
    ///
    /// # Errors
    ///
    /// As [`recv`](Receiver::recv). Where a message is [`RecvError::Invalid`],
    /// those before it are in `messages`; any other error that comes after a
    /// message is left for the next call to say.
    ///
    /// # Examples
    ///
    /// ```
    /// let (numbers, inbox) = killproof::channel::queue::<u32>(4)?;
    /// numbers.send_many(1..=3)?;
    /// let mut received = Vec::new();
    /// assert_eq!(inbox.recv_many(&mut received, 2)?, 2);
    /// assert_eq!(inbox.recv_many(&mut received, 2)?, 1);
    /// assert_eq!(received, [1, 2, 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recv_many(&self, messages: &mut Vec<T>, most: usize) -> Result<usize, RecvError> {
        if most == 0 {
            return Ok(0);
        }
        messages.push(self.recv()?);
        for count in 1..most {
            match self.try_recv() {
                Ok(message) => messages.push(message),
                Err(RecvError::Invalid(bytes)) => return Err(RecvError::Invalid(bytes)),
                Err(_) => return Ok(count),
            }
        }
        Ok(most)
    }

    /// Waits for a message and leases it: it is gone only when it is
    /// [`done`](Task::done).
    ///
    /// # Errors
    ///
    /// As [`recv`](Receiver::recv); [`RecvError::Failed`] also when as many
    /// messages are leased as the queue was built for.
    ///
    /// # Examples
    ///
    /// ```
    /// let (jobs, todo) = killproof::channel::queue::<u32>(4)?;
    /// jobs.send(7)?;
    /// let task = todo.lease()?;
    /// assert_eq!((*task, task.attempts()), (7, 1));
    /// drop(task); // not done: somebody else may try
    /// let task = todo.lease()?;
    /// assert_eq!((*task, task.attempts()), (7, 2));
    /// task.done();
    /// assert!(todo.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lease(&self) -> Result<Task<'_, T>, RecvError> {
        self.lease_until(Deadline::Never)
    }

    /// Leases a message if there is one.
    ///
    /// # Errors
    ///
    /// As [`lease`](Receiver::lease), and [`RecvError::Empty`].
    pub fn try_lease(&self) -> Result<Task<'_, T>, RecvError> {
        self.lease_until(Deadline::Now)
    }

    /// Waits for a message, at most for `timeout`, and leases it.
    ///
    /// # Errors
    ///
    /// As [`lease`](Receiver::lease), and [`RecvError::Empty`].
    pub fn lease_timeout(&self, timeout: Duration) -> Result<Task<'_, T>, RecvError> {
        self.lease_until(Deadline::after(timeout))
    }

    #[inline]
    fn recv_until(&self, deadline: Deadline) -> Result<T, RecvError> {
        let (found, _) = self.find(deadline)?;
        match (T::FIXED, T::IN_PLACE.is_allowed()) {
            (Some(len), true) => found.take_in_place(len, decode),
            _ => found.take(decode),
        }
    }

    fn lease_until(&self, deadline: Deadline) -> Result<Task<'_, T>, RecvError> {
        let (found, me) = self.find(deadline)?;
        self.task(found, me)
    }

    pub(super) fn letter_until(&self, deadline: Deadline) -> Result<Task<'_, T>, RecvError> {
        let me = self.end.me().map_err(RecvError::Failed)?;
        self.task(Found::claim_letter(self.end.queue(), me, deadline)?, me)
    }

    pub(super) fn letters(&self) -> usize {
        self.end.queue().letters()
    }

    fn task<'a>(&'a self, found: Found<'a>, me: Stamp) -> Result<Task<'a, T>, RecvError> {
        let leased = found.lease().map_err(RecvError::Failed)?;
        // Before any code of the message's runs: a panic gives the lease back.
        let lease = Lease::new(self.end.queue(), leased.cell(), me);
        match leased.read(decode) {
            Ok(value) => Ok(Task::new(lease, value)),
            Err(invalid) => {
                // It would be invalid for the next one as well.
                lease.finish();
                Err(invalid)
            }
        }
    }

    #[inline]
    pub(super) fn find(&self, deadline: Deadline) -> Result<(Found<'_>, Stamp), RecvError> {
        let me = self.end.me().map_err(RecvError::Failed)?;
        let queue = self.end.queue();
        match Found::claim(queue, me, deadline, self.end.is_time_to_ask()) {
            Err(Stop::TimedOut) => self.find_late(me),
            found => Ok((found?, me)),
        }
    }

    /// The time is up. Asks who is dead, lest somebody who only ever tries never
    /// does.
    fn find_late(&self, me: Stamp) -> Result<(Found<'_>, Stamp), RecvError> {
        let mut found = Err(Stop::TimedOut);
        if self.end.is_time_to_ask_again() {
            found = Found::claim(self.end.queue(), me, Deadline::Now, true);
        }
        if matches!(found, Err(Stop::TimedOut)) {
            self.end.arm(me);
        }
        Ok((found?, me))
    }

    /// Waits until everything that was sent is finished; as
    /// [`Sender::join`](super::Sender::join).
    ///
    /// A receiver that waits here is one that could still receive: where no other
    /// is left, and something is unfinished, it waits for ever.
    ///
    /// # Errors
    ///
    /// As [`Sender::join`](super::Sender::join).
    pub fn join(&self) -> Result<(), Error> {
        self.end.join(Deadline::Never)
    }

    /// Waits until everything that was sent is finished, at most for `timeout`.
    ///
    /// # Errors
    ///
    /// As [`join`](Receiver::join), and [`is_timed_out`](Error::is_timed_out).
    ///
    /// # Examples
    ///
    /// See [`Sender::join_timeout`](super::Sender::join_timeout).
    pub fn join_timeout(&self, timeout: Duration) -> Result<(), Error> {
        self.end.join(Deadline::after(timeout))
    }

    /// The messages that were leased as often as they may be, and came back; see
    /// [`Builder::max_attempts`](super::Builder::max_attempts).
    pub fn dead_letters(&self) -> DeadLetters<'_, T> {
        DeadLetters::new(self)
    }

    /// Ends the queue for everybody: sends fail from now on, receives once
    /// everything in it was received. From another PID namespace as well.
    ///
    /// # Examples
    ///
    /// See [`Sender::close`](super::Sender::close).
    pub fn close(&self) {
        self.end.queue().close();
    }

    /// Whether somebody closed the queue.
    ///
    /// # Examples
    ///
    /// See [`Sender::close`](super::Sender::close).
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
    /// See [`Sender::is_full`](super::Sender::is_full).
    pub fn is_full(&self) -> bool {
        self.end.queue().is_full()
    }

    /// How many messages the queue holds.
    pub fn capacity(&self) -> usize {
        self.end.queue().capacity()
    }
}

/// Readable: a message is there, or there will be none.
impl<T: Message> Ready for Receiver<T> {
    fn ready_fd(&self) -> Result<BorrowedFd<'_>, Error> {
        self.end.ready_fd()
    }
}

impl<T: Message> Source for Receiver<T> {
    fn bell_fd(&self) -> Option<BorrowedFd<'_>> {
        self.end.bell_fd()
    }

    fn look(&self, ask: bool) -> Result<bool, Error> {
        self.end.look(ask)
    }
}

impl<T: Message> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Receiver::new(self.end.clone())
    }
}

impl<T: Message> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}
