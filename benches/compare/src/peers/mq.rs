//! POSIX message queues, with as many messages as the system lets everybody have.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io::Error;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::channel::{Channel, Missing, Receiver, Sender};
use crate::message::{Message, bytes_of, bytes_of_mut, message};

/// `/proc/sys/fs/mqueue/msg_max`, where nobody has changed it.
const MOST: libc::c_long = 10;

/// Open in all who came by a fork, and without a name.
#[derive(Clone, Copy)]
pub struct PosixMq(libc::mqd_t);

impl<const WORDS: usize> Channel<WORDS> for PosixMq {
    type Sender = PosixMq;
    type Receiver = PosixMq;

    fn new() -> Result<Self, Missing> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = CString::new(format!("/killproof-compare-{}-{number}", std::process::id()))
            .expect("no zero in it");
        // SAFETY: numbers, of which zero is one.
        let mut attributes: libc::mq_attr = unsafe { std::mem::zeroed() };
        attributes.mq_maxmsg = MOST;
        attributes.mq_msgsize = size_of::<Message<WORDS>>() as libc::c_long;
        let flags = libc::O_CREAT | libc::O_EXCL | libc::O_RDWR | libc::O_CLOEXEC;
        // SAFETY: a name, and the two that O_CREAT asks for.
        let queue = unsafe { libc::mq_open(name.as_ptr(), flags, 0o600, &raw const attributes) };
        if queue < 0 {
            return Err(Missing(format!("mq_open: {}", Error::last_os_error())));
        }
        // SAFETY: a name.
        unsafe { libc::mq_unlink(name.as_ptr()) };
        Ok(PosixMq(queue))
    }

    fn sender(&self) -> PosixMq {
        *self
    }

    fn receiver(&self) -> PosixMq {
        *self
    }
}

impl<const WORDS: usize> Sender<WORDS> for PosixMq {
    #[inline]
    fn send(&mut self, message: Message<WORDS>) -> bool {
        let bytes = bytes_of(&message);
        // SAFETY: so many bytes are there.
        let result = unsafe { libc::mq_send(self.0, bytes.as_ptr().cast(), bytes.len(), 0) };
        assert_eq!(result, 0, "{}", Error::last_os_error());
        true
    }
}

impl<const WORDS: usize> Receiver<WORDS> for PosixMq {
    #[inline]
    fn recv(&mut self) -> Option<Message<WORDS>> {
        let mut message = message(0);
        let bytes = bytes_of_mut(&mut message);
        let (place, len) = (bytes.as_mut_ptr().cast(), bytes.len());
        // SAFETY: room for so many bytes.
        let got = unsafe { libc::mq_receive(self.0, place, len, std::ptr::null_mut()) };
        assert_eq!(got, len as isize, "{}", Error::last_os_error());
        Some(message)
    }
}
