//! Why there is no child, and why there is no value.

use core::fmt;

use crate::error::Error;
use crate::sys::fork::signal_name;

/// Why no process was spawned.
///
/// The closure is dropped, and nothing of the attempt is left.
///
/// # Examples
///
/// ```
/// use killproof::process::{SpawnError, spawn};
/// use killproof::{Shared, sync::Mutex};
///
/// let lock = Shared::new(Mutex::new(0_u8))?;
/// let guard = lock.lock().unwrap();
/// assert_eq!(spawn(|| ()).unwrap_err(), SpawnError::Loans(1));
/// drop(guard);
///
/// let thread = std::thread::spawn(|| spawn(|| ()).unwrap_err());
/// assert_eq!(thread.join().unwrap(), SpawnError::Threads(2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpawnError {
    /// This process has so many threads, and one is the most that can be
    /// forked safely: what the others hold would be held in the child for ever.
    Threads(usize),
    /// So many guards (of locks, permits, tasks) are alive in this thread or
    /// were leaked by one that ended: the child would get copies of them.
    Loans(usize),
    /// This thread is inside a tokio runtime, which the child would share with this
    /// process. Found out with the feature `tokio`.
    Runtime,
    /// This process is a [daemon](super::Builder::daemon), and was not given the
    /// right to have [children](super::Builder::may_have_children).
    Daemon,
    /// The [`Zygote`](super::Zygote) has ended.
    Zygote,
    /// The system refused.
    Failed(Error),
}

/// The variant, and what to do about it: this is what `unwrap` shows.
impl fmt::Debug for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpawnError::Threads(threads) => write!(f, "Threads({threads})")?,
            SpawnError::Loans(loans) => write!(f, "Loans({loans})")?,
            SpawnError::Runtime => f.write_str("Runtime")?,
            SpawnError::Daemon => f.write_str("Daemon")?,
            SpawnError::Zygote => f.write_str("Zygote")?,
            SpawnError::Failed(error) => return write!(f, "Failed({error:?})"),
        }
        write!(f, " [{self}]")
    }
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpawnError::Threads(threads) => write!(
                f,
                "spawn: this process has {threads} threads, and only a process with one can be \
                 forked safely; spawn before the first thread is started, in a `main` without \
                 `#[tokio::main]`, which starts some, or take over the \
                 contract of `unsafe spawn_unchecked`, or spawn through a `Zygote`; tests that spawn need `harness = false` \
                 in Cargo.toml, since the default harness always has two threads"
            ),
            SpawnError::Loans(loans) => write!(
                f,
                "spawn: of guards, permits and tasks, {loans} are alive in this thread or were \
                 leaked, and a child would get copies of them; drop them first, or take over \
                 the contract of `unsafe spawn_unchecked`"
            ),
            SpawnError::Runtime => f.write_str(
                "spawn: this thread is inside a tokio runtime, and what a child waited for there \
                 would be told to this process; spawn before the runtime is entered, or through \
                 a `Zygote` that was started before it, or take over the contract of `unsafe \
                 spawn_unchecked`",
            ),
            SpawnError::Daemon => f.write_str(
                "spawn: daemonic processes are not allowed to have children, since nobody would \
                 end them; build the daemon with `may_have_children(true)`, and its children as \
                 daemons",
            ),
            SpawnError::Zygote => f.write_str(
                "spawn: the zygote has ended, and its children with it; another can be started \
                 where this process has one thread",
            ),
            SpawnError::Failed(error) => write!(f, "spawn: {error}"),
        }
    }
}

impl std::error::Error for SpawnError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            SpawnError::Failed(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Error> for SpawnError {
    fn from(error: Error) -> Self {
        SpawnError::Failed(error)
    }
}

/// Why a child gave no value.
///
/// # Examples
///
/// ```
/// use killproof::process::{JoinError, spawn};
///
/// let child = spawn(|| -> u8 { panic!("no such page") })?;
/// match child.join() {
///     Err(JoinError::Panicked(message)) => assert!(message.starts_with("no such page, at ")),
///     Err(JoinError::Signalled(signal)) => println!("killed by {signal}: try again"),
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JoinError {
    /// The closure panicked: the message, and where, as in
    /// `index out of bounds, at src/main.rs:7:5`. With `panic = "abort"` it is
    /// `Signalled(6)` instead.
    Panicked(String),
    /// The process exited with this code before the closure returned.
    Exited(i32),
    /// The process was killed by this signal before the closure returned.
    Signalled(i32),
    /// These bytes came back and are no value of the type.
    Invalid(Vec<u8>),
    /// The process ended in silence, and somebody else reaped it: another
    /// `wait` in this process, or the kernel because SIGCHLD is ignored. Or its
    /// [`Zygote`](super::Zygote) was dead before it could say how.
    Lost,
    /// The value was given already.
    Taken,
    /// The system refused.
    Failed(Error),
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JoinError::Panicked(message) => write!(f, "the process panicked: {message}"),
            JoinError::Exited(code) => write!(f, "the process exited with code {code}"),
            JoinError::Signalled(signal) => {
                write!(f, "the process was ended by signal {signal}")?;
                signal_name(*signal).map_or(Ok(()), |name| write!(f, " ({name})"))
            }
            JoinError::Invalid(bytes) => {
                write!(f, "the process returned {} bytes that are no such value", bytes.len())
            }
            JoinError::Lost => f.write_str("the process ended, and somebody else was told how"),
            JoinError::Taken => f.write_str("the process's value was given already"),
            JoinError::Failed(error) => write!(f, "join: {error}"),
        }
    }
}

impl std::error::Error for JoinError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            JoinError::Failed(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Error> for JoinError {
    fn from(error: Error) -> Self {
        JoinError::Failed(error)
    }
}
