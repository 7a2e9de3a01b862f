//! One wait of a condition variable: a place among the waiters, and the way back to
//! the mutex.

use super::Condvar;
use crate::deadline::Deadline;
use crate::primitive::{self, Stamp};
use crate::raw;
use crate::raw::condvar::{Waiter, Woken};
use crate::shared::shareable::Shareable;
use crate::sync::abandoned::LockError;
use crate::sync::mutex::{Mutex, MutexGuard};

/// How a wait ended that did not fail.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// Notified, or for no reason.
    Woken,
    /// By a look at the condition, which does not hold any more.
    Looked,
    TimedOut,
}

impl<const CAPACITY: usize> Condvar<CAPACITY> {
    /// Waits until `condition` no longer holds; true: the time was up before.
    pub(super) fn wait_while_until<'a, T: Shareable + Copy>(
        &self,
        mut guard: MutexGuard<'a, T>,
        deadline: Deadline,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> Result<(MutexGuard<'a, T>, bool), LockError<MutexGuard<'a, T>>> {
        while condition(&mut guard) {
            if deadline.has_passed() {
                return Ok((guard, true));
            }
            let ended;
            (guard, ended) = self.wait_until(guard, deadline, Some(&mut condition))?;
            if ended == Ended::Looked {
                break;
            }
        }
        Ok((guard, false))
    }

    /// The one wait. With a `condition`, it looks at the end of each slice
    /// whether that still holds.
    pub(super) fn wait_until<'a, T: Shareable + Copy>(
        &self,
        guard: MutexGuard<'a, T>,
        deadline: Deadline,
        mut condition: Option<&mut dyn FnMut(&mut T) -> bool>,
    ) -> Result<(MutexGuard<'a, T>, Ended), LockError<MutexGuard<'a, T>>> {
        let mutex = guard.mutex();
        let me = primitive::current().map_err(LockError::Failed)?;
        let joined = self.raw.join(me);
        let waiter = joined.map_err(|refused| LockError::Failed(refused.error("Condvar::wait")))?;
        let mut place = Place { condvar: &self.raw, me, waiter, woken: Woken::ByItself };
        drop(guard);
        let woken = loop {
            match self.raw.sleep(&mut place.waiter, mutex.raw(), me, deadline) {
                Woken::Slice => {
                    let Some(condition) = condition.as_mut() else { continue };
                    if let Some(guard) = look(mutex, condition)? {
                        return Ok((guard, Ended::Looked));
                    }
                }
                woken => break woken,
            }
        };
        // Until the mutex is held, the place keeps the notification for others.
        let locked = mutex.lock();
        place.woken = woken;
        let notified = place.leave();
        let timed_out = woken == Woken::TimedOut && !notified;
        locked.map(|guard| (guard, if timed_out { Ended::TimedOut } else { Ended::Woken }))
    }
}

/// The guard, if the mutex is to be had now and `condition` no longer holds.
fn look<'a, T: Shareable + Copy>(
    mutex: &'a Mutex<T>,
    condition: &mut dyn FnMut(&mut T) -> bool,
) -> Result<Option<MutexGuard<'a, T>>, LockError<MutexGuard<'a, T>>> {
    match mutex.try_lock() {
        Ok(mut guard) => Ok((!condition(&mut guard)).then_some(guard)),
        Err(LockError::WouldBlock) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A place among the waiters; given back when dropped, also in a panic of the
/// user's condition.
struct Place<'a, const CAPACITY: usize> {
    condvar: &'a raw::Condvar<CAPACITY>,
    me: Stamp,
    waiter: Waiter,
    woken: Woken,
}

impl<const CAPACITY: usize> Place<'_, CAPACITY> {
    /// Gives the place back; whether there was a notification to be used up.
    fn leave(self) -> bool {
        let place = core::mem::ManuallyDrop::new(self);
        place.condvar.leave(&place.waiter, place.me, place.woken)
    }
}

impl<const CAPACITY: usize> Drop for Place<'_, CAPACITY> {
    fn drop(&mut self) {
        // Where the user's condition forked, the place is the parent's.
        if primitive::is_current(self.me) {
            self.condvar.leave(&self.waiter, self.me, self.woken);
        }
    }
}
