//! `Child<T>`: a process, what can be asked of it, and what is left of it.

use core::fmt;
use core::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{ChildStderr, ChildStdin, ChildStdout};
use std::sync::Arc;
use std::time::Duration;

use super::family::{family, reap};
use super::handover::{Handover, Outcome};
use super::known::Known;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::primitive::Stamp;
use crate::ready::{Ready, Source};
use crate::sys::fd::poll_readable;
use crate::sys::fork::{self, Status};

/// A process that was spawned here, and the value that it will return.
///
/// All questions go to the kernel through a pidfd, which stands for this one
/// process whatever becomes of its number. No signal handler is installed and
/// no thread is started.
///
/// Dropping it detaches the process: it goes on, and once it has ended it is
/// reaped by this process's next call of `spawn`, of a method of any `Child`,
/// or of the `Drop` of one.
///
/// # When the child dies
///
/// `join` tells how, at once: [`JoinError::Signalled`](super::JoinError::Signalled)`(9)`. A value that was
/// returned counts even if the process is killed on its way out; one that was
/// not returned whole was not returned.
///
/// # Examples
///
/// ```
/// use killproof::process;
///
/// let child = process::spawn(|| 6 * 7)?;
/// assert_eq!(child.join()?, 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Child<T> {
    /// Where its stdin comes from, if [piped](super::Stdio::piped). Dropped, it
    /// ends.
    pub stdin: Option<ChildStdin>,
    /// What it prints, if [piped](super::Stdio::piped).
    pub stdout: Option<ChildStdout>,
    /// What it reports as errors, if [piped](super::Stdio::piped).
    pub stderr: Option<ChildStderr>,
    /// Shared with the family's list.
    known: Arc<Known>,
    /// `None`: the exit status is all there is to be said.
    pub(super) handover: Option<Handover>,
    pub(super) end: End,
    /// Who is its parent, if that is not this process: it says how the child ended.
    pub(super) zygote: Option<Stamp>,
    /// Whether the value was given.
    pub(super) is_taken: bool,
    value: PhantomData<fn() -> T>,
}

/// What is known of a process's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It has not ended, as far as is known.
    Unknown,
    /// It has ended like this, and was reaped.
    Reaped(Status),
    /// It has ended, and somebody else was told how.
    Lost,
}

impl<T> Child<T> {
    pub(super) fn new(known: Arc<Known>) -> Child<T> {
        Child {
            stdin: None,
            stdout: None,
            stderr: None,
            known,
            handover: None,
            end: End::Unknown,
            zygote: None,
            is_taken: false,
            value: PhantomData,
        }
    }

    /// Expects the value through `handover`.
    pub(super) fn owing(self, handover: Handover) -> Child<T> {
        let mut child = self;
        child.handover = Some(handover);
        child
    }

    /// Will be reaped by `zygote`.
    pub(super) fn of_zygote(self, zygote: Stamp) -> Child<T> {
        let mut child = self;
        child.zygote = Some(zygote);
        child
    }

    /// The process id. Another process may have it once this one is joined.
    pub fn pid(&self) -> u32 {
        self.known.pid
    }

    /// The name: given by [`Builder::name`](super::Builder::name), else
    /// `Process-N`.
    pub fn name(&self) -> &str {
        &self.known.name
    }

    /// Whether the process has not ended. A stopped process is alive.
    pub fn is_alive(&self) -> bool {
        reap();
        self.runs()
    }

    /// How the process ended: `0` or another code of its own, `101` for a
    /// panic, `-9` for signal 9. `None` while it runs, and where nobody can
    /// say any more.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::process::{join_all, spawn};
    ///
    /// let wait = || -> () { loop { std::thread::park() } };
    /// let children = [spawn(|| ())?, spawn(|| -> () { std::process::exit(3) })?, spawn(wait)?];
    /// children[2].terminate()?;
    /// while children.iter().any(|child| child.is_alive()) {}
    /// assert_eq!(children.each_ref().map(|child| child.exit_code()), [Some(0), Some(3), Some(-15)]);
    /// join_all(children);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn exit_code(&self) -> Option<i32> {
        reap();
        match self.look() {
            End::Unknown => None,
            End::Reaped(Status::Exited(code)) => Some(code),
            End::Reaped(Status::Signalled(signal)) => Some(-signal),
            End::Lost => match self.outcome() {
                Ok(Some(Outcome::Returned(_))) => Some(0),
                Ok(Some(Outcome::Panicked(_))) => Some(101),
                _ => None,
            },
        }
    }

    /// Asks the process to end, by SIGTERM. `Ok` also when it has ended.
    ///
    /// # Errors
    ///
    /// When the process has taken on another user's identity.
    pub fn terminate(&self) -> Result<(), Error> {
        self.known.terminate()
    }

    /// Ends the process, by SIGKILL. `Ok` also when it has ended.
    ///
    /// # Errors
    ///
    /// When the process has taken on another user's identity.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::process::{self, JoinError};
    ///
    /// let child = process::spawn(|| -> () { loop { std::thread::park() } })?;
    /// child.kill()?;
    /// assert_eq!(child.join(), Err(JoinError::Signalled(9)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn kill(&self) -> Result<(), Error> {
        self.known.kill()
    }

    pub(super) fn known(&self) -> &Known {
        &self.known
    }

    pub(super) fn runs(&self) -> bool {
        self.end == End::Unknown && self.known.runs()
    }

    pub(super) fn outcome(&self) -> Result<Option<Outcome>, Error> {
        self.handover.as_ref().map_or(Ok(None), Handover::outcome)
    }

    /// How the process ended, if it has, without reaping it.
    pub(super) fn look(&self) -> End {
        if self.end != End::Unknown {
            return self.end;
        }
        if let (Some(zygote), Some(page)) = (self.zygote, &self.handover) {
            if self.runs() {
                return End::Unknown;
            }
            return page.wait_for_end(zygote, Deadline::Now);
        }
        match fork::waitid(self.as_fd(), false) {
            Ok(Some(status)) => End::Reaped(status),
            Ok(None) => End::Unknown,
            Err(_) if self.runs() => End::Unknown,
            Err(_) => End::Lost,
        }
    }
}

/// The pidfd: readable once the process has ended.
impl<T> AsFd for Child<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.known.as_fd()
    }
}

/// Readable: the process has ended. How a zygote's child did may be known a moment
/// later: see [`try_join`](Child::try_join).
impl<T> Ready for Child<T> {
    fn ready_fd(&self) -> Result<BorrowedFd<'_>, Error> {
        Ok(self.as_fd())
    }
}

impl<T> Source for Child<T> {
    fn bell_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }

    fn look(&self, _ask: bool) -> Result<bool, Error> {
        poll_readable(self, Some(Duration::ZERO))
    }
}

impl<T> Drop for Child<T> {
    fn drop(&mut self) {
        if self.end == End::Unknown {
            family().detach(Arc::clone(&self.known));
            reap();
        } else if let Some(page) = self.handover.take_if(|_| self.zygote.is_none()) {
            // A zygote has its children's pages too.
            family().recycle(page);
        }
    }
}

impl<T> fmt::Debug for Child<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.look() {
            End::Unknown => "running".to_owned(),
            End::Reaped(Status::Exited(code)) => format!("exited {code}"),
            End::Reaped(Status::Signalled(signal)) => format!("signalled {signal}"),
            End::Lost => "ended".to_owned(),
        };
        f.debug_struct("Child")
            .field("name", &self.known.name)
            .field("pid", &self.known.pid)
            .field("state", &format_args!("{state}"))
            .finish()
    }
}
