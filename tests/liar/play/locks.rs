//! Locks.

use std::hint::black_box;
use std::time::Duration;

use killproof::Shared;
use killproof::sync::{
    Guard, LockError, Mutex, OrRecover, ReentrantMutex, RwLock, RwLockWriteGuard,
};

use super::script::Script;
use super::subject::Company;

/// Guards at once, at most: a lock that was lied about may give out several.
const GUARDS: usize = 3;
const READERS: usize = 3;

/// The guard, if there is one, whatever was done to the lock.
fn guard<G: Guard<Value = u64>>(
    script: &mut Script<'_>,
    locked: Result<G, LockError<G>>,
) -> Option<G> {
    match script.below(3) {
        0 => locked.or_recover(|value| *value = value.wrapping_add(1)).ok(),
        1 => match locked {
            Err(LockError::Abandoned(abandoned)) => {
                let value = abandoned.get();
                Some(abandoned.replace(value))
            }
            locked => locked.ok(),
        },
        _ => {
            black_box(locked.as_ref().err().map(|error| format!("{error} {error:?}")));
            locked.ok()
        }
    }
}

pub fn mutex(script: &mut Script<'_>, company: &mut Company) {
    let make = || Shared::new(Mutex::new(1_u64)).expect("memory");
    company.meet(make, |mutex, memory| {
        let mut guards = Vec::new();
        while let Some(step) = script.step() {
            match step {
                0..=99 => memory.lie(script),
                100..=149 if guards.len() < GUARDS => {
                    guards.extend(guard(script, mutex.try_lock()));
                }
                150..=179 if guards.len() < GUARDS => {
                    guards.extend(guard(script, mutex.lock_timeout(Duration::ZERO)));
                }
                180..=199 => guards.iter_mut().for_each(|value| **value = value.wrapping_add(1)),
                200..=239 => drop(script.take(&mut guards)),
                _ => _ = black_box(format!("{mutex:?}")),
            }
        }
    });
}

pub fn reentrant(script: &mut Script<'_>, company: &mut Company) {
    let make = || Shared::new(ReentrantMutex::new(1_u64)).expect("memory");
    company.meet(make, |mutex, memory| {
        let mut guards = Vec::new();
        while let Some(step) = script.step() {
            match step {
                0..=99 => memory.lie(script),
                100..=149 if guards.len() < GUARDS => {
                    guards.extend(guard(script, mutex.try_lock()));
                }
                150..=179 if guards.len() < GUARDS => {
                    guards.extend(guard(script, mutex.lock_timeout(Duration::ZERO)));
                }
                180..=199 => guards.iter().for_each(|cell| cell.set(cell.get().wrapping_add(1))),
                200..=239 => drop(script.take(&mut guards)),
                _ => _ = black_box(format!("{mutex:?}")),
            }
        }
    });
}

pub fn rwlock(script: &mut Script<'_>, company: &mut Company) {
    let make = || Shared::new(RwLock::<u64, READERS>::with_readers(1)).expect("memory");
    company.meet(make, |lock, memory| {
        let (mut readers, mut writers) = (Vec::new(), Vec::new());
        // A repair, and a downgrade, wait for a share without a limit.
        let free_shares = || (0..READERS as u64).for_each(|share| memory.free(128 + 64 * share));
        while let Some(step) = script.step() {
            match step {
                0..=99 => memory.lie(script),
                100..=139 if readers.len() < GUARDS => {
                    let locked = lock.try_read();
                    free_shares();
                    readers.extend(guard(script, locked));
                }
                140..=159 if readers.len() < GUARDS => {
                    let locked = lock.read_timeout(Duration::ZERO);
                    free_shares();
                    readers.extend(guard(script, locked));
                }
                160..=179 if writers.len() < GUARDS => {
                    writers.extend(guard(script, lock.try_write()));
                }
                180..=189 if writers.len() < GUARDS => {
                    writers.extend(guard(script, lock.write_timeout(Duration::ZERO)));
                }
                190..=199 => {
                    black_box(readers.iter().map(|value| **value).fold(0, u64::wrapping_add));
                    writers.iter_mut().for_each(|value| **value = value.wrapping_add(1));
                }
                200..=209 => {
                    free_shares();
                    readers.extend(script.take(&mut writers).map(RwLockWriteGuard::downgrade));
                }
                210..=224 => drop(script.take(&mut readers)),
                225..=239 => drop(script.take(&mut writers)),
                _ => _ = black_box(format!("{lock:?}")),
            }
        }
    });
}
