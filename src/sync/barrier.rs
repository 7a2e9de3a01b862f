//! `Barrier`: `raw::Barrier`, and the parties that move into children.
#![allow(unsafe_code)]

use core::fmt;
use core::ops::Deref;
use std::time::Duration;

use crate::deadline::Deadline;
use crate::error::{Error, Kind};
use crate::primitive::{self, Patience};
use crate::raw::barrier::{Cause, Stop};
use crate::raw::{self, Refused};
use crate::shared::handle::Shared;
use crate::shared::shareable::{Placement, Shareable};
use crate::shared::transfer;

/// A point at which a fixed number of parties wait for one another.
///
/// [`std::sync::Barrier`] between processes. Each party is a token, a [`Party`],
/// that belongs to one process: take as many as there are with
/// [`party`](Shared::party) and let [`spawn`](crate::process::spawn) move them
/// into the children. A round waits for parties that nobody has had yet.
///
/// `CAPACITY` bounds the parties and the size: eight bytes each.
///
/// # When the owner dies
///
/// A party whose process dies, before it comes to the barrier or inside, breaks
/// it for every survivor: whoever waits, or comes later, has [`Broken::Died`]
/// within about 100 ms. The same goes for a party that is dropped while others
/// wait for it ([`Broken::Left`]), in a panic or not. A round is completed for all
/// of its parties or for none; one whose last party arrives before anybody has
/// noticed a death is completed.
///
/// To go on, take the party's place with [`party`](Shared::party) and
/// [`reset`](Barrier::reset). When all parties are gone, the next ones begin
/// anew, without a reset.
///
/// # Examples
///
/// ```
/// use killproof::sync::Barrier;
/// use killproof::{Shared, process};
///
/// let barrier = Shared::new(Barrier::new(3))?;
/// let mut children = Vec::new();
/// for _ in 0..3 {
///     let mut party = barrier.party()?;
///     children.push(process::spawn(move || {
///         // .. the first half of the work
///         let is_leader = party.wait().unwrap().is_leader();
///         // .. the second half, which needs everybody's first
///         u32::from(is_leader)
///     })?);
/// }
/// let mut leaders = 0;
/// for child in children {
///     leaders += child.join()?;
/// }
/// assert_eq!(leaders, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// One of two is killed:
///
/// ```
/// use killproof::sync::{Barrier, Broken};
/// use killproof::{Shared, process};
///
/// let barrier = Shared::new(Barrier::new(2))?;
/// let mut ours = barrier.party()?;
/// let its = barrier.party()?;
/// let worker = process::spawn(move || -> () {
///     let _its = its;
///     loop {
///         std::thread::park();
///     }
/// })?;
/// worker.kill()?;
/// assert_eq!(ours.wait(), Err(Broken::Died(worker.pid())));
///
/// // Another takes its place.
/// let mut its = barrier.party()?;
/// barrier.reset();
/// let worker = process::spawn(move || its.wait().is_ok())?;
/// assert!(ours.wait().is_ok());
/// assert!(worker.join()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[repr(C)]
pub struct Barrier<const CAPACITY: usize = 64> {
    raw: raw::Barrier<CAPACITY>,
    /// How many there will be once placed.
    parties: usize,
}

// SAFETY: 1. `repr(C)`; atomic words and a number, no pointer, no drop glue.
//    2. `place` reaches the machine, the only field that needs it.
unsafe impl<const CAPACITY: usize> Shareable for Barrier<CAPACITY> {
    fn place(&self, _: &Placement) {
        self.raw.place(self.parties);
    }
}

impl Barrier {
    /// A barrier of `parties` parties, at most 64, to be moved into a
    /// [`Shared`]. [`with_capacity`](Barrier::with_capacity) takes more.
    ///
    /// # Panics
    ///
    /// When `parties` is zero or more than 64.
    pub fn new(parties: usize) -> Barrier {
        Barrier::with_capacity(parties)
    }
}

impl<const CAPACITY: usize> Barrier<CAPACITY> {
    /// A barrier of `parties` parties, at most `CAPACITY`.
    ///
    /// # Panics
    ///
    /// When `parties` is zero or more than `CAPACITY`.
    pub fn with_capacity(parties: usize) -> Barrier<CAPACITY> {
        assert!(parties > 0, "a barrier of no parties");
        assert!(parties <= CAPACITY, "{parties} parties at a barrier of {CAPACITY}");
        Barrier { raw: raw::Barrier::new(), parties }
    }

    /// How many parties a round waits for.
    pub fn parties(&self) -> usize {
        self.parties
    }

    /// How many wait now.
    pub fn waiting(&self) -> usize {
        self.raw.waiting()
    }

    /// Why the barrier is broken, if it is.
    ///
    /// A death is noticed by whoever waits, so before anybody does a barrier of a
    /// dead party is not broken yet.
    pub fn broken(&self) -> Option<Broken> {
        self.raw.broken().map(Broken::from)
    }

    /// Breaks the barrier: whoever waits, or comes before a
    /// [`reset`](Barrier::reset), has [`Broken::Aborted`].
    ///
    /// # Errors
    ///
    /// When this process is in another PID namespace than its family.
    pub fn abort(&self) -> Result<(), Error> {
        self.raw.abort(primitive::current()?);
        Ok(())
    }

    /// Opens a new round, whatever the state. Whoever waits has
    /// [`Broken::Reset`].
    ///
    /// A party that is dead is still dead afterwards: see
    /// [`party`](Shared::party).
    pub fn reset(&self) {
        self.raw.reset();
    }
}

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
    /// [`is_limit`](Error::is_limit) when all parties are taken by the living.
    pub fn party(&self) -> Result<Party<CAPACITY>, Error> {
        let taken = self.raw.take_seat(primitive::current()?);
        let seat = taken.map_err(|refused| {
            let kind = if refused == Refused::Unplaced { Kind::Unplaced } else { Kind::Limit };
            Error::new("Barrier::party", kind)
        })?;
        Ok(Party { barrier: self.clone(), seat, patience: Patience::new() })
    }
}

/// One of the parties of a [`Barrier`].
///
/// It belongs to one process: the one that took it, or the child that
/// [`spawn`](crate::process::spawn) moved it into. In any other copy of that
/// process's memory every operation says so and changes nothing. Dropped, it gives
/// its place up; if others wait, it breaks the barrier for them.
///
/// It cannot be in two places:
///
/// ```compile_fail,E0382
/// use killproof::sync::Barrier;
/// use killproof::{Shared, process};
///
/// let mut party = Shared::new(Barrier::new(2)).unwrap().party().unwrap();
/// process::spawn(move || party.wait().is_ok()).unwrap();
/// party.wait().unwrap();
/// ```
#[must_use = "dropped, it gives its place at the barrier up"]
pub struct Party<const CAPACITY: usize = 64> {
    barrier: Shared<Barrier<CAPACITY>>,
    seat: usize,
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
    /// [`Broken::Failed`] when this party belongs to another process.
    #[inline]
    pub fn wait(&mut self) -> Result<WaitResult, Broken> {
        self.wait_until(Deadline::Never)
    }

    /// Waits as [`wait`](Party::wait) does, at most for `timeout`: when the time is
    /// up, the barrier is broken, for everybody.
    ///
    /// # Errors
    ///
    /// As [`wait`](Party::wait), and [`Broken::TimedOut`].
    pub fn wait_timeout(&mut self, timeout: Duration) -> Result<WaitResult, Broken> {
        self.wait_until(Deadline::after(timeout))
    }

    #[inline]
    fn wait_until(&mut self, deadline: Deadline) -> Result<WaitResult, Broken> {
        let me = primitive::current().map_err(Broken::Failed)?;
        let waited = self.barrier.raw.wait(self.seat, me, deadline, &self.patience);
        waited.map(WaitResult).map_err(Broken::from)
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
        match transfer::recipient() {
            Some(child) => self.barrier.raw.give(self.seat, me, child),
            None => self.barrier.raw.leave(self.seat, me),
        }
    }
}

/// How a round of a [`Barrier`] was completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitResult(bool);

impl WaitResult {
    /// Whether this party is the one of the round that was chosen to lead: the one
    /// that came last. If it dies, nobody else is.
    pub fn is_leader(&self) -> bool {
        self.0
    }
}

/// Why a [`Barrier`] let nobody through, with the process that is to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Broken {
    /// A party's process died.
    Died(u32),
    /// A party was dropped.
    Left(u32),
    /// Somebody called [`abort`](Barrier::abort).
    Aborted(u32),
    /// The time of a [`wait_timeout`](Party::wait_timeout) was up, of this party or
    /// of another.
    TimedOut(u32),
    /// Somebody called [`reset`](Barrier::reset) while this party waited.
    Reset,
    /// The party could not be used at all.
    Failed(Error),
}

impl From<Stop> for Broken {
    #[cold]
    fn from(stop: Stop) -> Broken {
        match stop {
            Stop::Broken(Cause::Died, pid) => Broken::Died(pid),
            Stop::Broken(Cause::Left, pid) => Broken::Left(pid),
            Stop::Broken(Cause::Aborted, pid) => Broken::Aborted(pid),
            Stop::Broken(Cause::TimedOut, pid) => Broken::TimedOut(pid),
            Stop::Broken(Cause::Reset, _) => Broken::Reset,
            Stop::NotOwner => Broken::Failed(Error::new("Party::wait", Kind::NotOwner)),
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Died(pid) => write!(f, "barrier: broken, process {pid} died"),
            Broken::Left(pid) => write!(f, "barrier: broken, process {pid} left"),
            Broken::Aborted(pid) => write!(f, "barrier: aborted by process {pid}"),
            Broken::TimedOut(pid) => write!(f, "barrier: broken, process {pid} timed out"),
            Broken::Reset => f.write_str("barrier: reset"),
            Broken::Failed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Broken {}

impl From<Broken> for Error {
    fn from(broken: Broken) -> Error {
        let kind = match broken {
            Broken::TimedOut(_) => Kind::TimedOut,
            Broken::Failed(error) => return error,
            _ => Kind::Broken,
        };
        Error::new("barrier", kind)
    }
}

impl<const CAPACITY: usize> fmt::Debug for Barrier<CAPACITY> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier")
            .field("parties", &self.parties)
            .field("waiting", &self.waiting())
            .field("broken", &self.broken())
            .finish_non_exhaustive()
    }
}

impl<const CAPACITY: usize> fmt::Debug for Party<CAPACITY> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Party").field("barrier", &**self).finish_non_exhaustive()
    }
}
