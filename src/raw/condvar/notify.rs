//! The notifier's side of a condition variable, and what becomes of a
//! notification whose bearer is dead.
//!
//! A notifier goes through the table once and never waits: a waiter is chosen by one
//! swap, whatever it does at the moment. One that did not sleep on its word is on
//! its way and will see it, or it is dead; then the notification goes on to the
//! next waiter, and only when that one bears it too is the dead one's place freed.
//! So a notifier that dies in between leaves it with one of the two.

use super::{
    Condvar, NOTIFIED, WAITERS, is_notified, is_waiting, newest, next_place, places, swap,
};
use crate::primitive::{AtomicU64, Ordering, Stamp, futex_wake};
use crate::raw::owner::{Asked, FREE, is_orphaned, take_from_dead};

impl<const N: usize> Condvar<N> {
    /// Notifies one waiter, if there are any.
    #[inline]
    pub(crate) fn notify_one(&self) {
        let book = self.book.load(Ordering::Acquire);
        if has_waiters(book) {
            self.notify_waiter(book);
        }
    }

    #[cold]
    fn notify_waiter(&self, book: u64) {
        // A notification that went to the dead: its slot, to be freed as soon as
        // somebody else has it.
        let mut astray = None;
        let first = self.oldest.load(Ordering::Relaxed) as usize % N;
        for index in places(first, N) {
            let slot = &self.slots[index];
            let Some(chosen) = notify(slot) else { continue };
            self.oldest.store(index as u64 + 1, Ordering::Relaxed);
            let woken = futex_wake(slot, 1);
            if let Some((slot, seen)) = astray.replace((slot, chosen)) {
                swap(slot, seen, FREE);
            }
            // Whoever does not sleep is awake for a moment, or is dead.
            if woken > 0 || !is_orphaned(chosen) {
                return;
            }
        }
        if let Some((slot, seen)) = astray {
            swap(slot, seen, FREE);
        }
        self.nobody_waits(book);
    }

    /// Notifies all who wait.
    #[inline]
    pub(crate) fn notify_all(&self) {
        let book = self.book.load(Ordering::Acquire);
        if has_waiters(book) {
            self.notify_waiters(book);
        }
    }

    #[cold]
    fn notify_waiters(&self, book: u64) {
        self.broadcasts.fetch_add(1, Ordering::Relaxed);
        for slot in &self.slots {
            if notify(slot).is_some() {
                futex_wake(slot, 1);
            }
        }
        self.nobody_waits(book);
    }

    /// The table had no waiters after `book` was read.
    fn nobody_waits(&self, book: u64) {
        if swap(&self.book, book, book & !WAITERS) {
            self.oldest.store(next_place(book, N) as u64, Ordering::Relaxed);
        }
    }

    /// Notifies others of what the dead were notified of.
    pub(crate) fn take_over_notifications(&self, me: Stamp) {
        let mine = me.word() | NOTIFIED;
        let mut asked = Asked::new();
        for slot in &self.slots {
            let seen = newest(slot);
            if is_notified(seen) && asked.is_orphaned(seen) && take_from_dead(slot, seen, mine) {
                self.notify_one();
                swap(slot, mine, FREE);
            }
        }
    }
}

/// Notifies whoever waits in a slot; the word as it is then.
fn notify(slot: &AtomicU64) -> Option<u64> {
    let seen = slot.load(Ordering::Relaxed);
    (is_waiting(seen) && swap(slot, seen, seen | NOTIFIED)).then_some(seen | NOTIFIED)
}

#[inline]
fn has_waiters(book: u64) -> bool {
    book & WAITERS != 0
}
