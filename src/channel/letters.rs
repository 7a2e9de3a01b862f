//! The messages that nobody should be made to try again.

use core::fmt;
use std::time::Duration;

use super::error::RecvError;
use super::receiver::Receiver;
use super::task::Task;
use crate::deadline::Deadline;
use crate::shared::message::Message;

/// The dead letters of a queue: messages that were leased as often as
/// [`max_attempts`](super::Builder::max_attempts) allows, and came back, because
/// they were given back or their holder was killed.
///
/// Ordinary receivers do not see them, so that a message which kills its worker
/// kills no more than so many. [`join`](super::Sender::join) does not wait for them.
///
/// A letter does not travel: it lies where the last lease of it left it, and what
/// makes it one is the count of attempts in the lease's own word. So none is ever
/// lost, or in two places.
///
/// # When the owner dies
///
/// A letter is taken by a lease like any other. Whoever takes one and is killed, or
/// drops it, leaves it for the next, with one more attempt.
///
/// # Examples
///
/// See [`Builder::max_attempts`](super::Builder::max_attempts).
pub struct DeadLetters<'a, T: Message> {
    receiver: &'a Receiver<T>,
}

impl<'a, T: Message> DeadLetters<'a, T> {
    pub(super) fn new(receiver: &'a Receiver<T>) -> Self {
        DeadLetters { receiver }
    }

    /// Waits for a dead letter and leases it: it is gone only when it is
    /// [`done`](Task::done).
    ///
    /// # Errors
    ///
    /// [`RecvError::Closed`] and [`RecvError::Disconnected`] once nothing is left
    /// that could become one, in the queue or on lease; otherwise as
    /// [`Receiver::recv`].
    ///
    /// # Examples
    ///
    /// See [`Builder::max_attempts`](super::Builder::max_attempts).
    pub fn lease(&self) -> Result<Task<'a, T>, RecvError> {
        self.receiver.letter_until(Deadline::Never)
    }

    /// Leases a dead letter if there is one.
    ///
    /// # Errors
    ///
    /// As [`lease`](DeadLetters::lease), and [`RecvError::Empty`].
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::channel::{Builder, RecvError};
    /// use std::time::Duration;
    ///
    /// let (jobs, todo) = Builder::new().max_attempts(1).queue::<u32>()?;
    /// let letters = todo.dead_letters();
    /// jobs.send(7)?;
    /// assert_eq!(letters.try_lease().unwrap_err(), RecvError::Empty);
    /// let late = letters.lease_timeout(Duration::from_millis(1));
    /// assert_eq!(late.unwrap_err(), RecvError::Empty);
    /// drop(todo.lease()?);
    /// assert_eq!(letters.len(), 1);
    /// letters.try_lease()?.done();
    /// assert!(letters.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_lease(&self) -> Result<Task<'a, T>, RecvError> {
        self.receiver.letter_until(Deadline::Now)
    }

    /// Waits for a dead letter, at most for `timeout`, and leases it.
    ///
    /// # Errors
    ///
    /// As [`lease`](DeadLetters::lease), and [`RecvError::Empty`].
    ///
    /// # Examples
    ///
    /// See [`try_lease`](DeadLetters::try_lease).
    pub fn lease_timeout(&self, timeout: Duration) -> Result<Task<'a, T>, RecvError> {
        self.receiver.letter_until(Deadline::after(timeout))
    }

    /// How many dead letters are in nobody's hands.
    ///
    /// Exact whenever nobody is inside a call. Looks at every lease.
    ///
    /// # Examples
    ///
    /// See [`try_lease`](DeadLetters::try_lease).
    pub fn len(&self) -> usize {
        self.receiver.letters()
    }

    /// Whether there is none.
    ///
    /// # Examples
    ///
    /// See [`try_lease`](DeadLetters::try_lease).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T: Message> fmt::Debug for DeadLetters<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetters").field("len", &self.len()).finish_non_exhaustive()
    }
}
