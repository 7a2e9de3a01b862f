//! An event count that descriptors hear of, too: for poll, epoll and the like.
//!
//! # States
//!
//! An [`EventCount`], and beside it a [`Bell`]: an eventfd that every process
//! has inherited, and that is readable once it was rung and until somebody
//! silences it.
//!
//! | `POLLERS` | bell | meaning |
//! |---|---|---|
//! | clear | rung | whoever polls is about to look, or would find something |
//! | set | silent | the next change rings |
//! | set | rung | rung again by somebody who found something while arming |
//! | clear | silent | nobody polls; or somebody is between two lines of this file, or died there |
//!
//! # Transitions
//!
//! Whoever looked and found nothing *arms*: silences the bell, sets `POLLERS`,
//! and looks once more with a read-modify-write; if there is something, rings
//! again. A notifier changes the condition with a read-modify-write, and if
//! `POLLERS` is set clears it and rings. So of many changes one pays for the
//! ring, and who polls for long and has enough to do costs nobody anything.
//!
//! Many processes may poll one bell. It is silenced by one of them only on the
//! way to a look of its own, after which it is rung for all the others too. So
//! it stays silent only while there is nothing to be had.
//!
//! # Ordering
//!
//! As in [`EventCount`]: either the arming one sees the change, or the notifier
//! sees the flag. Two more pairs matter. Silence comes before the flag: a ring
//! that the flag caused is heard. The flag is cleared before the ring: else a
//! poller that is through with arming between the two would be left with a
//! silent bell and no flag.
//!
//! # When a process dies
//!
//! Killed between a change and its ring, or between the silence and the second
//! look, it leaves a silent bell over something to be had. Everybody who polls
//! has a timer of its own, which goes on in slices as a sleeper's does.

use core::time::Duration;

use super::EventCount;
use super::event_count::Ticket;
use crate::primitive::{Bell, Mutant};

#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Polled(EventCount);

impl Polled {
    #[cfg(any(loom, test))]
    pub(crate) fn new() -> Polled {
        Polled(EventCount::new())
    }

    /// As [`EventCount::prepare`].
    pub(crate) fn prepare(&self) -> Ticket {
        self.0.prepare()
    }

    /// As [`EventCount::sleep`].
    pub(crate) fn sleep(&self, ticket: Ticket, slice: Duration) -> bool {
        self.0.sleep(ticket, slice)
    }

    /// Has the next change ring. The caller has silenced the bell, and looks
    /// once more.
    pub(crate) fn announce(&self) {
        self.0.announce_poller();
    }

    /// Wakes at most `count` sleepers, and whoever polls.
    #[inline]
    pub(crate) fn notify(&self, count: u32, bell: &Bell) {
        if self.0.is_awaited() {
            self.notify_awaited(count, bell);
        }
    }

    #[cold]
    fn notify_awaited(&self, count: u32, bell: &Bell) {
        if Mutant::RingsTooEarly.is_on() {
            bell.ring();
            self.0.take_poller();
        } else if self.0.take_poller() {
            bell.ring();
        }
        self.0.notify(count);
    }
}

/// Silences `bell`, has the next change ring it, and looks by `look`, which
/// reads, modifies and writes; rings if there is something. Returns whether
/// there is.
pub(crate) fn arm(counts: &[&Polled], bell: &Bell, look: impl FnOnce() -> bool) -> bool {
    bell.silence();
    counts.iter().for_each(|count| count.announce());
    let found = look();
    if found && !Mutant::KeepsTheBell.is_on() {
        bell.ring();
    }
    found
}
