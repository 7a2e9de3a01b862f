//! A ring whose slots have a sequence number each, as ours have, and nothing else of ours:
//! a claim moves an index, so whoever is killed behind one jams it, and nobody sleeps. Or
//! with the word besides by which ours are owned, though nobody's death is looked for.

use std::array;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use killproof::{Shared, shareable};

use super::transport::{CAPACITY, Transport};
use super::trips::wait;

shareable! {
    #[repr(align(128))]
    struct Index { position: AtomicU64 }
}

shareable! {
    /// `seq`: the position that it is free for, or one more, and the message is there. As
    /// long as one of ours.
    #[repr(align(32))]
    struct Slot { owner: AtomicU64, seq: AtomicU64, message: AtomicU64 }
}

shareable! {
    struct Ring { tail: Index, head: Index, is_closed: AtomicBool, slots: [Slot; CAPACITY] }
}

const FREE: u64 = 0;
const MINE: u64 = 1;

/// What one claims.
#[derive(Clone, Copy, PartialEq)]
pub enum Claim {
    /// The position, by a step of the index.
    Index,
    /// The slot, by its owner word; the index is a hint, and stored.
    Owner,
    /// The same; and the hint never goes back, as ours, so it is moved by a CAS.
    OwnerThenHint,
}

pub struct Bare {
    ring: Shared<Ring>,
    claim: Claim,
}

impl Bare {
    pub fn new(claim: Claim) -> Bare {
        let index = || Index { position: AtomicU64::new(0) };
        let word = |number| AtomicU64::new(number);
        let slot = |at| Slot { owner: word(FREE), seq: word(at as u64), message: word(0) };
        let (is_closed, slots) = (AtomicBool::new(false), array::from_fn(slot));
        let ring = Ring { tail: index(), head: index(), is_closed, slots };
        Bare { ring: Shared::new(ring).unwrap(), claim }
    }

    /// The next position that `index` leads to, and its slot, once `seq` is `past` the
    /// position; `None` if it is not and the ring is closed.
    #[inline]
    fn claim(&self, index: &AtomicU64, past: u64) -> Option<(u64, &Slot)> {
        let mut looks = 0;
        let mut position = index.load(Ordering::Relaxed);
        loop {
            // Asked first: what was sent before that is there.
            let is_over = self.ring.is_closed.load(Ordering::Acquire);
            let slot = &self.ring.slots[position as usize % CAPACITY];
            let seq = slot.seq.load(Ordering::Acquire);
            if seq < position + past {
                if is_over {
                    return None;
                }
                wait(&mut looks);
                position = index.load(Ordering::Relaxed);
            } else if seq > position + past {
                position += 1;
            } else if self.is_claimed(index, position, slot, seq) {
                return Some((position, slot));
            }
        }
    }

    #[inline]
    fn is_claimed(&self, index: &AtomicU64, position: u64, slot: &Slot, seq: u64) -> bool {
        let (word, from, to) = match self.claim {
            Claim::Index => (index, position, position + 1),
            Claim::Owner | Claim::OwnerThenHint => (&slot.owner, FREE, MINE),
        };
        let is_mine = word.compare_exchange(from, to, Ordering::Acquire, Ordering::Relaxed).is_ok();
        if is_mine && self.claim != Claim::Index && slot.seq.load(Ordering::Relaxed) != seq {
            slot.owner.store(FREE, Ordering::Release);
            return false;
        }
        is_mine
    }

    #[inline]
    fn commit(&self, index: &AtomicU64, position: u64, slot: &Slot, seq: u64) {
        slot.seq.store(seq, Ordering::Release);
        if self.claim != Claim::Index {
            slot.owner.swap(FREE, Ordering::AcqRel);
        }
        let next = position + 1;
        match self.claim {
            Claim::Index => {}
            Claim::Owner => index.store(next, Ordering::Release),
            Claim::OwnerThenHint => {
                let (moved, was) = (Ordering::Release, Ordering::Relaxed);
                let _ = index.compare_exchange(position, next, moved, was);
            }
        }
    }
}

impl Transport<u64> for Bare {
    #[inline]
    fn send(&self, message: u64) -> bool {
        let tail = &self.ring.tail.position;
        let Some((position, slot)) = self.claim(tail, 0) else { return false };
        slot.message.store(message, Ordering::Relaxed);
        self.commit(tail, position, slot, position + 1);
        true
    }

    #[inline]
    fn recv(&self) -> Option<u64> {
        let head = &self.ring.head.position;
        let (position, slot) = self.claim(head, 1)?;
        let message = slot.message.load(Ordering::Relaxed);
        self.commit(head, position, slot, position + CAPACITY as u64);
        Some(message)
    }

    fn finish(&self) {
        self.ring.is_closed.store(true, Ordering::Release);
    }
}
