//! A pipe: bytes from one sender to one receiver, in order.
//!
//! # States
//!
//! | word | changed by | meaning |
//! |---|---|---|
//! | `tail` | the sender | so many bytes were committed, ever |
//! | `head` | the receiver | so many of them were taken |
//!
//! | an end's word | meaning |
//! |---|---|
//! | 0 | nobody's: the end was given up |
//! | `TO_COME` | nobody's yet: the other end waits for somebody to come |
//! | stamp | that process's, and no other's |
//!
//! # Transitions
//!
//! Send: room behind `tail`? write the record there; **commit by one store of
//! `tail`**. Receive: anything behind `head`? read the record; **commit by one store
//! of `head`**. An end goes to another process by one CAS of its word, and is given
//! up by one. Nobody takes anything over: the end of a dead process is nobody's, and
//! the other one goes on with what was committed until it has reached the end of it.
//!
//! Of a pipe with a name, any process may join an end that nobody has, or that somebody
//! dead has, by one CAS of its word, and goes on where the last one left off. If nobody
//! has the other end either, it is `TO_COME` from then on: whoever joins waits for a peer,
//! and is not told of one who was there before.
//!
//! Each end keeps its own index in its own memory and how much it may use of the
//! ring before it must look at the other's. What it reads of the other's is held to
//! what can be. A fork copies that too, and whoever gives the end away may use it in
//! between; so a process that an end came to begins at the index that it finds.
//!
//! # Ordering
//!
//! The release of `tail` pairs with the receiver's acquire: records are seen whole.
//! The release of `head` pairs with the sender's acquire: what is overwritten was
//! read before. The release of an end pairs with the acquire of the process that it
//! came to: it goes on behind the giver's last commit.
//!
//! A commit, or giving an end up, and then the look whether the peer sleeps; saying
//! that one sleeps, and then the look at the peer's index and end: between each two
//! lies a fence, light in the first, heavy in the second, so one of them sees the
//! other. A process killed before it could wake is made up for by the peer's slices.
//! Whoever waits for a descriptor instead is told in the same way; see `poll`.

mod poll;
mod wait;

pub(crate) use wait::Wait;

use super::Polled;
use super::owner::{FREE, is_orphaned};
use super::queue::{Line, Side};
use crate::primitive::{AtomicU64, Bell, Ordering, Stamp, light_fence};

/// Where the words of a pipe lie.
pub(crate) trait Memory {
    fn control(&self) -> &Control;
    /// Rung when something comes that `side` may wait for. Not shared memory: each
    /// process has its own descriptor of it.
    fn bell(&self, side: Side) -> &Bell;
}

/// The words of a pipe. All zero at first, but for the ends.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Control {
    tail: Line<AtomicU64>,
    head: Line<AtomicU64>,
    /// Read often and written seldom.
    calm: Line<Calm>,
}

#[derive(Debug)]
#[repr(C)]
struct Calm {
    /// Whose the ends are, by side.
    ends: [AtomicU64; 2],
    /// Where each side sleeps, and who polls it.
    asleep: [Polled; 2],
}

impl Control {
    /// What zeroed memory is, for memory that is not zeroed.
    #[cfg(any(loom, test))]
    pub(crate) fn new() -> Control {
        let word = || AtomicU64::new(0);
        Control {
            tail: Line(word()),
            head: Line(word()),
            calm: Line(Calm { ends: [word(), word()], asleep: [Polled::new(), Polled::new()] }),
        }
    }
}

/// An end to which nobody has come yet. No stamp.
const TO_COME: u64 = 1;

/// Whether an end was given up.
fn is_given_up(end: u64) -> bool {
    Stamp::of(end).is_none() && end != TO_COME
}

/// Whether nobody alive has an end, and nobody is waited for there.
fn is_vacant(end: u64) -> bool {
    is_given_up(end) || is_orphaned(end)
}

/// Why nothing was sent or received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Full or empty until the deadline.
    TimedOut,
    /// The other end was given up, or its process is dead.
    Disconnected,
    /// This end is another process's.
    NotOwner,
    /// The other end's index is none that it could have.
    Corrupt,
}

/// Records start at multiples of this.
pub(crate) const GRAIN: u64 = 8;

/// How far an end has come. It is the end's own, and read from the memory only where
/// the end came from another process.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Cursor {
    /// The word of the process that has used it; in every other it is out of date.
    of: u64,
    at: u64,
    /// Bytes behind it that it may use, room or records; there may be more by now.
    usable: u64,
    /// The other end's word when it was found that nobody has that. A stamp names a process
    /// for good, so where this one stands there is still nobody, in whichever copy of it.
    gone: u64,
}

impl Cursor {
    pub(crate) fn new() -> Cursor {
        Cursor { of: FREE, at: 0, usable: 0, gone: FREE }
    }

    /// Whether nobody has the other end, as far as its word and what was found before tell.
    #[inline]
    fn finds_vacant(&self, end: u64) -> bool {
        end == self.gone || is_given_up(end)
    }

    /// Goes on where whoever had the end before left off.
    pub(crate) fn begin_anew(&mut self) {
        self.of = FREE;
    }

    /// Where the next record begins, counted from the first byte ever.
    #[inline]
    pub(crate) fn position(&self) -> u64 {
        self.at
    }

    #[inline]
    pub(crate) fn usable(&self) -> u64 {
        self.usable
    }
}

/// A pipe in some memory. How large it is, this process knows for itself and
/// never reads from the memory.
#[derive(Debug)]
pub(crate) struct Pipe<M> {
    pub(crate) memory: M,
    capacity: u64,
}

impl<M: Memory> Pipe<M> {
    /// A pipe of which nobody has an end yet. `capacity` is a multiple of
    /// [`GRAIN`].
    pub(crate) fn new(memory: M, capacity: u64) -> Pipe<M> {
        debug_assert!(capacity % GRAIN == 0);
        Pipe { memory, capacity }
    }

    /// Makes both ends `owner`'s, before anybody else can see the pipe.
    pub(crate) fn place(&self, owner: Stamp) {
        self.calm().ends.iter().for_each(|end| end.store(owner.word(), Ordering::Relaxed));
    }

    /// Makes the end `me`'s if nobody alive has it; whether it is now.
    pub(crate) fn join(&self, side: Side, me: Stamp) -> bool {
        let [end, other] = [side, side.other()].map(|side| &self.calm().ends[side as usize]);
        let swap = |end: &AtomicU64, seen, next| {
            end.compare_exchange(seen, next, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        };
        let take = || {
            let seen = end.load(Ordering::Acquire);
            (seen == TO_COME || is_vacant(seen)) && swap(end, seen, me.word())
        };
        // Once more: whoever joins the other end may have made this one `TO_COME`.
        if !(take() || take()) {
            return false;
        }
        // Somebody who came meanwhile is left alone: exactly what was seen is swapped.
        let seen = other.load(Ordering::Acquire);
        if is_vacant(seen) {
            swap(other, seen, TO_COME);
        }
        true
    }

    #[inline]
    pub(crate) fn capacity(&self) -> u64 {
        self.capacity
    }

    /// The record of `size` bytes is written, or read: it is the other end's.
    #[inline]
    pub(crate) fn commit(&self, side: Side, cursor: &mut Cursor, size: u64, me: Stamp) {
        debug_assert!(size <= cursor.usable && size % GRAIN == 0);
        cursor.at = cursor.at.wrapping_add(size);
        cursor.usable -= size;
        self.index(side).store(cursor.at, Ordering::Release);
        self.tell(side.other(), me);
    }

    /// Makes `me`'s end another process's.
    pub(crate) fn give(&self, side: Side, me: Stamp, to: Stamp) {
        self.swap_end(side, me, to.word());
    }

    /// Makes the end `me`'s, if it is anybody's.
    pub(crate) fn take_end(&self, side: Side, me: Stamp) -> bool {
        self.owner(side).is_some_and(|owner| self.swap_end(side, owner, me.word()))
    }

    /// Gives `me`'s end up.
    pub(crate) fn leave(&self, side: Side, me: Stamp) {
        if self.swap_end(side, me, FREE) {
            self.tell(side.other(), me);
        }
    }

    fn swap_end(&self, side: Side, owner: Stamp, next: u64) -> bool {
        let end = &self.calm().ends[side as usize];
        end.compare_exchange(owner.word(), next, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Wakes whoever sleeps at `side` or polls it. All that can change for a sleeper ends here:
    /// a commit of the other side, and its end.
    #[inline]
    fn tell(&self, side: Side, me: Stamp) {
        light_fence(me);
        self.calm().asleep[side as usize].notify(1, self.memory.bell(side));
    }

    /// Whether the end is `me`'s.
    #[inline]
    pub(crate) fn is_owner(&self, side: Side, me: Stamp) -> bool {
        self.calm().ends[side as usize].load(Ordering::Relaxed) == me.word()
    }

    /// Whose the end is; `None`: it was given up.
    pub(crate) fn owner(&self, side: Side) -> Option<Stamp> {
        Stamp::of(self.calm().ends[side as usize].load(Ordering::Relaxed))
    }

    /// Bytes that were committed and not taken; a hint.
    pub(crate) fn filled(&self) -> u64 {
        let head = self.index(Side::Receive).load(Ordering::Acquire);
        let tail = self.index(Side::Send).load(Ordering::Acquire);
        tail.wrapping_sub(head).min(self.capacity)
    }

    /// How far that side has committed.
    #[inline]
    fn index(&self, side: Side) -> &AtomicU64 {
        match side {
            Side::Send => &self.memory.control().tail.0,
            Side::Receive => &self.memory.control().head.0,
        }
    }

    #[inline]
    fn calm(&self) -> &Calm {
        &self.memory.control().calm.0
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::deadline::Deadline;
    use crate::primitive::{Patience, current};
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    struct Words(Control, [Bell; 2]);

    impl Words {
        fn new() -> Words {
            Words(Control::new(), [0; 2].map(|_| Bell::new().unwrap()))
        }
    }

    impl Memory for Words {
        fn control(&self) -> &Control {
            &self.0
        }

        fn bell(&self, side: Side) -> &Bell {
            &self.1[side as usize]
        }
    }

    proptest! {
        /// Whatever stands in the words, nobody is told of bytes outside the ring.
        #[test]
        fn an_index_that_cannot_be_is_refused(at in any::<u64>(), theirs in any::<u64>(), near in 0_u64..300) {
            const CAPACITY: u64 = 256;
            let me = current().unwrap();
            for (side, index) in [
                (Side::Send, theirs),
                (Side::Receive, theirs),
                (Side::Send, at.wrapping_sub(near)),
                (Side::Receive, at.wrapping_add(near)),
            ] {
                let pipe = Pipe::new(Words::new(), CAPACITY);
                pipe.place(me);
                pipe.index(side.other()).store(index, Ordering::Relaxed);
                let mut cursor = Cursor { of: me.word(), at, ..Cursor::new() };
                let wait = Wait { deadline: Deadline::Now, patience: &Patience::new(), ask: false };
                let claimed = pipe.claim(side, &mut cursor, GRAIN, me, wait);
                prop_assert!(cursor.usable <= CAPACITY);
                prop_assert!(claimed.is_err() || cursor.usable >= GRAIN);
                // Who polls is sent to see for itself.
                let is_ready = pipe.arm(side, &cursor, GRAIN, false);
                prop_assert_eq!(is_ready, claimed != Err(Stop::TimedOut));
                prop_assert!(pipe.filled() <= CAPACITY);
            }
        }
    }
}
