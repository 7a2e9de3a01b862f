//! A socket that carries whole messages, each with its descriptors.

use core::time::Duration;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::error::Error;
use crate::sys::fd::{poll_readable, poll_writable};
pub(crate) use crate::sys::socket::Sent;
use crate::sys::socket::{self, MOST};

/// One of two ends.
#[derive(Debug)]
pub(crate) struct Wire {
    socket: OwnedFd,
    /// For the next message.
    room: Vec<u8>,
}

/// What a receive finds.
#[derive(Debug)]
pub(crate) enum Arrival<'a> {
    /// A message, its descriptors, and whether all of them came: there may be more than
    /// this process may have.
    Message(&'a [u8], Vec<OwnedFd>, bool),
    Nothing,
    /// Nobody has the other end.
    End,
}

impl Wire {
    /// The most bytes of a message.
    pub(crate) const LARGEST: usize = 64 << 10;
    /// The most descriptors that go along with one.
    pub(crate) const MOST: usize = MOST;

    pub(crate) fn pair() -> Result<(Wire, Wire), Error> {
        let (one, other) = socket::pair()?;
        let wire = |socket| Wire { socket, room: vec![0; 1 + Wire::LARGEST] };
        Ok((wire(one), wire(other)))
    }

    /// Sends a message with its descriptors if there is room.
    pub(crate) fn try_send(
        &self,
        message: &[u8],
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<Sent, Error> {
        // A byte more: a message of none would look like the end.
        socket::try_send(self.socket.as_fd(), [&[0], message], descriptors)
    }

    /// Takes a message if there is one.
    pub(crate) fn try_recv(&mut self) -> Result<Arrival<'_>, Error> {
        let Some(taken) = socket::try_recv(self.socket.as_fd(), &mut self.room)? else {
            return Ok(Arrival::Nothing);
        };
        Ok(match self.room.get(1..taken.len) {
            Some(message) => Arrival::Message(message, taken.descriptors, !taken.is_cut),
            None => Arrival::End,
        })
    }

    /// Waits for a message, or the end, at most one slice; returns whether it passed.
    pub(crate) fn wait_readable(&self, slice: Duration) -> Result<bool, Error> {
        poll_readable(&self.socket, Some(slice)).map(|ready| !ready)
    }

    /// Waits for room, or the end, at most one slice; returns whether it passed.
    pub(crate) fn wait_writable(&self, slice: Duration) -> Result<bool, Error> {
        poll_writable(&self.socket, Some(slice)).map(|ready| !ready)
    }

    /// Ends it both ways, whoever else has a copy.
    pub(crate) fn shut_down(&self) {
        socket::shutdown(self.socket.as_fd());
    }
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
