//! What the kernel carries, one system call each way for a message: pipe(2), and a
//! socket pair of SOCK_SEQPACKET.
#![allow(unsafe_code)]

use std::io::Error;
use std::mem::{MaybeUninit, size_of};
use std::sync::atomic::{AtomicBool, Ordering};

use super::transport::{Payload, Transport};

/// Two descriptors, one to read from and one to write to.
pub struct Kernel {
    read: libc::c_int,
    write: libc::c_int,
    /// Whether this process gave up writing.
    only_receives: AtomicBool,
}

impl Kernel {
    pub fn pipe() -> Kernel {
        let mut ends = [0; 2];
        // SAFETY: room for two descriptors.
        assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
        Kernel::new(ends)
    }

    pub fn seqpacket() -> Kernel {
        let mut ends = [0; 2];
        let (family, kind) = (libc::AF_UNIX, libc::SOCK_SEQPACKET);
        // SAFETY: room for two descriptors.
        assert_eq!(unsafe { libc::socketpair(family, kind, 0, ends.as_mut_ptr()) }, 0);
        Kernel::new(ends)
    }

    fn new([read, write]: [libc::c_int; 2]) -> Kernel {
        Kernel { read, write, only_receives: AtomicBool::new(false) }
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        Transport::<u64>::only_receive(self);
        // SAFETY: open since `new`, and nobody uses it any more.
        unsafe { libc::close(self.read) };
    }
}

impl<M: Payload> Transport<M> for Kernel {
    #[inline]
    fn send(&self, message: M) -> bool {
        // SAFETY: all bytes of a `Plain` value may be looked at.
        let sent = unsafe { libc::write(self.write, (&raw const message).cast(), size_of::<M>()) };
        assert_eq!(sent, size_of::<M>() as isize, "{}", Error::last_os_error());
        true
    }

    #[inline]
    fn recv(&self) -> Option<M> {
        let mut message = MaybeUninit::<M>::uninit();
        // SAFETY: room for a message.
        let got = unsafe { libc::read(self.read, message.as_mut_ptr().cast(), size_of::<M>()) };
        if got == 0 {
            return None;
        }
        assert_eq!(got, size_of::<M>() as isize, "{}", Error::last_os_error());
        // SAFETY: all bytes were read, and any bytes are a `Plain` value.
        Some(unsafe { message.assume_init() })
    }

    fn finish(&self) {}

    fn only_receive(&self) {
        if !self.only_receives.swap(true, Ordering::Relaxed) {
            // SAFETY: open since `new`, and closed only here, once.
            unsafe { libc::close(self.write) };
        }
    }
}
