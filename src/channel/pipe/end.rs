//! An end of a pipe, and whose it is.

use std::fmt;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use super::record::HEADER;
use super::ring::Ring;
use crate::channel::error::{RecvError, SendError};
use crate::deadline::{Deadline, Metronome};
use crate::error::{Error, Kind};
use crate::primitive::{self, Patience, Stamp};
use crate::raw::Pipe;
use crate::raw::pipe::{Cursor, GRAIN, Memory, Stop, Wait};
use crate::raw::queue::Side;
use crate::ready::Watches;
use crate::shared::describe::Owner;
use crate::shared::transfer::Origin;

pub(super) struct End {
    pipe: Arc<Pipe<Ring>>,
    side: Side,
    origin: Origin,
    cursor: Cursor,
    patience: Patience,
    /// For messages that do not lie in one piece, or are the user's to decode.
    spare: Vec<u8>,
    polls: Metronome,
    /// The last claim that came to nothing: where, and of how many bytes.
    refused: (u64, u64),
    /// The descriptors that tell when it is worth a try.
    watches: Watches,
}

impl End {
    pub(super) fn new(pipe: Arc<Pipe<Ring>>, side: Side) -> End {
        End {
            pipe,
            side,
            origin: Origin::now(),
            cursor: Cursor::new(),
            patience: Patience::new(),
            spare: Vec::new(),
            polls: Metronome::new(),
            refused: (0, GRAIN),
            watches: Watches::new(),
        }
    }

    /// The process that it goes to when it is dropped now.
    pub(super) fn recipient(&self) -> Option<Stamp> {
        self.origin.recipient()
    }

    /// Waits until `needed` bytes are this end's; whose end it is.
    #[inline]
    pub(super) fn claim(&mut self, needed: u64, deadline: Deadline) -> Result<Stamp, Stopped> {
        let me = primitive::current()?;
        match self.try_claim(needed, me, deadline, false) {
            Err(Stop::TimedOut) => self.claim_late(needed, me)?,
            claimed => claimed?,
        }
        Ok(me)
    }

    /// The time is up. Asks now and then who is dead, since who only ever tries never
    /// comes to the end of a slice; and where there is a descriptor, it tells of the next
    /// change.
    #[cold]
    fn claim_late(&mut self, needed: u64, me: Stamp) -> Result<(), Stop> {
        let mut claimed = Err(Stop::TimedOut);
        if self.polls.is_time() {
            claimed = self.try_claim(needed, me, Deadline::Now, true);
        }
        if claimed == Err(Stop::TimedOut) {
            self.refused = (self.cursor.position(), needed);
            self.watches.begin_slice(me, || _ = self.arm(false));
        }
        claimed
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

    /// The descriptor of this end in this process; armed when it is made.
    pub(super) fn ready_fd(&self) -> Result<BorrowedFd<'_>, Error> {
        let me = self.owner()?;
        self.watches.fd(me, self.bell_fd(), || _ = self.arm(false))
    }

    /// `None` where the pipe was opened by a name: nobody rings there.
    pub(super) fn bell_fd(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.memory.bell(self.side).fd()
    }

    /// Whether a try is worth it now; otherwise the bell rings once it may be.
    pub(super) fn look(&self, ask: bool) -> Result<bool, Error> {
        self.owner().map(|_| self.arm(ask))
    }

    /// Whether nobody has the other end. With `ask` the dead are looked for as well.
    pub(super) fn is_alone(&self, ask: bool) -> bool {
        self.pipe.is_alone(self.side, &self.cursor, ask)
    }

    /// The same; and so it is found from then on, without asking.
    pub(super) fn find_alone(&mut self, ask: bool) -> bool {
        self.pipe.find_alone(self.side, &mut self.cursor, ask)
    }

    /// Whether a call that may not wait should ask who lives.
    pub(super) fn is_time_to_ask(&self) -> bool {
        self.polls.is_time()
    }

    /// This process, if the end is its own: nobody else may silence the bell.
    pub(super) fn owner(&self) -> Result<Stamp, Error> {
        let me = primitive::current()?;
        let is_owner = self.pipe.is_owner(self.side, me);
        is_owner.then_some(me).ok_or(Error::new("pipe", Kind::NotOwner))
    }

    fn arm(&self, ask: bool) -> bool {
        // What has moved on since is not the one that was refused.
        let (at, needed) = self.refused;
        let needed = if at == self.cursor.position() { needed } else { GRAIN };
        self.pipe.arm(self.side, &self.cursor, needed, ask)
    }

    /// Makes the end this process's, whosever it was.
    pub(super) fn adopt(&mut self) -> Result<(), Error> {
        let me = primitive::current()?;
        let gone = Error::new("adopt", Kind::Gone);
        if !self.pipe.take_end(self.side, me) {
            return Err(gone);
        }
        // Also where this process had it once: another may have used it since.
        self.cursor.begin_anew();
        Ok(())
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

    /// `name`, with whose the two ends are.
    pub(super) fn show_owners(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owner = |side| Owner(self.pipe.owner(side));
        f.debug_struct(name)
            .field("owner", &owner(self.side))
            .field("peer", &owner(self.side.other()))
            .finish_non_exhaustive()
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
        match self.recipient() {
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
