//! The messages of a queue, one after the other.

use super::error::RecvError;
use super::receiver::Receiver;
use crate::shared::message::Message;

/// The messages of a queue, until it is over; from [`Receiver::iter`].
///
/// # Examples
///
/// See [`Receiver::iter`].
#[derive(Debug)]
#[must_use = "iterators are lazy"]
pub struct Iter<'a, T: Message> {
    receiver: &'a Receiver<T>,
}

/// The messages that are there now; from [`Receiver::try_iter`].
///
/// # Examples
///
/// See [`Receiver::try_iter`].
#[derive(Debug)]
#[must_use = "iterators are lazy"]
pub struct TryIter<'a, T: Message> {
    receiver: &'a Receiver<T>,
}

/// The messages of a queue, until it is over, with the receiver inside.
///
/// # Examples
///
/// ```
/// let (numbers, inbox) = killproof::channel::queue::<u32>(4)?;
/// numbers.send_many(1..=3)?;
/// drop(numbers);
/// let mut sum = 0;
/// for number in inbox {
///     sum += number;
/// }
/// assert_eq!(sum, 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "iterators are lazy"]
pub struct IntoIter<T: Message> {
    receiver: Receiver<T>,
}

impl<T: Message> Receiver<T> {
    /// Waits for one message after the other, and ends when [`recv`](Receiver::recv)
    /// says [`RecvError::Closed`] or [`RecvError::Disconnected`].
    ///
    /// # Panics
    ///
    /// `next` panics where `recv` says [`RecvError::Invalid`] or
    /// [`RecvError::Failed`]: the loop would seem to have come to its end.
    ///
    /// # Examples
    ///
    /// ```
    /// let (numbers, inbox) = killproof::channel::queue::<u32>(4)?;
    /// numbers.send_many(1..=3)?;
    /// drop(numbers);
    /// assert_eq!(inbox.iter().sum::<u32>(), 6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { receiver: self }
    }

    /// Takes one message after the other, and ends when none is there or the queue
    /// is over.
    ///
    /// # Panics
    ///
    /// As [`iter`](Receiver::iter).
    ///
    /// # Examples
    ///
    /// ```
    /// let (numbers, inbox) = killproof::channel::queue::<u32>(4)?;
    /// numbers.send_many(1..=3)?;
    /// assert_eq!(inbox.try_iter().collect::<Vec<_>>(), [1, 2, 3]);
    /// assert_eq!(inbox.try_iter().next(), None);
    /// numbers.send(4)?; // it is not over
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter { receiver: self }
    }
}

fn next<T>(received: Result<T, RecvError>) -> Option<T> {
    match received {
        Ok(message) => Some(message),
        Err(RecvError::Empty | RecvError::Closed | RecvError::Disconnected) => None,
        Err(error) => panic!("{error}"),
    }
}

impl<T: Message> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        next(self.receiver.recv())
    }
}

impl<T: Message> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        next(self.receiver.try_recv())
    }
}

impl<T: Message> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        next(self.receiver.recv())
    }
}

impl<'a, T: Message> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T: Message> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter { receiver: self }
    }
}
