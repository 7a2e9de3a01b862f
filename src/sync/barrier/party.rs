//! The parties of a barrier: tokens, each of which is one process's.

use core::fmt;
use core::ops::Deref;
use std::time::Duration;

use super::{Barrier, Broken};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::primitive::{self, Patience};
use crate::shared::handle::Shared;
use crate::shared::transfer::Origin;

impl<const CAPACITY: usize> Shared<Barrier<CAPACITY>> {
    /// One of the barrier's parties, for this process or for a child that it is
    /// moved into.
    ///
    /// Those that nobody has had yet are given out first; then the places of
    /// parties that died or were dropped. For a barrier that is a field of
    /// something larger, see [`Shared::map`].
    ///
    /// # Errors
    ///
    /// [`is_limit`](Error::is_limit) when all parties are taken by the living, and
    /// when this process is in another PID namespace.
    ///
    /// # When a process dies
    ///
    /// Its party is to be had again, as that of one who takes it and is killed in
    /// here. Where others had arrived in the round already, taking a dead party's
    /// place breaks it, since nobody can tell whether the dead had; then
    /// [`reset`](Barrier::reset).
    ///
    /// # Examples
    ///
    /// See [`Barrier`].
    pub fn party(&self) -> Result<Party<CAPACITY>, Error> {
        let taken = self.raw.take_seat(primitive::current()?);
        let seat = taken.map_err(|refused| refused.error("Barrier::party"))?;
        Ok(Party { barrier: self.clone(), seat, origin: Origin::now(), patience: Patience::new() })
    }
}

/// One of the parties of a [`Barrier`].
///
/// It belongs to one process: the one that took it, or the child that
/// [`spawn`](crate::process::spawn) moved it into. In any other copy of that
/// process's memory every operation says so and changes nothing. Dropped, it gives
/// its place up; if others wait, it breaks the barrier for them. It dereferences to
/// its [`Barrier`], to abort or reset.
///
/// # When a process dies
///
/// See [`Barrier`]: every survivor is told, until another has its place.
///
/// # Examples
///
/// See [`Barrier`]. It may go to another thread, and it cannot be in two places:
///
/// ```compile_fail,E0382
/// use killproof::sync::Barrier;
/// use killproof::{Shared, process};
///
/// let mut party = Shared::new(Barrier::new(2)).unwrap().party().unwrap();
/// process::spawn(move || party.wait().is_ok()).unwrap();
/// party.wait().unwrap();
/// ```
///
/// Nor can two threads wait with one:
///
/// ```compile_fail,E0596
/// use killproof::{Shared, sync::Barrier};
///
/// let party = Shared::new(Barrier::new(2)).unwrap().party().unwrap();
/// let party = &party;
/// std::thread::scope(|scope| {
///     scope.spawn(move || party.wait().is_ok());
/// });
/// ```
#[must_use = "dropped, it gives its place at the barrier up"]
pub struct Party<const CAPACITY: usize = 64> {
    barrier: Shared<Barrier<CAPACITY>>,
    seat: usize,
    origin: Origin,
    patience: Patience,
}

impl<const CAPACITY: usize> Party<CAPACITY> {
    /// Waits until all parties have come. One of them is told that it is the
    /// leader.
    ///
    /// Between parties that run on different CPUs this takes no system call.
    ///
    /// # Errors
    ///
    /// [`Broken`], for the round's other parties as well;
    /// [`Broken::Failed`] when this party belongs to another process, or this
    /// process is in another PID namespace.
    ///
    /// # When a process dies
    ///
    /// Killed in here, before the round is completed, it breaks the barrier for
    /// every survivor. Killed as the one that completes it, it has let everybody
    /// through or nobody.
    ///
    /// # Examples
    ///
    /// See [`Barrier`].
    #[inline]
    pub fn wait(&mut self) -> Result<BarrierWaitResult, Broken> {
        self.wait_until(Deadline::Never)
    }

    /// Waits as [`wait`](Party::wait) does, at most for `timeout`: when the time is
    /// up, the barrier is broken, for everybody.
    ///
    /// # Errors
    ///
    /// As [`wait`](Party::wait), and [`Broken::TimedOut`].
    ///
    /// # When a process dies
    ///
    /// As in [`wait`](Party::wait). Who is dead when the time is up is to blame for
    /// it, and not the one whose time it was.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::Shared;
    /// use killproof::sync::{Barrier, Broken};
    /// use std::time::Duration;
    ///
    /// let mut party = Shared::new(Barrier::new(2))?.party()?;
    /// let waited = party.wait_timeout(Duration::from_millis(5));
    /// assert_eq!(waited, Err(Broken::TimedOut(std::process::id())));
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn wait_timeout(&mut self, timeout: Duration) -> Result<BarrierWaitResult, Broken> {
        self.wait_until(Deadline::after(timeout))
    }

    #[inline]
    fn wait_until(&mut self, deadline: Deadline) -> Result<BarrierWaitResult, Broken> {
        let me = primitive::current().map_err(Broken::Failed)?;
        let waited = self.barrier.raw.wait(self.seat, me, deadline, &self.patience);
        waited.map(BarrierWaitResult).map_err(Broken::from)
    }
}

impl<const CAPACITY: usize> Deref for Party<CAPACITY> {
    type Target = Barrier<CAPACITY>;

    /// Its barrier, to abort or reset.
    fn deref(&self) -> &Barrier<CAPACITY> {
        &self.barrier
    }
}

impl<const CAPACITY: usize> Drop for Party<CAPACITY> {
    fn drop(&mut self) {
        let Ok(me) = primitive::current() else { return };
        match self.origin.recipient() {
            Some(child) => self.barrier.raw.give(self.seat, me, child),
            None => self.barrier.raw.leave(self.seat, me),
        }
    }
}

/// How a round of a [`Barrier`] was completed.
///
/// # Examples
///
/// See [`Barrier`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarrierWaitResult(bool);

impl BarrierWaitResult {
    /// Whether this party is the one of the round that was chosen to lead: the one
    /// that came last.
    ///
    /// # When a process dies
    ///
    /// If it is the leader, the round has none: nobody else is told.
    ///
    /// # Examples
    ///
    /// See [`Barrier`].
    pub fn is_leader(&self) -> bool {
        self.0
    }
}

impl<const CAPACITY: usize> fmt::Debug for Party<CAPACITY> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut state = f.debug_struct("Party");
        state.field("seat", &self.seat).field("barrier", &**self).finish_non_exhaustive()
    }
}
