//! The ring: slots that are claimed by a stamp and committed by one store.
//!
//! # States of a slot
//!
//! | `owner` | meaning |
//! |---|---|
//! | `FREE` | nobody touches the slot |
//! | stamp | that process writes or reads it, or died over it |
//!
//! | `seq`, at position p in lap n = p / slots | meaning |
//! |---|---|
//! | 2n | free for p |
//! | 2n + 1 | the message of p is there |
//! | 2n + 2 and more | the message of p was received |
//!
//! # Transitions
//!
//! Send at p = `tail`: claim `owner`; `seq` still 2n? write the message; **commit
//! by one store, `seq` = 2n + 1**; free `owner`; move `tail` on. Receive at p =
//! `head`: claim; `seq` still 2n + 1? read; **commit, `seq` = 2n + 2**; free; move
//! `head` on. A slot whose owner is dead needs no repair: its `seq` says whether
//! the commit happened, and whoever comes next takes the owner word.
//!
//! `head` and `tail` are hints. They lag behind by one while an operation
//! commits, or for ever if it was killed there; whoever finds one behind moves
//! it, by CAS and so only forward. They never run ahead: a position is left only
//! when its slot says so. No position is skipped, so the order is strict, and
//! what was sent before an answer of "empty" began is not behind anything but an
//! operation that has not returned. (The per-slot sequence is Vyukov's bounded MPMC
//! queue; there a claim moves the tail first, which is what a kill leaves behind.)
//!
//! # Ordering
//!
//! The release of a commit pairs with the acquire that reads `seq`: the message
//! is seen whole. The release of `owner` pairs with the acquire of the next
//! claim, so the re-read of `seq` after it may be relaxed. `owner` is freed with
//! a read-modify-write, and looked at with one by somebody about to sleep: one
//! of the two sees the other (see [`EventCount`](crate::raw::EventCount)).
//!
//! `head` and `tail` are moved with release and read with acquire, so whoever
//! learns from one that a position is done also sees by which `seq`. Without it
//! a sender could get past a message that it has not seen, then find the queue
//! empty, or count one too few and send more than the capacity.
//!
//! # Lies
//!
//! A hint is one behind at most while it is what it is: nobody claims a position before
//! the hint of its side is there. So as long as it stays, the slot's `seq` is at most two
//! past what the position waits for, received or sent once more; and no hint is ahead,
//! so `seq` is never behind by more than the message of the lap before. Any other number
//! no honest process has put there: the operation is refused ([`Look::Corrupt`]), and
//! the two rules let nobody walk further than once around.

use super::{Memory, Queue, Stop};
use crate::primitive::{AtomicU64, Ordering, Stamp};
use crate::raw::owner::{FREE, claim, free};

/// A message's place in the order of all messages; never reused.
pub(crate) type Position = u64;

/// The words of a slot. All zero is a slot free for lap 0.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Slot {
    pub(super) owner: AtomicU64,
    pub(super) seq: AtomicU64,
    /// What the floor above wants to know of the message; valid while it is there.
    pub(crate) meta: AtomicU64,
}

impl Slot {
    #[cfg(any(loom, test))]
    pub(crate) fn new() -> Slot {
        Slot { owner: AtomicU64::new(FREE), seq: AtomicU64::new(0), meta: AtomicU64::new(0) }
    }

    /// Whether a message, of whatever position, is in the slot.
    pub(super) fn holds_message(&self) -> bool {
        self.seq.load(Ordering::Acquire) & 1 == 1
    }
}

/// What a look at the end of the ring found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// The slot is the caller's.
    Claimed(Position),
    /// Full, for a sender; empty, for a receiver.
    Blocked,
    /// What comes first had come back from a lease, and the cell is the caller's.
    Returned(usize),
    /// Somebody owns the slot at this position; `seen` is the owner word.
    Busy { position: Position, seen: u64 },
    /// What is there changed during a look at all slots; to be looked at again.
    Overtaken,
    /// No honest process can have left what is there.
    Corrupt,
}

/// Why there is no position to go on with. A byte, so that a position is handed back in
/// registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stuck {
    /// Full, for a sender; empty, for a receiver.
    Blocked,
    /// As [`Look::Corrupt`].
    Corrupt,
}

impl Stuck {
    /// A slot's `seq` is `by` behind what the position waits for: the message of the lap
    /// before is there, or yet to be sent, or else it is a lie.
    #[inline]
    fn behind(by: u64) -> Stuck {
        if by <= 1 { Stuck::Blocked } else { Stuck::Corrupt }
    }
}

impl From<Stuck> for Look {
    #[inline]
    fn from(stuck: Stuck) -> Look {
        match stuck {
            Stuck::Blocked => Look::Blocked,
            Stuck::Corrupt => Look::Corrupt,
        }
    }
}

/// What comes next for receivers that found nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// Nothing, and nobody is writing.
    Empty,
    /// Something came, or went, meanwhile.
    Moved,
    /// By a sender that writes, or died over it, most likely.
    Owned { position: Position, seen: u64 },
}

/// Whether this is the look before a sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Last {
    No,
    Yes,
}

impl<M: Memory> Queue<M> {
    /// The slot of a position.
    pub(crate) fn slot(&self, position: Position) -> &Slot {
        self.memory.slot(self.slot_index(position))
    }

    pub(crate) fn slot_index(&self, position: Position) -> usize {
        (position & (self.slots() - 1)) as usize
    }

    pub(super) fn slots(&self) -> u64 {
        1 << self.slots_log2
    }

    pub(super) fn free_for(&self, position: Position) -> u64 {
        (position >> self.slots_log2) << 1
    }

    pub(super) fn ready_at(&self, position: Position) -> u64 {
        self.free_for(position) | 1
    }

    /// Whether the message of `position` is in its slot.
    pub(super) fn is_ready(&self, position: Position) -> bool {
        self.slot(position).seq.load(Ordering::Acquire) == self.ready_at(position)
    }

    /// Tries to claim the slot at the tail for writing.
    #[inline(always)]
    pub(super) fn look_free(&self, me: Stamp, last: Last) -> Look {
        if self.is_ranked() {
            return self.look_free_anywhere(me, last);
        }
        loop {
            let position = match self.next_free(last) {
                Ok(position) => position,
                Err(stuck) => return stuck.into(),
            };
            if let Some(look) = self.claim_slot(position, self.free_for(position), me) {
                return look;
            }
        }
    }

    /// The position of the next message, if there is room for it.
    #[inline]
    pub(super) fn next_free(&self, last: Last) -> Result<Position, Stuck> {
        let tail = &self.memory.control().tail.0;
        loop {
            let position = tail.load(Ordering::Acquire);
            let slot = self.slot(position);
            if last == Last::Yes {
                // Full is decided by the slot one capacity back: this one, of a power of two.
                self.slot(position.wrapping_sub(self.capacity)).owner.fetch_or(0, Ordering::AcqRel);
            }
            let seq = slot.seq.load(Ordering::Acquire);
            let free = self.free_for(position);
            if seq == free && !self.is_a_capacity_behind_ready(position) {
                return Ok(position);
            }
            if seq <= free {
                return Err(Stuck::behind(free - seq));
            }
            // Sent, and perhaps received.
            catch_up(tail, position, seq - free)?;
        }
    }

    /// Tries to claim the slot at the head for reading.
    #[inline(always)]
    pub(super) fn look_ready(&self, me: Stamp, last: Last) -> Look {
        if self.is_ranked() {
            return self.look_smallest(me, last);
        }
        loop {
            let position = match self.next_ready(last) {
                Ok(position) => position,
                Err(stuck) => return stuck.into(),
            };
            if let Some(look) = self.claim_slot(position, self.ready_at(position), me) {
                return look;
            }
        }
    }

    /// The position of the next message, if it is there.
    #[inline]
    pub(super) fn next_ready(&self, last: Last) -> Result<Position, Stuck> {
        let (position, behind) = self.first(last)?;
        if behind == 0 { Ok(position) } else { Err(Stuck::behind(behind)) }
    }

    /// The position of the first message that was not received, and how far behind it
    /// the `seq` of its slot is: not at all, if it is there.
    #[inline]
    fn first(&self, last: Last) -> Result<(Position, u64), Stuck> {
        let head = &self.memory.control().head.0;
        loop {
            let position = head.load(Ordering::Acquire);
            let slot = self.slot(position);
            if last == Last::Yes {
                slot.owner.fetch_or(0, Ordering::AcqRel);
            }
            let seq = slot.seq.load(Ordering::Acquire);
            let ready = self.ready_at(position);
            if seq <= ready {
                return Ok((position, ready - seq));
            }
            // Received, and perhaps sent to once more.
            catch_up(head, position, seq - ready)?;
        }
    }

    /// With more slots than the capacity, a free slot is not yet room.
    fn is_a_capacity_behind_ready(&self, position: Position) -> bool {
        self.capacity != self.slots()
            && position >= self.capacity
            && self.is_ready(position - self.capacity)
    }

    /// Claims the slot of `position` if its `seq` stays `expected`; `None`: look again.
    pub(super) fn claim_slot(&self, position: Position, expected: u64, me: Stamp) -> Option<Look> {
        let slot = self.slot(position);
        // Looked at first: a failing CAS would take the line from its owner.
        let seen = slot.owner.load(Ordering::Relaxed);
        if seen != FREE {
            return Some(Look::Busy { position, seen });
        }
        // The claim is a barrier: what only the message needs would be fetched after it.
        if expected & 1 == 0 {
            self.memory.touch(self.slot_index(position));
        }
        match claim(&slot.owner, me) {
            Err(seen) => Some(Look::Busy { position, seen }),
            Ok(()) if slot.seq.load(Ordering::Relaxed) == expected => Some(Look::Claimed(position)),
            Ok(()) => {
                free(&slot.owner);
                None
            }
        }
    }

    /// Whether anything is in the ring or on its way into it, by one look at the
    /// slot that comes next. Whoever claims that slot after an answer of `Empty`
    /// sees what the caller saw before; the order of the claims says so.
    pub(super) fn at_head(&self) -> Head {
        if self.is_ranked() {
            return self.at_smallest();
        }
        let position = self.memory.control().head.0.load(Ordering::Acquire);
        let slot = self.slot(position);
        let seen = slot.owner.fetch_or(0, Ordering::AcqRel);
        if seen != FREE {
            return Head::Owned { position, seen };
        }
        // Read after the owner: who gave the slot back has committed before.
        let seq = slot.seq.load(Ordering::Acquire);
        if seq < self.ready_at(position) { Head::Empty } else { Head::Moved }
    }

    /// Gives a claimed slot back unchanged.
    pub(crate) fn release(&self, position: Position) {
        free(&self.slot(position).owner);
    }

    /// Leaves a message to others, and wakes one in the caller's place.
    pub(crate) fn decline(&self, position: Position) {
        self.release(position);
        self.notify_ready(1);
    }

    /// The message is written: hands the slot to the receivers.
    #[inline]
    pub(crate) fn commit_sent(&self, position: Position) {
        let slot = self.slot(position);
        slot.seq.store(self.ready_at(position), Ordering::Release);
        free(&slot.owner);
        if !self.is_ranked() {
            move_on(&self.memory.control().tail.0, position);
        }
        self.notify_ready(1);
    }

    /// The message is read: hands the slot to the senders of the next lap.
    #[inline]
    pub(crate) fn commit_received(&self, position: Position) {
        let slot = self.slot(position);
        // The last number there is would be a liar's position.
        slot.seq.store(self.ready_at(position).wrapping_add(1), Ordering::Release);
        free(&slot.owner);
        let head = &self.memory.control().head.0;
        if self.is_ranked() {
            head.fetch_add(1, Ordering::AcqRel);
        } else {
            move_on(head, position);
        }
        self.notify_room(1);
        self.tell_if_done();
    }

    /// If nothing is in the ring, a number that changes with the next message: the
    /// position that it will have. Each slot is looked at with a read-modify-write.
    pub(super) fn mark_if_empty(&self) -> Result<Option<u64>, Stop> {
        if self.is_ranked() {
            return Ok(self.mark_if_no_slot_holds());
        }
        match self.first(Last::Yes) {
            Ok((_, 0)) => Ok(None),
            Ok((position, 1)) => Ok(Some(position)),
            _ => Err(Stop::Corrupt),
        }
    }

    /// How many messages are in the ring, at most the capacity; exact while nobody is
    /// inside a call.
    pub(super) fn ring_len(&self) -> usize {
        if self.is_ranked() {
            return self.ranked_len();
        }
        let control = self.memory.control();
        // Whoever died after its commit left the hint one behind; a liar would send
        // this further than once around.
        let past = |hint: &AtomicU64, is_done: &dyn Fn(Position) -> bool| {
            let start = hint.load(Ordering::Acquire);
            let steps = (0..self.slots()).take_while(|step| is_done(start.wrapping_add(*step)));
            start.wrapping_add(steps.count() as u64)
        };
        let seq = |position| self.slot(position).seq.load(Ordering::Acquire);
        let tail = past(&control.tail.0, &|position| seq(position) > self.free_for(position));
        let head = past(&control.head.0, &|position| {
            position < tail && seq(position) > self.ready_at(position)
        });
        tail.saturating_sub(head).min(self.capacity) as usize
    }
}

/// Moves a hint past a position that is done, by CAS: never back. Release: see above.
#[inline]
fn move_on(hint: &AtomicU64, position: Position) {
    let next = position.wrapping_add(1);
    let _ = hint.compare_exchange(position, next, Ordering::Release, Ordering::Relaxed);
}

/// Moves a hint past a position that is done: the slot's `seq` is `ahead` of it. What
/// the slot said was acquired, and with it every move of the hint that has to come before
/// another lap; if it is where it was, more than one of them is a lie.
#[inline(never)]
fn catch_up(hint: &AtomicU64, position: Position, ahead: u64) -> Result<(), Stuck> {
    if ahead > 2 && hint.load(Ordering::Relaxed) == position {
        return Err(Stuck::Corrupt);
    }
    move_on(hint, position);
    Ok(())
}
