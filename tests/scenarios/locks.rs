//! Every lock of `sync` and a semaphore in one struct of shared memory, and the ways to
//! have them.

use std::time::Duration;

use killproof::sync::{
    AcquireError, Guard, LockError, Mutex, MutexGuard, ReentrantMutex, ReentrantMutexGuard, RwLock,
    RwLockReadGuard, RwLockWriteGuard, Semaphore,
};
use killproof::{Error, Shared, shareable};

/// Two halves, so that half a change shows.
pub type Pair = [u64; 2];

const PERMITS: usize = 2;

shareable! {
    pub struct Locks {
        mutex: Mutex<Pair>,
        again: ReentrantMutex<Pair>,
        several: RwLock<Pair, 4>,
        single: RwLock<Pair, 1>,
        permits: Semaphore,
    }
}

/// A lock, and how it is held.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Way {
    Mutex,
    /// Twice at once.
    Again,
    Write,
    /// Twice at once.
    Read,
    /// By the only share there is.
    ReadAlone,
    Permit,
    /// All there are.
    Permits,
}

/// Who is in whose way.
pub const WAITS: [[Way; 2]; 9] = [
    [Way::Mutex, Way::Mutex],
    [Way::Again, Way::Again],
    [Way::Write, Way::Write],
    [Way::Write, Way::Read],
    [Way::Read, Way::Write],
    [Way::ReadAlone, Way::ReadAlone],
    [Way::Permits, Way::Permit],
    [Way::Permit, Way::Permits],
    [Way::Permits, Way::Permits],
];

pub fn locks() -> Result<Shared<Locks>, String> {
    let locks = Locks {
        mutex: Mutex::new([0; 2]),
        again: ReentrantMutex::new([0; 2]),
        several: RwLock::with_readers([0; 2]),
        single: RwLock::with_readers([0; 2]),
        permits: Semaphore::new(PERMITS),
    };
    Shared::new(locks).map_err(|error| error.to_string())
}

impl Way {
    /// Whether it changes the value, so that somebody is told of a death.
    pub fn changes(self) -> bool {
        matches!(self, Way::Mutex | Way::Again | Way::Write)
    }

    /// Waits, changes the first half if it may, runs `held`, and changes the
    /// second. Returns whose death it was told of.
    pub fn hold(
        self,
        locks: &Locks,
        timeout: Option<Duration>,
        held: impl FnOnce(),
    ) -> Result<Option<u32>, Error> {
        let Locks { mutex, again, several, single, permits } = locks;
        match (self, timeout) {
            (Way::Mutex, None) => inside(mutex.lock(), held),
            (Way::Mutex, Some(time)) => inside(mutex.lock_timeout(time), held),
            (Way::Again, None) => inside(again.lock(), || within(again.lock(), held)),
            (Way::Again, Some(time)) => {
                inside(again.lock_timeout(time), || within(again.try_lock(), held))
            }
            (Way::Write, None) => inside(several.write(), held),
            (Way::Write, Some(time)) => inside(several.write_timeout(time), held),
            (Way::Read, None) => inside(several.read(), || within(several.read(), held)),
            (Way::Read, Some(time)) => {
                inside(several.read_timeout(time), || within(several.read(), held))
            }
            (Way::ReadAlone, None) => inside(single.read(), held),
            (Way::ReadAlone, Some(time)) => inside(single.read_timeout(time), held),
            (Way::Permit, None) => with(permits.acquire(), held),
            (Way::Permit, Some(time)) => with(permits.acquire_timeout(time), held),
            (Way::Permits, None) => with(permits.acquire_many(PERMITS), held),
            (Way::Permits, Some(time)) => with(permits.acquire_many_timeout(PERMITS, time), held),
        }
    }

    /// The value; nobody may be told anything. That of permits is that they are free.
    pub fn value(self, locks: &Locks) -> Result<Pair, String> {
        let now = Duration::ZERO;
        let value = match self {
            Way::Mutex => locks.mutex.lock_timeout(now).map(|guard| *guard).map_err(said),
            Way::Again => locks.again.lock_timeout(now).map(|guard| guard.get()).map_err(said),
            Way::Write | Way::Read => {
                locks.several.write_timeout(now).map(|guard| *guard).map_err(said)
            }
            Way::ReadAlone => locks.single.write_timeout(now).map(|guard| *guard).map_err(said),
            Way::Permit | Way::Permits => match locks.permits.available() {
                PERMITS => Ok([0; 2]),
                fewer => Err(format!("{fewer} of {PERMITS}")),
            },
        };
        value.map_err(|error| format!("{self:?}: {error}"))
    }

    /// What the lock says of itself.
    pub fn shown(self, locks: &Locks) -> String {
        match self {
            Way::Mutex => format!("{:?}", locks.mutex),
            Way::Again => format!("{:?}", locks.again),
            Way::Write | Way::Read => format!("{:?}", locks.several),
            Way::ReadAlone => format!("{:?}", locks.single),
            Way::Permit | Way::Permits => format!("{:?}", locks.permits),
        }
    }
}

fn said<G: Guard>(error: LockError<G>) -> String {
    error.to_string()
}

fn inside<G: Inside>(
    result: Result<G, LockError<G>>,
    held: impl FnOnce(),
) -> Result<Option<u32>, Error> {
    let (mut guard, told) = match result {
        Ok(guard) => (guard, None),
        Err(LockError::Abandoned(abandoned)) => {
            let pid = abandoned.pid();
            (abandoned.recover(|value| value[1] = value[0]), Some(pid))
        }
        Err(error) => return Err(error.into()),
    };
    let value = guard.value();
    assert_eq!(value[0], value[1], "half a change shows");
    guard.change(0);
    held();
    guard.change(1);
    Ok(told)
}

/// Of a holder's death nobody is told.
fn with<P>(permit: Result<P, AcquireError>, held: impl FnOnce()) -> Result<Option<u32>, Error> {
    let permit = permit?;
    held();
    drop(permit);
    Ok(None)
}

/// Once more, by who is inside already.
fn within<G: Inside>(result: Result<G, LockError<G>>, held: impl FnOnce()) {
    let guard = result.unwrap_or_else(|error| panic!("who is inside is refused: {error}"));
    held();
    drop(guard);
}

/// What a guard gives, whichever it is.
trait Inside: Guard<Value = Pair> {
    fn value(&self) -> Pair;
    fn change(&mut self, _half: usize) {}
}

impl Inside for MutexGuard<'_, Pair> {
    fn value(&self) -> Pair {
        **self
    }

    fn change(&mut self, half: usize) {
        self[half] += 1;
    }
}

impl Inside for ReentrantMutexGuard<'_, Pair> {
    fn value(&self) -> Pair {
        self.get()
    }

    fn change(&mut self, half: usize) {
        self.update(|mut value| {
            value[half] += 1;
            value
        });
    }
}

impl<const READERS: usize> Inside for RwLockReadGuard<'_, Pair, READERS> {
    fn value(&self) -> Pair {
        **self
    }
}

impl<const READERS: usize> Inside for RwLockWriteGuard<'_, Pair, READERS> {
    fn value(&self) -> Pair {
        **self
    }

    fn change(&mut self, half: usize) {
        self[half] += 1;
    }
}
