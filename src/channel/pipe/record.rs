//! Who may touch the bytes of the ring: room for a record, and a record that came.
//!
//! The indices decide whose bytes are whose; a [`Room`] or a [`Found`] is that
//! ownership, and gives access to them.
#![allow(unsafe_code)]

use core::mem::size_of;

use super::end::{End, Stopped};
use super::ring::Ring;
use crate::deadline::Deadline;
use crate::primitive::Stamp;
use crate::raw::Pipe;
use crate::raw::pipe::{Cursor, GRAIN, Stop};
use crate::raw::queue::Side;
use crate::shared::place::{Place, View};

/// The length in front of a message.
pub(super) const HEADER: usize = size_of::<u64>();

/// The bytes that a message of `len` takes of the ring.
#[inline]
fn size_of_record(len: usize) -> u64 {
    (HEADER + len).next_multiple_of(GRAIN as usize) as u64
}

/// Room for a message of `len` bytes. Dropped, nothing was sent.
#[derive(Debug)]
pub(super) struct Room<'a> {
    pipe: &'a Pipe<Ring>,
    cursor: &'a mut Cursor,
    spare: &'a mut Vec<u8>,
    me: Stamp,
    len: usize,
}

impl<'a> Room<'a> {
    /// Waits for room. `len` is no more than the pipe's largest message.
    #[inline]
    pub(super) fn claim(
        end: &'a mut End,
        len: usize,
        deadline: Deadline,
    ) -> Result<Room<'a>, Stopped> {
        let me = end.claim(size_of_record(len), deadline)?;
        let (pipe, cursor, spare) = end.parts();
        Ok(Room { pipe, cursor, spare, me, len })
    }

    /// Lets `write` fill the message, and commits. Nobody waits for `write`: the room
    /// is this end's alone. If it panics, nothing was sent.
    #[inline]
    pub(super) fn send(self, write: impl FnOnce(Place<'_>)) {
        let (ring, at) = (&self.pipe.memory, self.body());
        // SAFETY: 1. Room is bytes behind the sender's index and less than the ring's
        //    length behind the receiver's (`claim`): the receiver does not touch them,
        //    and there is one sender, which `cursor` is borrowed from. 2. The reference
        //    is gone before the commit.
        match unsafe { ring.place(at, self.len) } {
            // Told apart here, so that what is done with either is short.
            Some(Place::Own(bytes)) => write(Place::Own(bytes)),
            Some(Place::Open(span)) => write(Place::Open(span)),
            None => {
                self.spare.clear();
                self.spare.resize(self.len, 0);
                write(Place::Own(self.spare));
                // SAFETY: as above; so long as the room, and so as the ring at most.
                unsafe { ring.write(at, self.spare) };
            }
        }
        self.commit();
    }

    /// Sends two parts, one behind the other, which together are as long as the room.
    pub(super) fn send_parts(self, [first, second]: [&[u8]; 2]) {
        assert_eq!(first.len() + second.len(), self.len);
        let (ring, at) = (&self.pipe.memory, self.body());
        // SAFETY: as in `send`; the parts are as long as the room.
        unsafe { ring.write(at, first) };
        // SAFETY: as above.
        unsafe { ring.write(at.wrapping_add(first.len() as u64), second) };
        self.commit();
    }

    /// Where the message goes. Wrapping, as the indices do: an end begins at the one it
    /// finds, whoever wrote that.
    #[inline]
    fn body(&self) -> u64 {
        self.cursor.position().wrapping_add(HEADER as u64)
    }

    #[inline]
    fn commit(self) {
        // The room begins with the header.
        self.pipe.memory.set_word(self.cursor.position(), self.len as u64);
        self.pipe.commit(Side::Send, self.cursor, size_of_record(self.len), self.me);
    }
}

/// A message that came. Dropped before it is taken, it is the next one again.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pipe: &'a Pipe<Ring>,
    cursor: &'a mut Cursor,
    spare: &'a mut Vec<u8>,
    me: Stamp,
    len: usize,
}

impl<'a> Found<'a> {
    /// Waits for a message.
    #[inline]
    pub(super) fn claim(end: &'a mut End, deadline: Deadline) -> Result<Found<'a>, Stopped> {
        let me = end.claim(GRAIN, deadline)?;
        let (pipe, cursor, spare) = end.parts();
        let len = pipe.memory.word(cursor.position());
        // Whatever the length says, it is held to what was committed.
        let most = cursor.usable() - GRAIN;
        if len <= most && size_of_record(len as usize) <= cursor.usable() {
            Ok(Found { pipe, cursor, spare, me, len: len as usize })
        } else {
            Err(Stop::Corrupt.into())
        }
    }

    /// The message's length.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Takes the message out: lets `read` see it where it is, and commits. `read` runs
    /// no code but this crate's.
    #[inline]
    pub(super) fn take_in_place<R>(self, read: impl FnOnce(View<'_>) -> R) -> R {
        // SAFETY: 1. The bytes before the sender's index and behind the receiver's
        //    (`claim`) are not written until the receiver's index is moved, which only
        //    this end does. 2. The reference is gone before the commit.
        match unsafe { self.pipe.memory.view(self.body(), self.len) } {
            Some(view) => {
                // As in `Room::send`.
                let result = match view {
                    View::Own(bytes) => read(View::Own(bytes)),
                    View::Open(span) => read(View::Open(span)),
                };
                self.commit();
                result
            }
            None => self.take(read),
        }
    }

    /// Takes the message out, and then lets `read` see it.
    #[inline]
    pub(super) fn take<R>(self, read: impl FnOnce(View<'_>) -> R) -> R {
        self.spare.clear();
        // SAFETY: as in `take_in_place`; the length was held to what was committed.
        unsafe { self.pipe.memory.read(self.body(), self.len, self.spare) };
        let spare = self.commit();
        read(View::Own(spare))
    }

    /// The first eight bytes of the message, if it has so many.
    pub(super) fn first(&self) -> Option<u64> {
        (self.len >= HEADER).then(|| self.pipe.memory.word(self.body()))
    }

    /// Takes the message out, without the first `skipped` bytes, to the end of `into`.
    pub(super) fn take_into(self, skipped: usize, into: &mut Vec<u8>) {
        let len = self.len.saturating_sub(skipped);
        // SAFETY: as in `take`.
        unsafe { self.pipe.memory.read(self.body().wrapping_add(skipped as u64), len, into) };
        self.commit();
    }

    #[inline]
    fn body(&self) -> u64 {
        self.cursor.position().wrapping_add(HEADER as u64)
    }

    /// Gives the bytes back to the sender; returns the spare ones.
    #[inline]
    fn commit(self) -> &'a mut Vec<u8> {
        self.pipe.commit(Side::Receive, self.cursor, size_of_record(self.len), self.me);
        self.spare
    }
}

#[cfg(test)]
mod tests {
    use crate::channel::{PipeBuilder, PipeReceiver, PipeSender, RecvError};
    use proptest::prelude::{any, prop_assert, proptest};

    type Ends = (PipeSender<Vec<u8>>, PipeReceiver<Vec<u8>>);

    /// A pipe with one message in it, of which the bytes from `at` on are then others.
    fn scribbled(at: u64, bytes: &[u8]) -> Ends {
        let (mut sender, receiver) = PipeBuilder::new().capacity(128).pipe::<Vec<u8>>().unwrap();
        sender.send(vec![1; 20]).unwrap();
        let (pipe, ..) = sender.end.parts();
        // SAFETY: nobody else is here.
        unsafe { pipe.memory.write(at, bytes) };
        (sender, receiver)
    }

    #[test]
    fn a_length_past_what_was_committed_is_refused() {
        // 28 are right, and 29 to 32 would fit as well: those are no such message.
        for len in [33, 40, 128, 1 << 20, 1 << 40, u64::MAX - 8, u64::MAX] {
            let (_sender, mut receiver) = scribbled(0, &len.to_ne_bytes());
            for _ in 0..2 {
                match receiver.try_recv() {
                    Err(RecvError::Failed(error)) => assert!(error.is_corrupt(), "{len}"),
                    other => panic!("{len}: {other:?}"),
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_message_or_an_error(
            at in 0_u64..100,
            bytes in proptest::collection::vec(any::<u8>(), 1..16),
            into in any::<bool>(),
        ) {
            let (_sender, mut receiver) = scribbled(at, &bytes);
            let len = if into {
                let mut buffer = Vec::new();
                receiver.try_recv_into(&mut buffer)
            } else {
                receiver.try_recv().map(|message| message.len())
            };
            prop_assert!(len.is_err() || len == Ok(20) || at < 16, "{len:?}");
        }
    }
}
