//! Why a task has no result, and why there is no pool.

use core::fmt;

use crate::error::{Error, Kind};
use crate::process::{JoinError, SpawnError};
use crate::sys::fork::signal_name;

/// Why a task has no result.
///
/// # Examples
///
/// ```
/// use killproof::pool::{Pool, TaskError};
///
/// let pool: Pool<u32, ()> = Pool::new(2, |n| match n {
///     0 => panic!("zero"),
///     1 => std::process::exit(3),
///     _ => std::process::abort(),
/// })?;
/// for n in 0..3 {
///     match pool.apply(n) {
///         Err(TaskError::Panicked(message)) => assert!(message.starts_with("zero, at ")),
///         Err(TaskError::Exited(code)) => assert_eq!(code, 3),
///         Err(TaskError::Signalled(signal)) => assert_eq!(signal, 6),
///         other => panic!("{other:?}"),
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskError {
    /// The function panicked: the message, and where, as in
    /// `index out of bounds, at src/main.rs:7:5`. The worker goes on.
    Panicked(String),
    /// The worker was killed by this signal with the task in its hands.
    Signalled(i32),
    /// The worker exited with this code in the middle of the task.
    Exited(i32),
    /// The task took longer than [`timeout`](super::Builder::timeout), and its worker
    /// was killed for it.
    TimedOut,
    /// These bytes arrived and are no value of the type.
    Invalid(Vec<u8>),
    /// The pool takes no more tasks, or was terminated before this one was finished.
    Closed,
    /// The pool's keeper has ended, and the workers with it.
    Keeper,
    /// No worker could be started: what the
    /// [`initializer`](super::Builder::initializer) said, time after time, or the
    /// system.
    Initializer(String),
    /// The result was given already.
    Taken,
    /// The system refused, or a limit was reached.
    Failed(Error),
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TaskError::Panicked(message) => write!(f, "the task panicked: {message}"),
            TaskError::Signalled(signal) => {
                write!(f, "the worker was ended by signal {signal}")?;
                signal_name(*signal).map_or(Ok(()), |name| write!(f, " ({name})"))?;
                f.write_str(" during the task")
            }
            TaskError::Exited(code) => {
                write!(f, "the worker exited with code {code} during the task")
            }
            TaskError::TimedOut => f.write_str("the task took too long, and its worker was killed"),
            TaskError::Invalid(bytes) => {
                write!(f, "the task: {} bytes came that are no such value", bytes.len())
            }
            TaskError::Closed => f.write_str("the pool is closed or was terminated"),
            TaskError::Keeper => {
                f.write_str("the pool's keeper has ended, and the workers with it")
            }
            TaskError::Initializer(message) => {
                write!(f, "no worker of the pool could be started: {message}")
            }
            TaskError::Taken => f.write_str("the task's result was given already"),
            TaskError::Failed(error) => write!(f, "the task: {error}"),
        }
    }
}

impl std::error::Error for TaskError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            TaskError::Failed(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Error> for TaskError {
    fn from(error: Error) -> Self {
        TaskError::Failed(error)
    }
}

/// How a worker ended that said nothing more.
impl From<JoinError> for TaskError {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::Panicked(message) => TaskError::Panicked(message),
            JoinError::Exited(code) => TaskError::Exited(code),
            JoinError::Signalled(signal) => TaskError::Signalled(signal),
            JoinError::Invalid(bytes) => TaskError::Invalid(bytes),
            JoinError::Failed(error) => TaskError::Failed(error),
            JoinError::Lost | JoinError::Taken => {
                TaskError::Failed(Error::new("wait for a worker", Kind::Gone))
            }
        }
    }
}

/// Why there is no pool, or why it did not come to its end.
///
/// # Examples
///
/// See [`Pool::join`](super::Pool::join).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PoolError {
    /// The keeper was not spawned.
    Spawn(SpawnError),
    /// To be joined, a pool must be closed or terminated first: it would never end.
    Running,
    /// The keeper has ended, and the workers with it.
    Keeper,
    /// No worker could be started: see [`TaskError::Initializer`].
    Initializer(String),
    /// The system refused, or a setting is out of its limits.
    Failed(Error),
}

impl fmt::Display for PoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PoolError::Spawn(error) => write!(f, "pool: {error}"),
            PoolError::Running => {
                f.write_str("pool: it is still running; close or terminate it before the join")
            }
            PoolError::Keeper => TaskError::Keeper.fmt(f),
            PoolError::Initializer(message) => TaskError::Initializer(message.clone()).fmt(f),
            PoolError::Failed(error) => write!(f, "pool: {error}"),
        }
    }
}

impl std::error::Error for PoolError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            PoolError::Spawn(error) => Some(error),
            PoolError::Failed(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Error> for PoolError {
    fn from(error: Error) -> Self {
        PoolError::Failed(error)
    }
}

impl From<SpawnError> for PoolError {
    fn from(error: SpawnError) -> Self {
        PoolError::Spawn(error)
    }
}
