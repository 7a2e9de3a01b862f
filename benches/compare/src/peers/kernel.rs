//! What the kernel carries, one system call each way for a message: pipe(2), and a
//! socket pair of SOCK_SEQPACKET.
#![allow(unsafe_code)]

use std::io::{Error, ErrorKind};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Mutex;

use super::ours::take;
use crate::channel::{Channel, Missing, Receiver, Sender};
use crate::message::{Message, bytes_of, bytes_of_mut, message};

/// Two descriptors, one to write to and one to read from.
struct Ends {
    write: Mutex<Option<OwnedFd>>,
    read: Mutex<Option<OwnedFd>>,
}

/// What a sender is told by.
const GONE: [ErrorKind; 2] = [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset];

/// One descriptor of the two.
pub struct End(OwnedFd);

impl Ends {
    fn new(make: impl FnOnce(&mut [libc::c_int; 2]) -> libc::c_int) -> Result<Ends, Missing> {
        let mut ends = [0; 2];
        if make(&mut ends) != 0 {
            return Err(Missing(Error::last_os_error().to_string()));
        }
        // SAFETY: opened just above.
        let [read, write] = ends.map(|end| Mutex::new(Some(unsafe { OwnedFd::from_raw_fd(end) })));
        Ok(Ends { write, read })
    }

    /// The other end is closed here, so that its loss is seen.
    fn writer(&self) -> End {
        drop(take(&self.read));
        End(take(&self.write))
    }

    fn reader(&self) -> End {
        drop(take(&self.write));
        End(take(&self.read))
    }
}

/// pipe(2). Up to 4096 bytes it takes and gives a message in one piece.
pub struct Pipe(Ends);

impl<const WORDS: usize> Channel<WORDS> for Pipe {
    type Sender = End;
    type Receiver = End;

    fn new() -> Result<Self, Missing> {
        // SAFETY: room for two descriptors.
        Ends::new(|ends| unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) }).map(Pipe)
    }

    fn sender(&self) -> End {
        self.0.writer()
    }

    fn receiver(&self) -> End {
        self.0.reader()
    }
}

pub struct Seqpacket(Ends);

impl<const WORDS: usize> Channel<WORDS> for Seqpacket {
    type Sender = End;
    type Receiver = End;

    fn new() -> Result<Self, Missing> {
        let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
        let make = |ends: &mut [libc::c_int; 2]| {
            // SAFETY: room for two descriptors.
            unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, ends.as_mut_ptr()) }
        };
        Ends::new(make).map(Seqpacket)
    }

    fn sender(&self) -> End {
        self.0.writer()
    }

    fn receiver(&self) -> End {
        self.0.reader()
    }
}

impl<const WORDS: usize> Sender<WORDS> for End {
    #[inline]
    fn send(&mut self, message: Message<WORDS>) -> bool {
        let bytes = bytes_of(&message);
        // SAFETY: so many bytes are there.
        let sent = unsafe { libc::write(self.0.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) };
        if sent < 0 && GONE.contains(&Error::last_os_error().kind()) {
            return false;
        }
        assert_eq!(sent, bytes.len() as isize, "{}", Error::last_os_error());
        true
    }
}

impl<const WORDS: usize> Receiver<WORDS> for End {
    #[inline]
    fn recv(&mut self) -> Option<Message<WORDS>> {
        let mut message = message(0);
        let bytes = bytes_of_mut(&mut message);
        // SAFETY: room for so many bytes.
        let got = unsafe { libc::read(self.0.as_raw_fd(), bytes.as_mut_ptr().cast(), bytes.len()) };
        if got == 0 {
            return None;
        }
        assert_eq!(got, bytes.len() as isize, "{}", Error::last_os_error());
        Some(message)
    }
}
