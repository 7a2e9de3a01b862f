//! A plain Vyukov ring, planted: a process killed between its claim of a slot
//! and its commit jams the ring for everyone.

#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering};

pub const CAPACITY: usize = 8;
pub type Message = [u64; 8];

struct Slot {
    sequence: AtomicUsize,
    message: UnsafeCell<Message>,
}

/// Bounded, many producers, many consumers; after Dmitry Vyukov.
pub struct Ring {
    head: AtomicUsize,
    tail: AtomicUsize,
    slots: [Slot; CAPACITY],
}

// SAFETY: `message` is reached only by whoever claimed its slot, by moving
// `head` or `tail`, until that one stores `sequence`.
unsafe impl Sync for Ring {}

impl Ring {
    pub fn new() -> Self {
        Self {
            head: AtomicUsize::new(0),
            tail: AtomicUsize::new(0),
            slots: std::array::from_fn(|index| Slot {
                sequence: AtomicUsize::new(index),
                message: UnsafeCell::new([0; 8]),
            }),
        }
    }

    /// Moves `end` over the slot whose sequence says `ready` for it.
    fn claim(&self, end: &AtomicUsize, ready: usize) -> Option<(&Slot, usize)> {
        let mut at = end.load(Ordering::Relaxed);
        loop {
            let slot = &self.slots[at % CAPACITY];
            if slot.sequence.load(Ordering::Acquire) == at + ready {
                match end.compare_exchange(at, at + 1, Ordering::Relaxed, Ordering::Relaxed) {
                    Ok(_) => return Some((slot, at)),
                    Err(moved) => at = moved,
                }
            } else {
                let now = end.load(Ordering::Relaxed);
                if now == at {
                    return None;
                }
                at = now;
            }
        }
    }

    pub fn push(&self, message: Message) -> bool {
        let Some((slot, at)) = self.claim(&self.tail, 0) else {
            return false;
        };
        // SAFETY: `claim` made this slot ours until the store below.
        unsafe { slot.message.get().write(message) };
        slot.sequence.store(at + 1, Ordering::Release);
        true
    }

    pub fn pop(&self) -> Option<Message> {
        let (slot, at) = self.claim(&self.head, 1)?;
        // SAFETY: as in `push`; the Acquire load in `claim` saw the message.
        let message = unsafe { slot.message.get().read() };
        slot.sequence.store(at + CAPACITY, Ordering::Release);
        Some(message)
    }
}
