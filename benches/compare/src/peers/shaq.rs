//! shaq, in a memory file: its ring for one sender and one receiver, and its ring for
//! several, which is the one to kill in. Both are asked again until they have something;
//! that a peer is gone they never say.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::fd::FromRawFd;

use shaq::{mpmc, spsc};

use crate::channel::{CAPACITY, Channel, Missing, Receiver, Sender};
use crate::common::trips::wait;
use crate::message::Message;

const NAME: &CStr = c"compare";

/// A ring that has no lock, but order: who is killed between its two steps is in the way.
pub struct Spsc(File);

pub struct Mpmc(File);

fn memory_file(bytes: usize) -> Result<File, Missing> {
    // SAFETY: a name that lives for ever.
    let fd = unsafe { libc::memfd_create(NAME.as_ptr(), libc::MFD_CLOEXEC) };
    if fd < 0 {
        return Err(Missing(io::Error::last_os_error().to_string()));
    }
    // SAFETY: opened just above.
    let file = unsafe { File::from_raw_fd(fd) };
    file.set_len(bytes as u64).map_err(|error| Missing(error.to_string()))?;
    Ok(file)
}

fn whole_pages(bytes: usize) -> usize {
    bytes.next_multiple_of(4096)
}

impl<const WORDS: usize> Channel<WORDS> for Spsc {
    type Sender = spsc::Producer<Message<WORDS>>;
    type Receiver = spsc::Consumer<Message<WORDS>>;

    const MAY_SHARE: bool = false;

    fn new() -> Result<Self, Missing> {
        let bytes = whole_pages(spsc::minimum_file_size::<Message<WORDS>>(CAPACITY));
        let file = memory_file(bytes)?;
        // SAFETY: nobody else has the file yet; words may be read anywhere.
        let made = unsafe { spsc::Producer::<Message<WORDS>>::create(&file, bytes) };
        made.map_err(|error| Missing(format!("{error:?}")))?;
        Ok(Spsc(file))
    }

    fn sender(&self) -> Self::Sender {
        // SAFETY: made by `new`; the one actor of a run that sends.
        unsafe { spsc::Producer::join(&self.0) }.expect("a ring")
    }

    fn receiver(&self) -> Self::Receiver {
        // SAFETY: made by `new`; the one actor of a run that receives.
        unsafe { spsc::Consumer::join(&self.0) }.expect("a ring")
    }
}

impl<const WORDS: usize> Sender<WORDS> for spsc::Producer<Message<WORDS>> {
    #[inline]
    fn send(&mut self, mut message: Message<WORDS>) -> bool {
        let mut looks = 0;
        while let Err(back) = self.try_write(message) {
            message = back;
            wait(&mut looks);
        }
        true
    }
}

impl<const WORDS: usize> Receiver<WORDS> for spsc::Consumer<Message<WORDS>> {
    #[inline]
    fn recv(&mut self) -> Option<Message<WORDS>> {
        let mut looks = 0;
        loop {
            match self.try_read() {
                Some(message) => return Some(message),
                None => wait(&mut looks),
            }
        }
    }
}

impl<const WORDS: usize> Channel<WORDS> for Mpmc {
    type Sender = mpmc::Producer<Message<WORDS>>;
    type Receiver = mpmc::Consumer<Message<WORDS>>;

    fn new() -> Result<Self, Missing> {
        let bytes = whole_pages(mpmc::minimum_file_size::<Message<WORDS>>(CAPACITY));
        let file = memory_file(bytes)?;
        // SAFETY: nobody else has the file yet; words may be read anywhere.
        let made = unsafe { mpmc::Producer::<Message<WORDS>>::create(&file, bytes) };
        made.map_err(|error| Missing(format!("{error:?}")))?;
        Ok(Mpmc(file))
    }

    fn sender(&self) -> Self::Sender {
        // SAFETY: made by `new`, for these messages.
        unsafe { mpmc::Producer::join(&self.0) }.expect("a ring")
    }

    fn receiver(&self) -> Self::Receiver {
        // SAFETY: made by `new`, for these messages.
        unsafe { mpmc::Consumer::join(&self.0) }.expect("a ring")
    }
}

impl<const WORDS: usize> Sender<WORDS> for mpmc::Producer<Message<WORDS>> {
    #[inline]
    fn send(&mut self, mut message: Message<WORDS>) -> bool {
        let mut looks = 0;
        while let Err(back) = self.try_write(message) {
            message = back;
            wait(&mut looks);
        }
        true
    }
}

impl<const WORDS: usize> Receiver<WORDS> for mpmc::Consumer<Message<WORDS>> {
    #[inline]
    fn recv(&mut self) -> Option<Message<WORDS>> {
        let mut looks = 0;
        loop {
            match self.try_read() {
                Some(message) => return Some(message),
                None => wait(&mut looks),
            }
        }
    }
}
