//! Taking a slot over from a dead owner.
//!
//! It needs no repair, but its new owner has to find out how far the dead one
//! came: what it was about to write was not sent, what it was about to take is
//! still there, and what it was about to lease is not leased.

use super::{Memory, Position, Queue};
use crate::primitive::{Mutant, Ordering, Stamp};
use crate::raw::owner::{Asked, WAITERS, take_from_dead};

impl<M: Memory> Queue<M> {
    /// Takes the slot over if the owner that `seen` names is dead. Returns
    /// whether it did; whether there is still something to do in it, the caller
    /// finds out by [`still_free`](Queue::still_free) or `still_ready`.
    ///
    /// Who died here may have been about to lease the message, whatever the
    /// rescuer came for: that lease is void before anybody else gets the slot.
    pub(super) fn rescue_slot(&self, position: Position, seen: u64, me: Stamp) -> bool {
        let mine = me.word() | seen & WAITERS;
        let slot = self.slot(position);
        let taken = !Mutant::NoSlotRescue.is_on()
            && Asked::new().is_forsaken(seen)
            && take_from_dead(&slot.owner, seen, mine);
        if taken && slot.holds_message() && !Mutant::NoVoiding.is_on() {
            let lap = slot.seq.load(Ordering::Relaxed) >> 1;
            self.void_leases(lap << self.slots_log2 | self.slot_index(position) as u64);
        }
        taken
    }

    /// Whether a slot that the caller owns is free for `position`.
    pub(super) fn still_free(&self, position: Position) -> bool {
        self.is_still(position, self.free_for(position))
    }

    /// Whether a slot that the caller owns holds the message of `position`.
    pub(super) fn still_ready(&self, position: Position) -> bool {
        self.is_still(position, self.ready_at(position))
    }

    fn is_still(&self, position: Position, seq: u64) -> bool {
        Mutant::NoSecondLook.is_on() || self.slot(position).seq.load(Ordering::Relaxed) == seq
    }
}
