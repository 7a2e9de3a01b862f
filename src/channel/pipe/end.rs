//! An end of a pipe, and whose it is.

use std::fmt;
use std::sync::Arc;

use super::record::HEADER;
use super::ring::Ring;
use crate::channel::error::{RecvError, SendError};
use crate::deadline::{Deadline, Metronome};
use crate::error::{Error, Kind};
use crate::primitive::{self, Patience, Stamp};
use crate::raw::Pipe;
use crate::raw::pipe::{Cursor, Stop, Wait};
use crate::raw::queue::Side;
use crate::shared::describe::Owner;
use crate::shared::transfer;

pub(super) struct End {
    pipe: Arc<Pipe<Ring>>,
    side: Side,
    cursor: Cursor,
    patience: Patience,
    /// For messages that do not lie in one piece, or are the user's to decode.
    spare: Vec<u8>,
    polls: Metronome,
}

impl End {
    pub(super) fn new(pipe: Arc<Pipe<Ring>>, side: Side) -> End {
        let (cursor, patience) = (Cursor::new(), Patience::new());
        End { pipe, side, cursor, patience, spare: Vec::new(), polls: Metronome::new() }
    }

    /// Waits until `needed` bytes are this end's; whose end it is.
    #[inline]
    pub(super) fn claim(&mut self, needed: u64, deadline: Deadline) -> Result<Stamp, Stopped> {
        let me = primitive::current()?;
        match self.try_claim(needed, me, deadline, false) {
            // Who polls never comes to the end of a slice.
            Err(Stop::TimedOut) if self.polls.is_time() => {
                self.try_claim(needed, me, Deadline::Now, true)?;
            }
            claimed => claimed?,
        }
        Ok(me)
    }

    #[inline]
    fn try_claim(
        &mut self,
        needed: u64,
        me: Stamp,
        deadline: Deadline,
        ask: bool,
    ) -> Result<(), Stop> {
        let wait = Wait { deadline, patience: &self.patience, ask };
        self.pipe.claim(self.side, &mut self.cursor, needed, me, wait)
    }

    /// Makes the end this process's, whosever it was.
    pub(super) fn adopt(&mut self) -> Result<(), Error> {
        let me = primitive::current()?;
        let gone = Error::new("adopt", Kind::Gone);
        if self.pipe.take_end(self.side, me) { Ok(()) } else { Err(gone) }
    }

    /// What a claimed record is read or written with.
    #[inline]
    pub(super) fn parts(&mut self) -> (&Pipe<Ring>, &mut Cursor, &mut Vec<u8>) {
        (&self.pipe, &mut self.cursor, &mut self.spare)
    }

    /// The bytes of the ring.
    #[inline]
    pub(super) fn capacity(&self) -> usize {
        self.pipe.capacity() as usize
    }

    /// The most bytes of a message.
    #[inline]
    pub(super) fn largest(&self) -> usize {
        self.capacity() - HEADER
    }

    /// `name`, with what the pipe is like.
    pub(super) fn show(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owner = |side| Owner(self.pipe.owner(side));
        f.debug_struct(name)
            .field("filled", &self.pipe.filled())
            .field("capacity", &self.capacity())
            .field("sender", &owner(Side::Send))
            .field("receiver", &owner(Side::Receive))
            .finish_non_exhaustive()
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let Ok(me) = primitive::current() else { return };
        match transfer::recipient() {
            Some(child) => self.pipe.give(self.side, me, child),
            None => self.pipe.leave(self.side, me),
        }
    }
}

/// Why nothing was sent or received.
#[derive(Debug)]
pub(super) enum Stopped {
    TimedOut,
    Disconnected,
    Failed(Error),
}

impl Stopped {
    #[cold]
    pub(super) fn send<V>(self, value: V) -> SendError<V> {
        match self {
            Stopped::TimedOut => SendError::Full(value),
            Stopped::Disconnected => SendError::Disconnected(value),
            Stopped::Failed(error) => SendError::Failed(value, error),
        }
    }
}

impl From<Stop> for Stopped {
    #[cold]
    fn from(stop: Stop) -> Stopped {
        match stop {
            Stop::TimedOut => Stopped::TimedOut,
            Stop::Disconnected => Stopped::Disconnected,
            Stop::NotOwner => Stopped::Failed(Error::new("pipe", Kind::NotOwner)),
            Stop::Corrupt => Stopped::Failed(Error::new("pipe", Kind::Corrupt)),
        }
    }
}

impl From<Error> for Stopped {
    #[cold]
    fn from(error: Error) -> Stopped {
        Stopped::Failed(error)
    }
}

impl From<Stopped> for RecvError {
    #[cold]
    fn from(stopped: Stopped) -> RecvError {
        match stopped {
            Stopped::TimedOut => RecvError::Empty,
            Stopped::Disconnected => RecvError::Disconnected,
            Stopped::Failed(error) => RecvError::Failed(error),
        }
    }
}
