//! Messages of 64 KiB that are written and read where they lie: by a reservation and a
//! borrowing receive, and in a ring that does nothing else.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use killproof::channel::{Builder, Receiver, RecvError, Sender};
use killproof::{Shareable, Shared};

use super::transport::Transport;
use super::trips::wait;

const LEN: usize = 64 << 10;
/// A megabyte, both times.
const FRAMES: usize = 16;
const NUMBER: usize = size_of::<u64>();

/// Every byte is written ..
#[inline]
fn write(frame: &mut [u8], number: u64) {
    let (start, rest) = frame.split_at_mut(NUMBER);
    start.copy_from_slice(&number.to_ne_bytes());
    rest.fill(number as u8);
}

/// .. and read.
#[inline]
fn read(frame: &[u8]) -> u64 {
    let (start, rest) = frame.split_at(NUMBER);
    let number = u64::from_ne_bytes(start.try_into().unwrap());
    let sum: u64 = rest.iter().map(|byte| u64::from(*byte)).sum();
    assert_eq!(sum, rest.len() as u64 * u64::from(number as u8), "a torn frame");
    number
}

pub struct Frames(Sender<Vec<u8>>, Receiver<Vec<u8>>);

impl Frames {
    /// Places, leases and participants make the number of blocks; eight bytes of each say
    /// how long the message is.
    pub fn new() -> Frames {
        let builder =
            Builder::new().capacity(FRAMES / 2).leases(4).participants(4).largest(LEN + 8);
        let (sender, receiver) = builder.queue().unwrap();
        Frames(sender, receiver)
    }
}

impl Transport<u64> for Frames {
    fn send(&self, number: u64) -> bool {
        let Ok(mut frame) = self.0.reserve(LEN) else { return false };
        write(&mut frame, number);
        frame.commit().is_ok()
    }

    fn recv(&self) -> Option<u64> {
        match self.1.recv_ref() {
            Ok(frame) => Some(read(&frame)),
            Err(RecvError::Closed) => None,
            Err(error) => panic!("{error}"),
        }
    }

    fn finish(&self) {
        self.0.close();
    }
}

/// One sender and one receiver; whoever cannot go on looks again.
pub struct BareFrames(Shared<Ring>);

#[repr(C)]
struct Ring {
    sent: Line,
    received: Line,
    is_closed: AtomicBool,
    frames: [UnsafeCell<[u8; LEN]>; FRAMES],
}

#[repr(align(128))]
struct Line(AtomicUsize);

// SAFETY: the two indices say whose a frame is.
unsafe impl Sync for Ring {}
// SAFETY: numbers and bytes, no drop glue.
unsafe impl Shareable for Ring {}

impl BareFrames {
    pub fn new() -> BareFrames {
        let line = || Line(AtomicUsize::new(0));
        let frames = [const { UnsafeCell::new([0; LEN]) }; FRAMES];
        let is_closed = AtomicBool::new(false);
        BareFrames(Shared::new(Ring { sent: line(), received: line(), is_closed, frames }).unwrap())
    }
}

impl Transport<u64> for BareFrames {
    fn send(&self, number: u64) -> bool {
        let (ring, mut looks) = (&*self.0, 0);
        let sent = ring.sent.0.load(Ordering::Relaxed);
        while sent - ring.received.0.load(Ordering::Acquire) == FRAMES {
            wait(&mut looks);
        }
        // SAFETY: received by the one receiver, and not sent again yet.
        write(unsafe { &mut *ring.frames[sent % FRAMES].get() }, number);
        ring.sent.0.store(sent + 1, Ordering::Release);
        true
    }

    fn recv(&self) -> Option<u64> {
        let (ring, mut looks) = (&*self.0, 0);
        let received = ring.received.0.load(Ordering::Relaxed);
        loop {
            // Asked first: what was sent before the end is there.
            let is_over = ring.is_closed.load(Ordering::Acquire);
            if ring.sent.0.load(Ordering::Acquire) != received {
                break;
            }
            if is_over {
                return None;
            }
            wait(&mut looks);
        }
        // SAFETY: sent, and the sender waits for the index below.
        let number = read(unsafe { &*ring.frames[received % FRAMES].get() });
        ring.received.0.store(received + 1, Ordering::Release);
        Some(number)
    }

    fn finish(&self) {
        self.0.is_closed.store(true, Ordering::Release);
    }
}
