//! A handle at one side of a queue, and whose it is.
//!
//! Each process has a seat at each side it uses, which counts its handles. A
//! handle remembers under which stamp it is counted: after a fork the child's
//! copy sees that it is not its own yet, and counts itself at its first use.

use std::os::fd::BorrowedFd;
use std::sync::Arc;

use super::error::not_joined;
use super::mapped::Mapped;
use crate::deadline::{Deadline, Metronome};
use crate::error::{Error, Kind};
use crate::primitive::{self, AtomicU32, AtomicU64, FLAGS, Ordering, Stamp};
use crate::raw::Queue;
use crate::raw::queue::{Memory, Side};
use crate::ready::Watches;
use crate::shared::transfer::Origin;

#[derive(Debug)]
pub(super) struct End {
    queue: Arc<Queue<Mapped>>,
    side: Side,
    /// The stamp under which this handle is counted, with the number of the
    /// seat in its flags; zero while it is not counted anywhere.
    seat: AtomicU64,
    origin: Origin,
    /// The departures at the other side that were looked into.
    departures: AtomicU64,
    /// Messages to receive before the leases are looked through.
    until_ask: AtomicU32,
    polls: Metronome,
    /// The descriptors that tell when it is worth a try.
    watches: Watches,
}

/// How many messages a busy receiver takes between two looks for leases of the
/// dead, at least; in a longer queue, as many as it holds.
const MESSAGES_BETWEEN_LOOKS: u32 = 256;

impl End {
    /// A handle that is counted at once.
    pub(super) fn new(queue: Arc<Queue<Mapped>>, side: Side) -> Result<End, Error> {
        let end = End::uncounted(queue, side);
        end.me()?;
        Ok(end)
    }

    /// The same for one who comes to a queue that others may have left: the first
    /// message that it takes is what the dead had on lease, if they had anything.
    pub(super) fn succeeding(queue: Arc<Queue<Mapped>>, side: Side) -> Result<End, Error> {
        let end = End::new(queue, side)?;
        end.until_ask.store(0, Ordering::Relaxed);
        Ok(end)
    }

    fn uncounted(queue: Arc<Queue<Mapped>>, side: Side) -> End {
        End {
            queue,
            side,
            seat: AtomicU64::new(0),
            origin: Origin::now(),
            departures: AtomicU64::new(0),
            until_ask: AtomicU32::new(MESSAGES_BETWEEN_LOOKS),
            polls: Metronome::new(),
            watches: Watches::new(),
        }
    }

    #[inline]
    pub(super) fn queue(&self) -> &Queue<Mapped> {
        &self.queue
    }

    /// This process's stamp, with the handle counted under it.
    #[inline]
    pub(super) fn me(&self) -> Result<Stamp, Error> {
        let me = primitive::current()?;
        let seat = self.seat.load(Ordering::Relaxed);
        if Stamp::of(seat) == Some(me) { Ok(me) } else { self.take_seat(seat, me) }
    }

    #[cold]
    fn take_seat(&self, earlier: u64, me: Stamp) -> Result<Stamp, Error> {
        let index = self.queue.enter_inherited(self.side, me);
        let index = index.ok_or(Error::new("a queue's participants", Kind::Limit))?;
        let seat = me.word() | index as u64;
        let taken = self.seat.compare_exchange(earlier, seat, Ordering::Relaxed, Ordering::Relaxed);
        if taken.is_err() {
            // Another thread of this process counted the handle meanwhile.
            self.queue.leave(self.side, index, me);
        }
        Ok(me)
    }

    /// Waits until everything that was sent is finished.
    pub(super) fn join(&self, deadline: Deadline) -> Result<(), Error> {
        self.me()?;
        self.queue.join(deadline).map_err(not_joined)
    }

    /// Whether nobody is left at the other side, looked into only when somebody
    /// left since the last look. The killed are found by whoever waits.
    #[inline]
    pub(super) fn is_alone(&self, other: Side) -> bool {
        let departures = self.queue.departures_hint(other);
        departures != self.departures.load(Ordering::Relaxed) && self.look_around(other, departures)
    }

    #[cold]
    fn look_around(&self, other: Side, departures: u64) -> bool {
        let alone = self.queue.is_deserted(other, false);
        if !alone {
            self.departures.store(departures, Ordering::Relaxed);
        }
        alone
    }

    /// Whether a busy receiver should look for leases of the dead, lest they
    /// wait for as long as it is busy.
    #[inline]
    pub(super) fn is_time_to_ask(&self) -> bool {
        // Two threads that count at once count one for two: no harm.
        let left = self.until_ask.load(Ordering::Relaxed);
        let capacity = self.queue.capacity() as u32;
        let next = if left == 0 { capacity.max(MESSAGES_BETWEEN_LOOKS) } else { left - 1 };
        self.until_ask.store(next, Ordering::Relaxed);
        left == 0
    }

    /// Whether a receiver that found nothing and may not wait should ask who
    /// lives.
    pub(super) fn is_time_to_ask_again(&self) -> bool {
        self.polls.is_time()
    }

    /// The descriptor of this handle in this process; armed when it is made.
    pub(super) fn ready_fd(&self) -> Result<BorrowedFd<'_>, Error> {
        let me = self.me()?;
        self.watches.fd(me, self.bell_fd(), || _ = self.queue.arm(self.side, me, false))
    }

    /// `None` where the queue was opened by a name: nobody rings there.
    pub(super) fn bell_fd(&self) -> Option<BorrowedFd<'_>> {
        self.queue.memory.bell(self.side).fd()
    }

    /// Whether a try is worth it now; otherwise the bell rings once it may be.
    pub(super) fn look(&self, ask: bool) -> Result<bool, Error> {
        Ok(self.queue.arm(self.side, self.me()?, ask))
    }

    /// A try came to nothing: where there is a descriptor, it tells of the next
    /// change.
    pub(super) fn arm(&self, me: Stamp) {
        self.watches.begin_slice(me, || _ = self.queue.arm(self.side, me, false));
    }
}

impl Clone for End {
    fn clone(&self) -> End {
        // This handle first: what the parent gave for it must not be used by a clone
        // that may be gone before it.
        let _ = self.me();
        let end = End::uncounted(Arc::clone(&self.queue), self.side);
        // Where this fails, the clone's first use fails in the same way, and
        // can say so.
        let _ = end.me();
        end
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let Ok(me) = primitive::current() else { return };
        // Before this process's count goes down, or nobody might seem left.
        if let Some(child) = self.origin.recipient() {
            self.queue.give(self.side, child);
        }
        let seat = self.seat.load(Ordering::Relaxed);
        if Stamp::of(seat) == Some(me) {
            self.queue.leave(self.side, (seat & FLAGS) as usize, me);
        } else if let Some(given) = self.queue.claim_credit(self.side, me) {
            // A handle from the parent that was never used here.
            self.queue.leave(self.side, given, me);
        }
    }
}
