//! What a spin looks at: one word of a slot that is only read, until it says that a look is
//! worth it. (A receiver's also reads whether something came back.)
//!
//! A hint. Whoever believes it looks and claims as everybody does; whoever does not is at
//! the end of its spin soon.

use super::ring::Slot;
use super::{Memory, Queue};
use crate::primitive::Ordering;

/// A slot that somebody spins on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch<'a> {
    slot: &'a Slot,
    /// The `seq` that is waited for.
    awaited: u64,
}

impl Watch<'_> {
    /// Whether a look is worth it.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.slot.seq.load(Ordering::Relaxed) >= self.awaited
    }
}

impl<M: Memory> Queue<M> {
    /// What a sender waits for that found no room: that the message one capacity back is
    /// received.
    #[inline]
    pub(super) fn watch_tail(&self) -> Watch<'_> {
        let tail = self.memory.control().tail.0.load(Ordering::Relaxed);
        let position = tail.wrapping_sub(self.capacity);
        let awaited = self.ready_at(position).wrapping_add(1);
        Watch { slot: self.slot(position), awaited }
    }

    /// What a receiver waits for that found nothing.
    #[inline]
    pub(super) fn watch_head(&self) -> Watch<'_> {
        let position = self.memory.control().head.0.load(Ordering::Relaxed);
        Watch { slot: self.slot(position), awaited: self.ready_at(position) }
    }
}
