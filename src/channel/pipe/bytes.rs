//! Bytes through a pipe of `Vec<u8>`, without a vector for each message.

use std::time::Duration;

use super::receiver::PipeReceiver;
use super::record::{Found, Room};
use super::sender::PipeSender;
use crate::channel::body::COUNT;
use crate::channel::error::{RecvError, SendError};
use crate::deadline::Deadline;

impl PipeSender<Vec<u8>> {
    /// Waits for room and sends a copy of `bytes`, as [`send`](PipeSender::send) would
    /// send a `Vec` of them: copied once, into the pipe.
    ///
    /// # Errors
    ///
    /// As [`send`](PipeSender::send).
    ///
    /// # When a process dies
    ///
    /// As in [`send`](PipeSender::send).
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut sender, mut receiver) = killproof::channel::pipe::<Vec<u8>>()?;
    /// let mut buffer = Vec::new();
    /// sender.send_bytes(b"some").unwrap();
    /// assert_eq!(receiver.recv_into(&mut buffer)?, 4);
    /// assert_eq!(buffer, b"some");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_bytes<'b>(&mut self, bytes: &'b [u8]) -> Result<(), SendError<&'b [u8]>> {
        self.send_bytes_until(bytes, Deadline::Never)
    }

    /// Sends a copy of `bytes` if there is room.
    ///
    /// # Errors
    ///
    /// As [`send`](PipeSender::send), and [`SendError::Full`].
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::channel::{PipeBuilder, SendError};
    /// use std::time::Duration;
    ///
    /// let (mut sender, _receiver) = PipeBuilder::new().capacity(64).pipe::<Vec<u8>>()?;
    /// let bytes = [7; 40];
    /// sender.try_send_bytes(&bytes).unwrap();
    /// assert_eq!(sender.try_send_bytes(&bytes), Err(SendError::Full(&bytes[..])));
    /// let late = sender.send_bytes_timeout(&bytes, Duration::from_millis(1));
    /// assert_eq!(late, Err(SendError::Full(&bytes[..])));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_send_bytes<'b>(&mut self, bytes: &'b [u8]) -> Result<(), SendError<&'b [u8]>> {
        self.send_bytes_until(bytes, Deadline::Now)
    }

    /// Waits for room, at most for `timeout`, and sends a copy of `bytes`.
    ///
    /// # Errors
    ///
    /// As [`send`](PipeSender::send), and [`SendError::Full`].
    ///
    /// # Examples
    ///
    /// See [`try_send_bytes`](PipeSender::try_send_bytes).
    pub fn send_bytes_timeout<'b>(
        &mut self,
        bytes: &'b [u8],
        timeout: Duration,
    ) -> Result<(), SendError<&'b [u8]>> {
        self.send_bytes_until(bytes, Deadline::after(timeout))
    }

    fn send_bytes_until<'b>(
        &mut self,
        bytes: &'b [u8],
        deadline: Deadline,
    ) -> Result<(), SendError<&'b [u8]>> {
        let limit = self.end.largest();
        if bytes.len() > limit - COUNT {
            return Err(SendError::TooLarge { value: bytes, limit });
        }
        match Room::claim(&mut self.end, COUNT + bytes.len(), deadline) {
            Ok(room) => {
                room.send_parts([&(bytes.len() as u64).to_ne_bytes(), bytes]);
                Ok(())
            }
            Err(stopped) => Err(stopped.send(bytes)),
        }
    }
}

impl PipeReceiver<Vec<u8>> {
    /// Waits for a message and puts it into `buffer`, in place of what was there:
    /// copied once, out of the pipe. Returns how many bytes it has.
    ///
    /// # Errors
    ///
    /// As [`recv`](PipeReceiver::recv); then `buffer` is as it was.
    ///
    /// # When a process dies
    ///
    /// As in [`recv`](PipeReceiver::recv).
    ///
    /// # Examples
    ///
    /// See [`send_bytes`](PipeSender::send_bytes).
    pub fn recv_into(&mut self, buffer: &mut Vec<u8>) -> Result<usize, RecvError> {
        self.recv_into_until(buffer, Deadline::Never)
    }

    /// Puts a message into `buffer` if there is one.
    ///
    /// # Errors
    ///
    /// As [`recv_into`](PipeReceiver::recv_into), and [`RecvError::Empty`].
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::channel::{self, RecvError};
    /// use std::time::Duration;
    ///
    /// let (mut sender, mut receiver) = channel::pipe::<Vec<u8>>()?;
    /// let mut buffer = b"as it was".to_vec();
    /// assert_eq!(receiver.try_recv_into(&mut buffer), Err(RecvError::Empty));
    /// let late = receiver.recv_into_timeout(&mut buffer, Duration::from_millis(1));
    /// assert_eq!((late, &buffer[..]), (Err(RecvError::Empty), &b"as it was"[..]));
    /// sender.send_bytes(b"new").unwrap();
    /// assert_eq!(receiver.try_recv_into(&mut buffer), Ok(3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_recv_into(&mut self, buffer: &mut Vec<u8>) -> Result<usize, RecvError> {
        self.recv_into_until(buffer, Deadline::Now)
    }

    /// Waits for a message, at most for `timeout`, and puts it into `buffer`.
    ///
    /// # Errors
    ///
    /// As [`recv_into`](PipeReceiver::recv_into), and [`RecvError::Empty`].
    ///
    /// # Examples
    ///
    /// See [`try_recv_into`](PipeReceiver::try_recv_into).
    pub fn recv_into_timeout(
        &mut self,
        buffer: &mut Vec<u8>,
        timeout: Duration,
    ) -> Result<usize, RecvError> {
        self.recv_into_until(buffer, Deadline::after(timeout))
    }

    fn recv_into_until(
        &mut self,
        buffer: &mut Vec<u8>,
        deadline: Deadline,
    ) -> Result<usize, RecvError> {
        let found = Found::claim(&mut self.end, deadline)?;
        let count = found.len().checked_sub(COUNT);
        if count.map(|count| count as u64) != found.first() {
            return Err(found.take(|message| RecvError::Invalid(message.to_vec())));
        }
        buffer.clear();
        found.take_into(COUNT, buffer);
        Ok(buffer.len())
    }
}
