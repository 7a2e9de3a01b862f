//! When a queue is over.
//!
//! It is over for receivers when it is closed, or nobody is left to send, *and*
//! nothing is left to receive, also not in the hands of another living process,
//! which might yet give it back. It is over for senders as soon as it is closed
//! or nobody is left to receive.
//!
//! # Nothing that was sent is left behind
//!
//! A sender looks whether the queue is closed while it owns its slot. A receiver
//! that saw it closed looks at the slot at the head, first at its owner, with a
//! read-modify-write, then at its `seq`. If it is owned, the sender may have
//! looked too early: the receiver waits for it. If it is free and not ready,
//! whoever claims it from now on is ordered behind the receiver by that very
//! word, sees the queue closed, and refuses; and no later slot is claimed before
//! this one is ready. So nothing is in the ring, and nothing will be. What is
//! still in a cell came out of the ring before, and is seen there.

use super::{Memory, Position, Queue, Side, Stop};
use crate::primitive::Ordering;

impl<M: Memory> Queue<M> {
    /// A sender that owns a slot refuses if the queue is closed.
    pub(super) fn unless_closed(&self, position: Position) -> Result<Position, Stop> {
        // The ticket before the look: see `at_smallest`.
        if self.is_ranked() {
            self.take_ticket(position);
        }
        if self.is_closed() {
            self.release(position);
            return Err(Stop::Closed);
        }
        Ok(position)
    }

    /// Why a receiver may stop waiting once nothing is left.
    pub(super) fn is_over(&self, ask: bool) -> Option<Stop> {
        if self.is_closed() {
            Some(Stop::Closed)
        } else {
            self.is_deserted(Side::Send, ask).then_some(Stop::Disconnected)
        }
    }

    /// Whether receivers may be waiting for the last leases to end.
    pub(super) fn is_ending(&self) -> bool {
        self.is_closed() || self.is_deserted(Side::Send, false)
    }

    /// No message is taken from now on; what was sent is still received.
    pub(crate) fn close(&self) {
        self.calm().closed.fetch_or(1, Ordering::AcqRel);
        self.notify_ready(u32::MAX);
        self.notify_room(u32::MAX);
        self.notify_spare(u32::MAX);
        self.calm().done.notify(u32::MAX);
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.calm().closed.load(Ordering::Acquire) != 0
    }

    /// A look before a sleep.
    pub(super) fn is_closed_last(&self) -> bool {
        self.calm().closed.fetch_or(0, Ordering::AcqRel) != 0
    }
}
