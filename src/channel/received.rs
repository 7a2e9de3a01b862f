//! Messages that are read where the sender wrote them.

use core::fmt;
use core::ops::Deref;
use std::time::Duration;

use super::body::Loaned;
use super::error::RecvError;
use super::receiver::Receiver;
use crate::deadline::Deadline;

impl Receiver<Vec<u8>> {
    /// Waits for a message and takes it out of the order, to be read where it is: a
    /// large one without a copy of it.
    ///
    /// # Errors
    ///
    /// As [`recv`](Receiver::recv).
    ///
    /// # Examples
    ///
    /// See [`Sender::reserve`](super::Sender::reserve).
    pub fn recv_ref(&self) -> Result<Received<'_>, RecvError> {
        self.recv_ref_until(Deadline::Never)
    }

    /// Takes a message, to be read where it is, if there is one.
    ///
    /// # Errors
    ///
    /// As [`recv`](Receiver::recv), and [`RecvError::Empty`].
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::channel::{self, RecvError};
    /// use std::time::Duration;
    ///
    /// let (sender, receiver) = channel::queue::<Vec<u8>>(1)?;
    /// assert_eq!(receiver.try_recv_ref().unwrap_err(), RecvError::Empty);
    /// let late = receiver.recv_ref_timeout(Duration::from_millis(1));
    /// assert_eq!(late.unwrap_err(), RecvError::Empty);
    /// sender.send(b"some".to_vec())?;
    /// assert_eq!(*receiver.try_recv_ref()?, *b"some");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_recv_ref(&self) -> Result<Received<'_>, RecvError> {
        self.recv_ref_until(Deadline::Now)
    }

    /// Waits for a message, at most for `timeout`, and takes it, to be read where it is.
    ///
    /// # Errors
    ///
    /// As [`recv`](Receiver::recv), and [`RecvError::Empty`].
    ///
    /// # Examples
    ///
    /// See [`try_recv_ref`](Receiver::try_recv_ref).
    pub fn recv_ref_timeout(&self, timeout: Duration) -> Result<Received<'_>, RecvError> {
        self.recv_ref_until(Deadline::after(timeout))
    }

    fn recv_ref_until(&self, deadline: Deadline) -> Result<Received<'_>, RecvError> {
        let (found, me) = self.find(deadline)?;
        let loaned = Loaned::received(found.take_out(), me);
        if loaned.is_list() {
            Ok(Received(loaned))
        } else {
            Err(RecvError::Invalid(loaned.encoded().to_vec()))
        }
    }
}

/// A message that is read where its sender wrote it; see [`Receiver::recv_ref`].
///
/// It counts as received: [`join`](super::Sender::join) does not wait for it, and its
/// place in the queue is free. Its memory is free again when this is dropped; until then
/// a large one has one of the blocks that [`Sender::reserve`](super::Sender::reserve)
/// tells of. It stays on its thread, and while it exists
/// [`spawn`](crate::process::spawn) refuses.
///
/// # When the owner dies
///
/// The message is gone with it (at most once), and the memory goes to a sender that
/// needs it. Use [`lease`](Receiver::lease) for messages that must not be lost.
///
/// # Examples
///
/// See [`Sender::reserve`](super::Sender::reserve).
///
/// In another thread it cannot be dropped:
///
/// ```compile_fail,E0277
/// # let (sender, receiver) = killproof::channel::queue::<Vec<u8>>(1).unwrap();
/// # sender.send(vec![1]).unwrap();
/// let received = receiver.recv_ref().unwrap();
/// std::thread::scope(|scope| _ = scope.spawn(move || drop(received)));
/// ```
pub struct Received<'a>(Loaned<'a>);

impl Deref for Received<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.list()
    }
}

impl fmt::Debug for Received<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received").field("len", &self.len()).finish_non_exhaustive()
    }
}
