//! `Barrier`: `raw::Barrier`, and the parties that move into children.
#![allow(unsafe_code)]

mod broken;
mod party;

use core::fmt;

use crate::error::{Error, Kind};
use crate::primitive::{self, AtomicU64, Ordering};
use crate::raw;
use crate::raw::barrier::Seat;
use crate::shared::describe::{participants, unplaced};
use crate::shared::exposed::Exposed;
use crate::shared::shareable::{Placement, Shareable};

pub use broken::Broken;
pub use party::{BarrierWaitResult, Party};

/// A point at which a fixed number of parties wait for one another.
///
/// [`std::sync::Barrier`] between processes. Each party is a token, a [`Party`],
/// that belongs to one process: take as many as there are with
/// [`party`](crate::Shared::party) and let [`spawn`](crate::process::spawn) move them
/// into the children. A round waits for parties that nobody has had yet.
///
/// `CAPACITY` bounds the parties and the size: eight bytes each. All that a round
/// is about is one word: `src/raw/barrier` tells how, and after whom.
///
/// # When a process dies
///
/// A party whose process dies, before it comes to the barrier or inside, breaks
/// it for every survivor: whoever waits, or comes later, has [`Broken::Died`]
/// within about 100 ms. The same goes for a party that is dropped while others
/// wait for it ([`Broken::Left`]), in a panic or not. A round is completed for all
/// of its parties or for none; one whose last party arrives before anybody has
/// noticed a death is completed.
///
/// To go on, take the party's place with [`party`](crate::Shared::party) and
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
///
/// It waits for parties, so it cannot be waited at without one:
///
/// ```compile_fail,E0599
/// use killproof::{Shared, sync::Barrier};
///
/// Shared::new(Barrier::new(2)).unwrap().wait();
/// ```
#[repr(C)]
pub struct Barrier<const CAPACITY: usize = 64> {
    raw: raw::Barrier<CAPACITY>,
    /// How many there will be once placed; a word, and not a number, since others may
    /// write there.
    parties: AtomicU64,
}

// SAFETY: 1. `repr(C)`; atomic words, no pointer, no drop glue.
//    2. `place` reaches the machine, the only field that needs it.
unsafe impl<const CAPACITY: usize> Shareable for Barrier<CAPACITY> {
    fn place(&self, _: &Placement) {
        self.raw.place(self.parties());
    }
}

// SAFETY: atomic words, for which any bytes are a value.
unsafe impl<const CAPACITY: usize> Exposed for Barrier<CAPACITY> {}

impl Barrier {
    /// A barrier of `parties` parties, at most 64, to be moved into a
    /// [`Shared`](crate::Shared).
    ///
    /// [`with_capacity`](Barrier::with_capacity) takes more.
    ///
    /// # Panics
    ///
    /// When `parties` is zero or more than 64.
    ///
    /// # Examples
    ///
    /// See [`Barrier`].
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
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Shared, sync::Barrier};
    ///
    /// let large = Shared::new(Barrier::<200>::with_capacity(150))?;
    /// assert_eq!(large.parties(), 150);
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn with_capacity(parties: usize) -> Barrier<CAPACITY> {
        assert!(parties > 0, "a barrier of no parties");
        assert!(parties <= CAPACITY, "{parties} parties at a barrier of {CAPACITY}");
        Barrier { raw: raw::Barrier::new(), parties: AtomicU64::new(parties as u64) }
    }

    /// How many parties a round waits for.
    ///
    /// # Examples
    ///
    /// See [`with_capacity`](Barrier::with_capacity).
    pub fn parties(&self) -> usize {
        self.parties.load(Ordering::Relaxed) as usize
    }

    /// How many wait now.
    ///
    /// # When a process dies
    ///
    /// One that died waiting counts until a survivor has noticed, which breaks the
    /// barrier.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Shared, process, sync::Barrier};
    ///
    /// let barrier = Shared::new(Barrier::new(2))?;
    /// let (mut ours, mut its) = (barrier.party()?, barrier.party()?);
    /// assert_eq!(barrier.waiting(), 0);
    /// let child = process::spawn(move || its.wait().is_ok())?;
    /// while barrier.waiting() < 1 {}
    /// assert!(ours.wait().is_ok() && child.join()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn waiting(&self) -> usize {
        self.raw.waiting()
    }

    /// Why the barrier is broken, if it is.
    ///
    /// # When a process dies
    ///
    /// A death is noticed by whoever waits, so before anybody does a barrier of a
    /// dead party is not broken yet.
    ///
    /// # Examples
    ///
    /// See [`abort`](Barrier::abort).
    pub fn broken(&self) -> Option<Broken> {
        self.raw.broken().map(Broken::from)
    }

    /// Breaks the barrier: whoever waits, or comes before a
    /// [`reset`](Barrier::reset), has [`Broken::Aborted`].
    ///
    /// One that is broken already stays so for the first reason.
    ///
    /// # Errors
    ///
    /// When the barrier is not in a `Shared`, or this process is in another PID
    /// namespace than its family.
    ///
    /// # When a process dies
    ///
    /// Killed in here, it has broken the barrier for all or for nobody; whoever
    /// sleeps is told within about 100 ms.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::Shared;
    /// use killproof::sync::{Barrier, Broken};
    ///
    /// let barrier = Shared::new(Barrier::new(2))?;
    /// let mut party = barrier.party()?;
    /// barrier.abort()?;
    /// let aborted = Broken::Aborted(std::process::id());
    /// assert_eq!(party.wait(), Err(aborted.clone()));
    /// assert_eq!(barrier.broken(), Some(aborted));
    /// barrier.reset();
    /// assert_eq!(barrier.broken(), None);
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn abort(&self) -> Result<(), Error> {
        if !self.raw.is_placed() {
            return Err(Error::new("Barrier::abort", Kind::Unplaced));
        }
        self.raw.abort(primitive::current()?);
        Ok(())
    }

    /// Opens a new round, whatever the state. Whoever waits has
    /// [`Broken::Reset`].
    ///
    /// # When a process dies
    ///
    /// Killed in here, it has opened the round or not; whoever sleeps is told
    /// within about 100 ms. A party that was dead before is dead afterwards, and
    /// breaks the new round too until another has its place: see
    /// [`party`](crate::Shared::party).
    ///
    /// # Examples
    ///
    /// See [`abort`](Barrier::abort).
    pub fn reset(&self) {
        self.raw.reset();
    }
}

impl<const CAPACITY: usize> fmt::Debug for Barrier<CAPACITY> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.raw.is_placed() {
            return unplaced(f, "Barrier");
        }
        let owners = self.raw.seats().filter_map(|seat| match seat {
            Seat::Taken(owner) => Some(owner),
            Seat::Free | Seat::Left(_) => None,
        });
        let left = self.raw.seats().filter_map(|seat| match seat {
            Seat::Left(pid) => Some(pid),
            Seat::Free | Seat::Taken(_) => None,
        });
        f.debug_struct("Barrier")
            .field("parties", &self.parties())
            .field("owners", &participants(owners))
            .field("left", &left.collect::<Vec<u32>>())
            .field("waiting", &self.waiting())
            .field("broken", &self.broken())
            .finish_non_exhaustive()
    }
}
