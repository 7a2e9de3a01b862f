//! An event count: sleep until something may have changed, wake only sleepers.
//!
//! For conditions that are spread over several words, such as "some slot is
//! free". The word counts notifications and has two flags.
//!
//! # States
//!
//! | bit | meaning |
//! |---|---|
//! | `SLEEPERS` | somebody may sleep here: notifiers call the kernel |
//! | `POLLERS` | somebody may wait for a descriptor instead; see [`Polled`](super::Polled) |
//! | the rest | how many notifications found the first flag set or cleared it, and all knocks |
//!
//! # Use
//!
//! A waiter takes a ticket with [`prepare`](EventCount::prepare), looks at the
//! condition once more *with a read-modify-write*, and sleeps on the ticket. A
//! notifier changes the condition with a read-modify-write and then calls
//! [`notify`](EventCount::notify). (Vyukov's event count, in one word.)
//!
//! # Ordering
//!
//! The two read-modify-writes on the condition's word are ordered. If the
//! waiter's comes first, the notifier's acquires from it and so sees the flag;
//! if the notifier's comes first, the waiter sees the change. No fence is
//! needed, and `notify` without sleepers is one relaxed load.
//!
//! Where the condition is an index that one process alone moves, a store will do, if a
//! light fence follows it, and a heavy one the waiter's ticket; see
//! [`pipe`](crate::raw::pipe).
//!
//! The flag is cleared only by a notifier who found nobody to wake, by a CAS of
//! the very value it made, and it wakes everybody who slept in between. Clearing
//! counts too: otherwise the next waiter's flag would make the same value again,
//! and a ticket from before good for a sleep that nobody knows of. A notifier
//! killed between the change and the wake is made up for by the sleepers' slices.
//!
//! # Knocks
//!
//! Where the condition is many words, each of which is changed by whatever means, a
//! notifier [`knocks`](EventCount::knock): it counts in any case, and so the count itself is
//! the word on which both sides read, modify and write. Its release pairs with the acquire
//! of the ticket, and the last look may be plain loads. A knock takes the flag and wakes
//! everybody, so of many knocks at a sleeper one calls the kernel. Whoever has a ticket
//! from before finds another count, or the flag gone; or set again by somebody else, and
//! then the next knock wakes both.

use core::time::Duration;

use crate::primitive::{AtomicU64, Ordering, futex_wait, futex_wake};

const SLEEPERS: u64 = 1;
const POLLERS: u64 = 1 << 1;
const NOTIFICATION: u64 = 1 << 2;

#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct EventCount(AtomicU64);

/// What the count was when a waiter announced itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket(u64);

impl EventCount {
    pub(crate) fn new() -> EventCount {
        EventCount(AtomicU64::new(0))
    }

    /// Announces a sleeper.
    pub(crate) fn prepare(&self) -> Ticket {
        Ticket(self.0.fetch_or(SLEEPERS, Ordering::Acquire) | SLEEPERS)
    }

    /// Sleeps until a notification after the ticket, at most one slice.
    /// Returns whether the slice passed.
    pub(crate) fn sleep(&self, ticket: Ticket, slice: Duration) -> bool {
        futex_wait(&self.0, ticket.0 as u32, slice)
    }

    /// Whether somebody may sleep here: where finding out whether to notify costs
    /// something.
    #[inline]
    pub(crate) fn is_slept_on(&self) -> bool {
        self.0.load(Ordering::Relaxed) & SLEEPERS != 0
    }

    /// Wakes at most `count` sleepers.
    #[inline]
    pub(crate) fn notify(&self, count: u32) {
        if self.is_slept_on() {
            self.notify_sleepers(count);
        }
    }

    /// Whether somebody sleeps here or polls.
    #[inline]
    pub(super) fn is_awaited(&self) -> bool {
        self.0.load(Ordering::Relaxed) & (SLEEPERS | POLLERS) != 0
    }

    /// Announces somebody who polls.
    pub(super) fn announce_poller(&self) {
        self.0.fetch_or(POLLERS, Ordering::Relaxed);
    }

    /// Takes that announcement back; of several who do, one has true.
    pub(super) fn take_poller(&self) -> bool {
        self.0.load(Ordering::Relaxed) & POLLERS != 0
            && self.0.fetch_and(!POLLERS, Ordering::Relaxed) & POLLERS != 0
    }

    /// Wakes all sleepers, who see what the caller has done before, however that was done.
    /// Not where others [notify](EventCount::notify).
    #[inline]
    pub(crate) fn knock(&self) {
        if self.0.fetch_add(NOTIFICATION, Ordering::Release) & SLEEPERS != 0 {
            self.wake_all();
        }
    }

    #[cold]
    fn wake_all(&self) {
        if self.0.fetch_and(!SLEEPERS, Ordering::Relaxed) & SLEEPERS != 0 {
            futex_wake(&self.0, u32::MAX);
        }
    }

    #[cold]
    fn notify_sleepers(&self, count: u32) {
        let counted = self.0.fetch_add(NOTIFICATION, Ordering::Relaxed).wrapping_add(NOTIFICATION);
        if futex_wake(&self.0, count) as u64 >= u64::from(count) {
            return;
        }
        let none = counted.wrapping_add(NOTIFICATION) & !SLEEPERS;
        let cleared = self.0.compare_exchange(counted, none, Ordering::Relaxed, Ordering::Relaxed);
        if cleared.is_ok() {
            futex_wake(&self.0, u32::MAX);
        }
    }
}
