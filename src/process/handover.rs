//! What a parent and its child tell each other: a page of words.
//!
//! | word | zero | then | by |
//! |---|---|---|---|
//! | [`STAMP`] | the child waits | the child's stamp, or [`REFUSED`] | the parent, once |
//! | [`OUTCOME`] | nothing said | kind and length, see [`kind`] | the child, once |
//! | [`END`] | not reaped yet | how it ended | the zygote that reaped it, once |
//! | from [`TEXT`] on | | a value or message that is [`SHORT`] | the child |
//!
//! A longer value or message lies behind the words, in the file. Either counts
//! from the moment the outcome's word is stored: a child killed before has said
//! nothing. Before the child begins, its name and its arguments lie there, if a
//! zygote is to have it.
//!
//! # Ordering
//!
//! Each word's release pairs with the acquire of whoever reads it: the stamp
//! publishes what the parent did to the endpoints, the outcome its bytes. The end is
//! all there is to know.

use core::mem::size_of;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::child::End;
use crate::deadline::{Deadline, Slices};
use crate::error::{Error, Kind};
use crate::primitive::{Ordering, Stamp, futex_wait, futex_wake, is_alive, is_current};
use crate::sys::fork::{Status, getppid};
use crate::sys::words::Words;

const STAMP: usize = 0;
const OUTCOME: usize = 1;
const END: usize = 2;
const TEXT: usize = 3;
const WORDS: usize = 32;

/// Bytes that the words have room for: without a system call, and without the
/// code for one, which a child would have to map first.
pub(super) const SHORT: usize = (WORDS - TEXT) * size_of::<u64>();

/// There will be no stamp: the child must end. Names nobody.
const REFUSED: u64 = 1;

/// The low byte of the outcome's word; the rest is a number.
mod kind {
    /// A value; the number is its length.
    pub(super) const RETURNED: u64 = 1;
    /// A panic's message; the number is its length.
    pub(super) const PANICKED: u64 = 2;
    /// What there was to say could not be written; the number is the errno.
    pub(super) const UNWRITTEN: u64 = 3;

    /// Of an end: the number is an exit code ..
    pub(super) const EXITED: u64 = 4;
    /// .. or a signal ..
    pub(super) const SIGNALLED: u64 = 5;
    /// .. or nothing, as somebody else was told.
    pub(super) const LOST: u64 = 6;

    pub(super) const MASK: u64 = 0xff;
    pub(super) const BITS: u32 = 8;
}

/// What a child said before it ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Returned(Vec<u8>),
    Panicked(String),
}

/// What a child is told at its beginning.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// This is its stamp.
    Stamp(Stamp),
    /// Nothing, for it lives in another PID namespace, where stamps mean
    /// nothing.
    Foreign,
    /// To end: the parent refuses it or is dead.
    End,
}

#[derive(Debug)]
pub(super) struct Handover {
    words: Words<WORDS>,
    /// Whose children it is for: a copy of it in one of them, or in a sibling
    /// that was given a `Child`, must leave the page alone.
    maker: Stamp,
}

impl Handover {
    pub(super) fn new(maker: Stamp) -> Result<Handover, Error> {
        Ok(Handover { words: Words::new("killproof-child")?, maker })
    }

    /// The page that a zygote was sent.
    pub(super) fn open(fd: OwnedFd, maker: Stamp) -> Result<Handover, Error> {
        Ok(Handover { words: Words::open(fd)?, maker })
    }

    /// Puts `bytes` behind the words, for a child that is to be.
    pub(super) fn bring(&self, bytes: &[u8]) -> Result<(), Error> {
        self.words.write_behind(bytes)
    }

    /// What was brought.
    pub(super) fn brought(&self, len: usize) -> Result<Vec<u8>, Error> {
        self.words.read_behind(len)
    }

    /// Says how the child ended.
    pub(super) fn tell_end(&self, end: End) {
        let (number, kind) = match end {
            End::Reaped(Status::Exited(code)) => (code, kind::EXITED),
            End::Reaped(Status::Signalled(signal)) => (signal, kind::SIGNALLED),
            End::Lost | End::Unknown => (0, kind::LOST),
        };
        let told = &self.words.words()[END];
        told.store(u64::from(number as u32) << kind::BITS | kind, Ordering::Release);
        futex_wake(told, u32::MAX);
    }

    /// How the child ended, of which its owner knows only that it did: the zygote is
    /// about to say so, unless it is dead itself. Unknown at the deadline.
    pub(super) fn wait_for_end(&self, zygote: Stamp, deadline: Deadline) -> End {
        let mut slices = Slices::new();
        let told = &self.words.words()[END];
        loop {
            // Before the word: a zygote that told and then died has told.
            let is_alive = is_alive(zygote);
            let word = told.load(Ordering::Acquire);
            let number = (word >> kind::BITS) as u32 as i32;
            match word & kind::MASK {
                kind::EXITED => return End::Reaped(Status::Exited(number)),
                kind::SIGNALLED => return End::Reaped(Status::Signalled(number)),
                0 if is_alive && deadline.has_passed() => return End::Unknown,
                0 if is_alive => {
                    let passed = futex_wait(told, 0, slices.next(deadline));
                    slices.is_over(passed);
                }
                _ => return End::Lost,
            }
        }
    }

    /// The page as it was at first, of a child that has ended; `None` where
    /// there may be something behind it, and in any process but its maker.
    pub(super) fn blank(self) -> Option<Handover> {
        if !is_current(self.maker) {
            return None;
        }
        let [stamp, outcome, ..] = self.words.words();
        let said = outcome.swap(0, Ordering::Relaxed);
        stamp.store(0, Ordering::Relaxed);
        (said != 0 && said >> kind::BITS <= SHORT as u64).then_some(self)
    }

    /// Tells the waiting child who it is.
    pub(super) fn give(&self, stamp: Stamp) {
        self.tell(stamp.word());
    }

    /// Tells the waiting child to end.
    pub(super) fn refuse(&self) {
        self.tell(REFUSED);
    }

    fn tell(&self, word: u64) {
        let told = &self.words.words()[STAMP];
        told.store(word, Ordering::Release);
        futex_wake(told, 1);
    }

    /// The child's first act: waits to be told who it is, as long as `parent`
    /// lives.
    ///
    /// The parent is not asked about but compared: whoever loses it has
    /// another parent from that moment on. Needs no descriptor, and is right
    /// in a namespace where the parent's number means somebody else.
    pub(super) fn wait_for_stamp(&self, parent: Stamp) -> Told {
        const IN_AN_OUTER_NAMESPACE: u32 = 0;
        let mut slices = Slices::new();
        loop {
            // Before the word: a parent that told and then died has told.
            let now = getppid();
            let told = &self.words.words()[STAMP];
            match told.load(Ordering::Acquire) {
                0 if now == parent.pid() => {
                    let passed = futex_wait(told, 0, slices.next(Deadline::Never));
                    slices.is_over(passed);
                }
                REFUSED => return Told::End,
                _ if now == IN_AN_OUTER_NAMESPACE => return Told::Foreign,
                word => return Stamp::of(word).map_or(Told::End, Told::Stamp),
            }
        }
    }

    /// The child's last act but one: its value.
    pub(super) fn returned(&self, value: &[u8]) -> Result<(), Error> {
        self.say(kind::RETURNED, value)
    }

    /// The child's last act but one: why it has none.
    pub(super) fn panicked(&self, message: &str) -> Result<(), Error> {
        self.say(kind::PANICKED, message.as_bytes())
    }

    fn say(&self, kind: u64, bytes: &[u8]) -> Result<(), Error> {
        let written =
            if bytes.len() <= SHORT { self.write(bytes) } else { self.words.write_behind(bytes) };
        let word = match &written {
            Ok(()) => (bytes.len() as u64) << kind::BITS | kind,
            Err(error) => {
                let errno = error.raw_os_error().unwrap_or(0).unsigned_abs();
                u64::from(errno) << kind::BITS | kind::UNWRITTEN
            }
        };
        self.words.words()[OUTCOME].store(word, Ordering::Release);
        written
    }

    fn write(&self, short: &[u8]) -> Result<(), Error> {
        for (word, bytes) in self.words.words()[TEXT..].iter().zip(short.chunks(size_of::<u64>())) {
            let mut whole = [0; size_of::<u64>()];
            whole[..bytes.len()].copy_from_slice(bytes);
            word.store(u64::from_ne_bytes(whole), Ordering::Relaxed);
        }
        Ok(())
    }

    fn read(&self, len: usize) -> Result<Vec<u8>, Error> {
        if len > SHORT {
            return self.words.read_behind(len);
        }
        let words = self.words.words()[TEXT..].iter().map(|word| word.load(Ordering::Relaxed));
        Ok(words.flat_map(u64::to_ne_bytes).take(len).collect())
    }

    /// What the child has said; `None` where it ended, or lives, in silence.
    pub(super) fn outcome(&self) -> Result<Option<Outcome>, Error> {
        let word = self.words.words()[OUTCOME].load(Ordering::Acquire);
        let number = word >> kind::BITS;
        let bytes = || self.read(number as usize);
        match word & kind::MASK {
            0 => Ok(None),
            kind::RETURNED => Ok(Some(Outcome::Returned(bytes()?))),
            kind::PANICKED => {
                let message = String::from_utf8_lossy(&bytes()?).into_owned();
                Ok(Some(Outcome::Panicked(message)))
            }
            _ => Err(Error::new("pwrite", Kind::Os(number as i32))),
        }
    }
}

impl AsFd for Handover {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.words.as_fd()
    }
}
