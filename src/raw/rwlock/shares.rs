//! Read shares: a stamped word for each reader, on a cache line of its own.
//!
//! # States of a share
//!
//! | `owner` | meaning |
//! |---|---|
//! | `FREE` | nobody's |
//! | stamp | that process reads, or is about to learn that it must not |
//! | stamp, `WAITERS` | and a writer sleeps until the share is free |
//!
//! `thread` and `depth` say which thread of the owner reads here, and how often
//! it has begun to. The owner writes them after each claim and nobody believes
//! them without its stamp, so it does not matter what the dead leave in them.
//!
//! # Transitions
//!
//! Claim: `FREE` -> own stamp. Free: own stamp -> `FREE`, which wakes the writer
//! that sleeps here, and one reader that found all shares taken. Whoever waits
//! for a share asks at the end of its slice whether the owner lives and, if not,
//! swaps the dead stamp for `FREE`: what was only read needs no repair. One in so
//! many waits asks at once, as in [`Semaphore`](crate::raw::Semaphore).
//!
//! `used` is how many shares, from the first on, have ever been claimed. It only
//! grows, and spares writers the look at the others.
//!
//! # Ordering
//!
//! A reader claims and then looks for a writer; a writer makes itself seen and
//! then looks at the shares, with a read-modify-write on `used` and on each
//! share. If the reader's claim comes first, the writer sees it. If the writer's
//! look comes first, the claim acquires from it, so the reader sees the writer.
//! The same holds for `used`: either the writer sees that it grew, or who makes
//! or finds it grown acquires from the writer's look.
//!
//! The release of each free pairs with the acquire of the writer's look, so
//! nothing is written that is still being read.

use core::time::Duration;

use crate::deadline::{Deadline, Slices};
use crate::primitive::{AtomicU32, AtomicU64, Ordering, Stamp};
use crate::raw::mutex::{NO_THREAD, thread_name};
use crate::raw::owner::{Asked, FREE, claim, free, take_from_dead, wait_while};
use crate::raw::spin::Spin;
use crate::raw::{EventCount, Refused};

/// After so many waits for a share of a busy lock, one asks.
const WAITS_BETWEEN_ASKS: u32 = 64;

#[derive(Debug)]
#[repr(C, align(64))]
struct Share {
    owner: AtomicU64,
    thread: AtomicU64,
    depth: AtomicU64,
}

#[derive(Debug)]
#[repr(C)]
pub(super) struct Shares<const N: usize> {
    /// Readers that found all shares taken sleep here.
    freed: EventCount,
    used: AtomicU32,
    waits: AtomicU32,
    shares: [Share; N],
}

impl<const N: usize> Shares<N> {
    pub(super) fn new() -> Shares<N> {
        let share = |_| Share {
            owner: AtomicU64::new(FREE),
            thread: AtomicU64::new(NO_THREAD),
            depth: AtomicU64::new(0),
        };
        Shares {
            freed: EventCount::new(),
            used: AtomicU32::new(0),
            waits: AtomicU32::new(0),
            shares: core::array::from_fn(share),
        }
    }

    /// Claims share `index`, if there is one and it is free. The caller looks
    /// for a writer next, and then calls [`keep`](Shares::keep) or
    /// [`free`](Shares::free).
    #[inline]
    pub(super) fn claim(&self, index: usize, me: Stamp) -> bool {
        let Some(share) = self.shares.get(index) else { return false };
        if claim(&share.owner, me).is_err() {
            return false;
        }
        if self.used.load(Ordering::Acquire) as usize <= index {
            self.used.fetch_max(index as u32 + 1, Ordering::AcqRel);
        }
        true
    }

    /// Claims the first free share: those in use stay close together, and a
    /// writer looks at few.
    pub(super) fn claim_any(&self, me: Stamp) -> Option<usize> {
        let is_free = |index: &usize| self.shares[*index].owner.load(Ordering::Relaxed) == FREE;
        (0..N).find(|index| is_free(index) && self.claim(*index, me))
    }

    /// Claims a share, for who keeps out everybody that would stay.
    pub(super) fn claim_one(&self, me: Stamp) -> usize {
        loop {
            if let Some(index) = self.claim_any(me) {
                return index;
            }
            // Others have claimed them all, but only to look, and leave again or
            // are dead: any share is as good to wait for as another.
            if let Some(share) = self.shares.first() {
                let _ = self.await_share(&share.owner, Deadline::Never);
            }
        }
    }

    /// A claimed share is for `thread` of process `me` to read.
    #[inline]
    pub(super) fn keep(&self, index: usize, me: Stamp, thread: u64) {
        let Some(share) = self.shares.get(index) else { return };
        share.thread.store(thread_name(me, thread), Ordering::Relaxed);
        share.depth.store(1, Ordering::Relaxed);
    }

    /// The share by which this thread reads already.
    pub(super) fn of_thread(&self, me: Stamp, thread: u64) -> Option<usize> {
        let used = self.used.load(Ordering::Relaxed) as usize;
        let name = thread_name(me, thread);
        self.shares.iter().take(used).position(|share| {
            Stamp::of(share.owner.load(Ordering::Relaxed)) == Some(me)
                && share.thread.load(Ordering::Relaxed) == name
        })
    }

    /// This thread reads once more, by the share it has.
    pub(super) fn deepen(&self, index: usize) {
        let depth = &self.shares[index].depth;
        // Wrapping: what a liar wrote there is anything.
        depth.store(depth.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// The thread whose share this is reads once less. In a fork of its process
    /// nothing happens.
    #[inline]
    pub(super) fn leave(&self, index: usize, me: Stamp) {
        let Some(share) = self.shares.get(index) else { return };
        if Stamp::of(share.owner.load(Ordering::Relaxed)) != Some(me) {
            return;
        }
        let depth = share.depth.load(Ordering::Relaxed);
        if depth > 1 {
            share.depth.store(depth - 1, Ordering::Relaxed);
            return;
        }
        share.thread.store(NO_THREAD, Ordering::Relaxed);
        self.free(index);
    }

    /// Frees a share that the caller claimed.
    #[inline]
    pub(super) fn free(&self, index: usize) {
        free(&self.shares[index].owner);
        self.freed.notify(1);
    }

    /// Waits until every share has been free once since the call began.
    pub(super) fn await_free(&self, deadline: Deadline) -> Result<(), Refused> {
        let used = self.used.fetch_or(0, Ordering::AcqRel) as usize;
        self.shares.iter().take(used).try_for_each(|share| {
            if share.owner.fetch_or(0, Ordering::AcqRel) == FREE {
                return Ok(());
            }
            self.await_share(&share.owner, deadline)
        })
    }

    #[cold]
    fn await_share(&self, owner: &AtomicU64, deadline: Deadline) -> Result<(), Refused> {
        let mut slices = Slices::new();
        let mut spin = Spin::until(deadline);
        loop {
            let seen = owner.load(Ordering::Relaxed);
            if seen == FREE && owner.fetch_or(0, Ordering::AcqRel) == FREE {
                return Ok(());
            }
            if deadline.has_passed() {
                return if self.rescue(owner, &mut Asked::new()) {
                    Ok(())
                } else {
                    Err(Refused::TimedOut)
                };
            }
            if spin.again() {
                continue;
            }
            if seen == FREE {
                continue;
            }
            let passed = wait_while(owner, seen, slices.next(deadline));
            if slices.is_over(passed) && self.rescue(owner, &mut Asked::new()) {
                return Ok(());
            }
        }
    }

    /// Sleeps until a share is freed, at most one slice. Returns whether the
    /// slice passed.
    pub(super) fn sleep_until_freed(&self, slice: Duration) -> bool {
        let ticket = self.freed.prepare();
        // The last look: a read-modify-write on each, as `EventCount` demands.
        let is_free = |share: &Share| share.owner.fetch_or(0, Ordering::AcqRel) == FREE;
        !self.shares.iter().any(is_free) && self.freed.sleep(ticket, slice)
    }

    /// Whether to ask about the owners although no slice is over: once in so many
    /// waits, since where shares come and go no slice ever is.
    pub(super) fn is_time_to_ask(&self) -> bool {
        self.waits.fetch_add(1, Ordering::Relaxed) % WAITS_BETWEEN_ASKS == WAITS_BETWEEN_ASKS - 1
    }

    /// Wakes another in place of a reader that was woken and gives up.
    pub(super) fn pass_on(&self) {
        self.freed.notify(1);
    }

    /// Frees a share whose owner is dead; false when there is none.
    pub(super) fn rescue_any(&self) -> bool {
        let mut asked = Asked::new();
        self.shares.iter().any(|share| self.rescue(&share.owner, &mut asked))
    }

    /// Frees a share if its owner is dead, or nobody.
    fn rescue(&self, owner: &AtomicU64, asked: &mut Asked) -> bool {
        let seen = owner.load(Ordering::Relaxed);
        let rescued = asked.is_forsaken(seen) && take_from_dead(owner, seen, FREE);
        if rescued {
            self.freed.notify(1);
        }
        rescued
    }

    /// Whose shares are claimed.
    pub(super) fn owners(&self) -> impl Iterator<Item = Stamp> {
        self.shares.iter().filter_map(|share| Stamp::of(share.owner.load(Ordering::Relaxed)))
    }
}
