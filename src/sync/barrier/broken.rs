//! Why a round of a barrier was not completed.

use core::fmt;

use crate::error::{Error, Kind};
use crate::raw::barrier::{Cause, Stop};

/// Why a [`Barrier`](super::Barrier) let nobody through, with the process that is to
/// blame.
///
/// # Examples
///
/// ```
/// use killproof::Shared;
/// use killproof::sync::{Barrier, Broken};
///
/// let barrier = Shared::new(Barrier::new(2))?;
/// let (mut ours, its) = (barrier.party()?, barrier.party()?);
/// drop(its);
/// match ours.wait() {
///     Err(Broken::Died(pid) | Broken::Left(pid)) => assert_eq!(pid, std::process::id()),
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), killproof::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Broken {
    /// A party's process died.
    Died(u32),
    /// A party was dropped.
    Left(u32),
    /// Somebody called [`abort`](super::Barrier::abort).
    Aborted(u32),
    /// The time of a [`wait_timeout`](super::Party::wait_timeout) was up, of this party or
    /// of another.
    TimedOut(u32),
    /// Somebody called [`reset`](super::Barrier::reset) while this party waited.
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
