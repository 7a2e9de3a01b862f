//! Ways to carry messages, behind one interface: ours, pipe(2), ArrayQueue.
#![allow(unsafe_code)]

use std::io::Error;
use std::mem::{MaybeUninit, size_of};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crossbeam_queue::ArrayQueue;
use killproof::Plain;
use killproof::channel::{Receiver, RecvError, Sender, queue};

/// Messages that a queue holds. A pipe holds its usual 64 KiB.
pub const CAPACITY: usize = 1024;

/// A message that says which it is, with all of its bytes.
pub trait Payload: killproof::Message + Plain {
    fn of(value: u64) -> Self;
    fn value(&self) -> u64;
}

impl Payload for u64 {
    fn of(value: u64) -> u64 {
        value
    }

    fn value(&self) -> u64 {
        *self
    }
}

impl Payload for [u64; 8] {
    fn of(value: u64) -> [u64; 8] {
        [value; 8]
    }

    fn value(&self) -> u64 {
        assert_eq!(*self, [self[0]; 8], "a torn message");
        self[0]
    }
}

pub trait Transport<M>: Sync {
    /// False once no message is taken any more.
    fn send(&self, message: M) -> bool;
    /// `None` once nothing will come any more.
    fn recv(&self) -> Option<M>;
    /// A sender ends.
    fn finish(&self);
    /// This process sends nothing, ever.
    fn only_receive(&self) {}
}

pub struct Ours<M: Payload>(Sender<M>, Receiver<M>);

impl<M: Payload> Ours<M> {
    pub fn new() -> Ours<M> {
        let (sender, receiver) = queue(CAPACITY).unwrap();
        Ours(sender, receiver)
    }
}

impl<M: Payload> Transport<M> for Ours<M> {
    #[inline]
    fn send(&self, message: M) -> bool {
        self.0.send(message).is_ok()
    }

    #[inline]
    fn recv(&self) -> Option<M> {
        match self.1.recv() {
            Ok(message) => Some(message),
            Err(RecvError::Closed) => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// The first sender to end ends it for all: they were told to stop together.
    fn finish(&self) {
        self.0.close();
    }
}

/// One write(2) and one read(2) a message.
pub struct Pipe {
    read: libc::c_int,
    write: libc::c_int,
    /// Whether this process gave up writing.
    only_receives: AtomicBool,
}

impl Pipe {
    pub fn new() -> Pipe {
        let mut ends = [0; 2];
        // SAFETY: room for two descriptors.
        assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
        Pipe { read: ends[0], write: ends[1], only_receives: AtomicBool::new(false) }
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        Transport::<u64>::only_receive(self);
        // SAFETY: open since `new`, and nobody uses it any more.
        unsafe { libc::close(self.read) };
    }
}

impl<M: Payload> Transport<M> for Pipe {
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

/// Between threads; whoever cannot go on looks again, and lets others run.
pub struct Array<M> {
    queue: ArrayQueue<M>,
    senders: AtomicUsize,
}

impl<M> Array<M> {
    pub fn new(senders: usize) -> Array<M> {
        Array { queue: ArrayQueue::new(CAPACITY), senders: AtomicUsize::new(senders) }
    }
}

/// How often a thread looks before it lets others run.
const LOOKS: u32 = 64;

fn wait(looks: &mut u32) {
    *looks += 1;
    if looks.is_multiple_of(LOOKS) { std::thread::yield_now() } else { std::hint::spin_loop() }
}

impl<M: Payload> Transport<M> for Array<M> {
    #[inline]
    fn send(&self, mut message: M) -> bool {
        let mut looks = 0;
        while let Err(back) = self.queue.push(message) {
            message = back;
            wait(&mut looks);
        }
        true
    }

    #[inline]
    fn recv(&self) -> Option<M> {
        let mut looks = 0;
        loop {
            // Asked first: what was sent before the last sender ended is there.
            let is_over = self.senders.load(Ordering::Acquire) == 0;
            match self.queue.pop() {
                Some(message) => return Some(message),
                None if is_over => return None,
                None => wait(&mut looks),
            }
        }
    }

    fn finish(&self) {
        self.senders.fetch_sub(1, Ordering::Release);
    }
}
