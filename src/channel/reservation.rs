//! Messages that are written where the receiver will read them.

use core::fmt;
use core::ops::{Deref, DerefMut};
use std::time::Duration;

use super::body::{Body, COUNT, Loaned};
use super::error::SendError;
use super::sender::Sender;
use super::slots::Room;
use crate::deadline::Deadline;
use crate::error::{Error, Kind};
use crate::raw::queue::Side;

impl Sender<Vec<u8>> {
    /// Waits for memory for a message of `len` bytes, to be written there and then
    /// [committed](Reservation::commit): for a large message without a copy of it.
    ///
    /// The message has its place in the order from the commit on, so a reservation
    /// holds nobody up. It takes one of as many blocks as the queue has places,
    /// [leases](super::Builder::leases) and
    /// [participants](super::Builder::participants) together; a message that fits into a
    /// slot, see [`Builder::inline`](super::Builder::inline), needs none and is copied.
    ///
    /// # Errors
    ///
    /// As [`send`](Sender::send). A full queue is for the commit to say.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{channel, process};
    ///
    /// let (frames, screen) = channel::Builder::new().largest(1 << 20).queue::<Vec<u8>>()?;
    /// let camera = process::spawn(move || {
    ///     let mut frame = frames.reserve(640 * 480).unwrap();
    ///     frame.fill(7);
    ///     frame.commit().unwrap();
    /// })?;
    /// let frame = screen.recv_ref()?;
    /// assert!(frame.iter().all(|pixel| *pixel == 7));
    /// drop(frame);
    /// camera.join()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve(&self, len: usize) -> Result<Reservation<'_>, SendError<()>> {
        self.reserve_until(len, Deadline::Never)
    }

    /// Takes memory for a message of `len` bytes if there is some.
    ///
    /// # Errors
    ///
    /// As [`reserve`](Sender::reserve), and [`SendError::Full`].
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::channel::{Builder, SendError};
    /// use std::time::Duration;
    ///
    /// let builder = Builder::new().capacity(1).leases(1).participants(1);
    /// let (frames, _screen) = builder.queue::<Vec<u8>>()?; // with memory for three
    /// let taken = [0; 3].map(|_| frames.try_reserve(1000).unwrap());
    /// assert_eq!(frames.try_reserve(1000).unwrap_err(), SendError::Full(()));
    /// let late = frames.reserve_timeout(1000, Duration::from_millis(1));
    /// assert_eq!(late.unwrap_err(), SendError::Full(()));
    /// drop(taken);
    /// assert!(frames.try_reserve(1000).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_reserve(&self, len: usize) -> Result<Reservation<'_>, SendError<()>> {
        self.reserve_until(len, Deadline::Now)
    }

    /// Waits for memory for a message of `len` bytes, at most for `timeout`.
    ///
    /// # Errors
    ///
    /// As [`reserve`](Sender::reserve), and [`SendError::Full`].
    ///
    /// # Examples
    ///
    /// See [`try_reserve`](Sender::try_reserve).
    pub fn reserve_timeout(
        &self,
        len: usize,
        timeout: Duration,
    ) -> Result<Reservation<'_>, SendError<()>> {
        self.reserve_until(len, Deadline::after(timeout))
    }

    fn reserve_until(
        &self,
        len: usize,
        deadline: Deadline,
    ) -> Result<Reservation<'_>, SendError<()>> {
        let me = self.end.me().map_err(|error| SendError::Failed((), error))?;
        let queue = self.end.queue();
        let limit = queue.memory.largest();
        let len = len.saturating_add(COUNT);
        if len > limit {
            return Err(SendError::TooLarge { value: (), limit });
        }
        if self.end.is_alone(Side::Receive) {
            return Err(SendError::Disconnected(()));
        }
        if queue.is_closed() {
            return Err(SendError::Closed(()));
        }
        let body = Body::claim(queue, len, me, deadline);
        let body = body.map_err(|stop| self.stopped(me, stop, ()))?;
        let mut loaned = Loaned::reserved(body, me);
        loaned.count();
        Ok(Reservation { sender: self, loaned })
    }
}

/// Memory for a message, to be written and [committed](Reservation::commit); see
/// [`Sender::reserve`].
///
/// What it contains at first is zeros, or what an earlier message left there. Dropped
/// uncommitted, it is given back and nothing is sent. It stays on its thread, and while
/// it exists [`spawn`](crate::process::spawn) refuses.
///
/// # When the owner dies
///
/// Nothing was sent, and the memory goes to another sender that needs it. Killed in the
/// commit, it has sent its message whole, or not at all.
///
/// # Examples
///
/// See [`Sender::reserve`].
///
/// In another thread it cannot be committed:
///
/// ```compile_fail,E0277
/// let (sender, _receiver) = killproof::channel::queue::<Vec<u8>>(1).unwrap();
/// let reservation = sender.reserve(1).unwrap();
/// std::thread::scope(|scope| _ = scope.spawn(move || reservation.commit().is_ok()));
/// ```
#[must_use = "dropped uncommitted, it sends nothing"]
pub struct Reservation<'a> {
    sender: &'a Sender<Vec<u8>>,
    loaned: Loaned<'a>,
}

impl<'a> Reservation<'a> {
    /// Waits for a place and sends the message.
    ///
    /// # Errors
    ///
    /// As [`Sender::send`], with the reservation in place of a value;
    /// [`SendError::Failed`] also in a forked copy of the process that reserved.
    ///
    /// # Examples
    ///
    /// See [`Sender::reserve`].
    pub fn commit(self) -> Result<(), SendError<Reservation<'a>>> {
        self.commit_until(Deadline::Never)
    }

    /// Sends the message if there is a place.
    ///
    /// # Errors
    ///
    /// As [`commit`](Reservation::commit), and [`SendError::Full`].
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::channel::{self, SendError};
    /// use std::time::Duration;
    ///
    /// let (frames, screen) = channel::queue::<Vec<u8>>(1)?;
    /// frames.send(vec![1])?;
    /// let frame = frames.reserve(1000)?;
    /// let Err(SendError::Full(frame)) = frame.try_commit() else { panic!("no place") };
    /// let late = frame.commit_timeout(Duration::from_millis(1));
    /// let Err(SendError::Full(frame)) = late else { panic!("no place") };
    /// screen.recv()?;
    /// frame.try_commit().unwrap();
    /// assert_eq!(screen.recv()?.len(), 1000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_commit(self) -> Result<(), SendError<Reservation<'a>>> {
        self.commit_until(Deadline::Now)
    }

    /// Waits for a place, at most for `timeout`, and sends the message.
    ///
    /// # Errors
    ///
    /// As [`commit`](Reservation::commit), and [`SendError::Full`].
    ///
    /// # Examples
    ///
    /// See [`try_commit`](Reservation::try_commit).
    pub fn commit_timeout(self, timeout: Duration) -> Result<(), SendError<Reservation<'a>>> {
        self.commit_until(Deadline::after(timeout))
    }

    fn commit_until(mut self, deadline: Deadline) -> Result<(), SendError<Reservation<'a>>> {
        let sender = self.sender;
        let me = match sender.end.me() {
            Ok(me) if self.loaned.is_owner(me) => me,
            Ok(_) => {
                let error = Error::new("commit of a reservation", Kind::NotOwner);
                return Err(SendError::Failed(self, error));
            }
            Err(error) => return Err(SendError::Failed(self, error)),
        };
        if sender.end.is_alone(Side::Receive) {
            return Err(SendError::Disconnected(self));
        }
        self.loaned.settle();
        match Room::claim(sender.end.queue(), me, deadline, 0) {
            Ok(room) => {
                self.loaned.send(room);
                Ok(())
            }
            Err(stop) => Err(sender.stopped(me, stop, self)),
        }
    }
}

impl Deref for Reservation<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.loaned.list()
    }
}

impl DerefMut for Reservation<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.loaned.list_mut()
    }
}

impl fmt::Debug for Reservation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation").field("len", &self.len()).finish_non_exhaustive()
    }
}
