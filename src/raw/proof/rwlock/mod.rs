//! The lock of readers and writers: nobody reads while somebody writes, nobody
//! waits for the dead, and what a writer left half-written is told once.
//!
//! Here is the value behind the lock; `living` and `death` are the proofs.

mod death;
mod living;

use super::guarded::{Guarded, Lock};
use crate::deadline::Deadline;
use crate::primitive::{Process, Stamp};
use crate::raw::mutex::Locked;
use crate::raw::rwlock::Reading;
use crate::raw::{Refused, RwLock};

/// The write lock, to which `Guarded` gives the value.
impl<const READERS: usize> Lock for RwLock<READERS> {
    fn new() -> RwLock<READERS> {
        let lock = RwLock::new();
        lock.place();
        lock
    }

    fn lock(&self, me: Process, deadline: Deadline) -> Result<Locked, Refused> {
        self.write(me.stamp, me.thread, deadline)
    }

    fn repair(&self, me: Process) {
        RwLock::repair(self, me.stamp);
    }

    fn unlock(&self, me: Process) {
        self.unlock_write(me.stamp);
    }

    /// Only who has begun to write leaves anything behind.
    fn is_held_by(&self, me: Process) -> bool {
        self.dirty_by() == Some(me.stamp)
    }
}

impl<const READERS: usize> Guarded<RwLock<READERS>> {
    fn read(&self, me: Process) {
        self.read_until(me, Deadline::Never).expect("waits as long as it takes");
    }

    /// By the second share, though the first is free.
    fn read_second(&self, me: Process) {
        let reading = self.lock.read(me.stamp, me.thread, 1, Deadline::Never);
        let Ok(Reading::Share(index)) = reading else { panic!("{reading:?}") };
        self.leave(me, index);
    }

    fn try_read(&self, me: Process) {
        match self.read_until(me, Deadline::Now) {
            Ok(()) | Err(Refused::TimedOut) => {}
            Err(refused) => panic!("{refused:?}"),
        }
    }

    /// One whole look; whoever is told completes what was left.
    fn read_until(&self, me: Process, deadline: Deadline) -> Result<(), Refused> {
        let index = match self.lock.read(me.stamp, me.thread, 0, deadline)? {
            Reading::Share(index) => index,
            Reading::Abandoned { pid } => {
                self.look(me, Locked::Abandoned { pid });
                self.downgrade(me)
            }
        };
        self.leave(me, index);
        Ok(())
    }

    fn leave(&self, me: Process, share: usize) {
        self.look(me, Locked::Consistent);
        self.lock.unlock_read(me.stamp, share);
    }

    /// The first process is inside before anybody comes.
    fn first_reads(&self, stamp: Stamp) {
        let reading = self.lock.read(stamp, 1, 0, Deadline::Now);
        assert_eq!(reading, Ok(Reading::Share(0)));
    }

    fn first_writes(&self, stamp: Stamp) {
        assert_eq!(self.lock.write(stamp, 1, Deadline::Now), Ok(Locked::Consistent));
    }

    fn downgrade(&self, me: Process) -> usize {
        let index = self.lock.share(me.stamp, me.thread);
        self.lock.unlock_write(me.stamp);
        index
    }

    fn end(&self, me: Process) {
        self.read(me);
        self.add(me);
        self.check_after_death();
        assert!(self.lock.readers().next().is_none(), "a share is lost");
    }
}

type Value<const READERS: usize> = Guarded<RwLock<READERS>>;
