//! A way to carry messages, and the two that have a ring without a lock: ours, and
//! between threads crossbeam's ArrayQueue.

use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_queue::ArrayQueue;
use killproof::channel::{Receiver, RecvError, Sender, queue};
use killproof::{Named, Plain};

use super::trips::wait;

/// Messages that a queue holds. What the kernel has holds as many bytes as usual.
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

    /// One that was opened by its name.
    pub fn named() -> Ours<M> {
        let named = Named::new(format!("bench-{}-carried", std::process::id()));
        let named = named.capacity(CAPACITY);
        let sender = named.create().unwrap();
        let receiver = named.open().unwrap();
        named.unlink().unwrap();
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
