//! Who am I, among processes.

use super::family::family;
use crate::sys::fork::{getpid, getppid};

/// This process, as [`current`] found it.
///
/// # Examples
///
/// See [`current`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Current {
    name: String,
    pid: u32,
    parent: u32,
    is_daemon: bool,
}

/// The process that calls.
///
/// # Examples
///
/// ```
/// use killproof::process;
///
/// assert_eq!(process::current().name(), "main");
/// let child = process::spawn(|| process::current().name().to_string())?;
/// assert_eq!(child.join()?, "Process-1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn current() -> Current {
    let family = family();
    let is_daemon = family.role().is_daemon;
    Current { name: family.name().to_owned(), pid: getpid(), parent: getppid(), is_daemon }
}

impl Current {
    /// The name given by [`Builder::name`](super::Builder::name), or
    /// `Process-N` for the N-th child of its parent that was given none. A process
    /// that this crate did not start is called like the one that it was forked
    /// from, at last `main`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The process id.
    ///
    /// # Examples
    ///
    /// See [`parent`](Current::parent).
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The parent's process id.
    ///
    /// # When the owner dies
    ///
    /// A process whose parent has ended belongs to another, usually to the one
    /// with the number 1; its number is what is given then. Zero: the parent
    /// lives in an outer PID namespace.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::process;
    ///
    /// let child = process::spawn(|| process::current().parent())?;
    /// assert_eq!(child.join()?, process::current().pid());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn parent(&self) -> u32 {
        self.parent
    }

    /// Whether it ends with its parent: see [`Builder::daemon`](super::Builder::daemon).
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::process::{self, Builder};
    ///
    /// let daemon = Builder::new().daemon(true).spawn(|| process::current().is_daemon())?;
    /// assert!(daemon.join()?);
    /// assert!(!process::current().is_daemon());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_daemon(&self) -> bool {
        self.is_daemon
    }
}
