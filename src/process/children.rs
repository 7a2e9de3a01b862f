//! Several children at once: who there is, who ends first, and the end of all.

use core::time::Duration;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use super::child::Child;
use super::error::JoinError;
use super::family::{family, reap};
use super::known::{self, Known};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::shared::message::Message;
use crate::sys::fd::poll_any;

/// A child of this process that had not ended when
/// [`active_children`] looked: all that is known of it but its value, for which
/// its [`Child`] is asked.
///
/// It says the same process for ever, whatever becomes of the number.
///
/// # Examples
///
/// See [`active_children`].
#[derive(Clone, Debug)]
pub struct ActiveChild(Arc<Known>);

/// The children that this process spawned and that have not ended, the oldest
/// first, also those whose [`Child`] was dropped. A [`Zygote`](super::Zygote)'s children
/// are among them, and it is not: they would end with it. For the same reason the
/// [`Pool`](crate::pool::Pool)s of this process are not.
///
/// # Examples
///
/// ```
/// use killproof::process::{Builder, active_children};
///
/// let wait = || -> () { loop { std::thread::park() } };
/// drop(Builder::new().name("forgotten").spawn(wait)?);
/// for child in active_children() {
///     println!("{} ({}) will be ended", child.name(), child.pid());
///     child.kill()?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn active_children() -> Vec<ActiveChild> {
    reap();
    family().active().into_iter().map(ActiveChild).collect()
}

impl ActiveChild {
    /// The process id. Another process may have it once this one was reaped.
    pub fn pid(&self) -> u32 {
        self.0.pid
    }

    /// As [`Child::name`].
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether the process has not ended. A stopped process is alive.
    ///
    /// # Examples
    ///
    /// See [`terminate`](ActiveChild::terminate).
    pub fn is_alive(&self) -> bool {
        self.0.runs()
    }

    /// Asks the process to end, by SIGTERM. `Ok` also when it has ended.
    ///
    /// # Errors
    ///
    /// As [`Child::terminate`].
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::process::{JoinError, active_children, spawn};
    ///
    /// let child = spawn(|| -> () { loop { std::thread::park() } })?;
    /// let active = active_children();
    /// assert_eq!((active[0].pid(), active[0].is_alive()), (child.pid(), true));
    /// active[0].terminate()?;
    /// assert_eq!(child.join(), Err(JoinError::Signalled(15)));
    /// assert!(!active[0].is_alive());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn terminate(&self) -> Result<(), Error> {
        self.0.terminate()
    }

    /// Ends the process, by SIGKILL. `Ok` also when it has ended.
    ///
    /// # Errors
    ///
    /// As [`Child::kill`].
    pub fn kill(&self) -> Result<(), Error> {
        self.0.kill()
    }
}

/// The pidfd: readable once the process has ended.
impl AsFd for ActiveChild {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Waits for all of them, and gives for each what its [`join`](Child::join) would,
/// in their order. One that failed keeps nobody from being waited for.
///
/// # Errors
///
/// Each of the results is that of [`Child::join`].
///
/// # Examples
///
/// ```
/// use killproof::process;
///
/// let squares = (1..=3_u32).map(|n| process::spawn(move || n * n));
/// let squares = process::join_all(squares.collect::<Result<Vec<_>, _>>()?);
/// assert_eq!(squares, [Ok(1), Ok(4), Ok(9)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn join_all<T: Message>(
    children: impl IntoIterator<Item = Child<T>>,
) -> Vec<Result<T, JoinError>> {
    children.into_iter().map(Child::join).collect()
}

/// Waits until one of the children has ended, at most `timeout`, and gives its
/// index; that of the first, if several have. `None` when the time is up, and when
/// there are no children. Without a timeout it waits for as long as it takes.
///
/// The children may be [`Child`]ren, [`ActiveChild`]ren, references to them, or
/// of different types as `&dyn AsFd`.
///
/// # Errors
///
/// When the system refuses.
///
/// # Examples
///
/// ```
/// use killproof::process;
///
/// let slow = process::spawn(|| -> () { loop { std::thread::park() } })?;
/// let quick = process::spawn(|| ())?;
/// let children = [slow, quick];
/// assert_eq!(process::wait_any(&children, None)?, Some(1));
/// children[0].kill()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn wait_any<C: AsFd>(
    children: &[C],
    timeout: Option<Duration>,
) -> Result<Option<usize>, Error> {
    let deadline = timeout.map_or(Deadline::Never, Deadline::after);
    if children.is_empty() {
        return Ok(None);
    }
    loop {
        let ended = poll_any(children, deadline.remaining())?;
        if ended.is_some() || deadline.has_passed() {
            return Ok(ended);
        }
    }
}

/// Ends all of them: asks each to end (SIGTERM), gives them `grace` together,
/// and kills who is left (SIGKILL). Gives how many that were.
///
/// When it returns, all have ended. It waits as long as the kernel takes for that,
/// which is for ever only where a process never comes out of an uninterruptible
/// sleep. Join them as ever for how they ended; this does not.
///
/// # Errors
///
/// When a child has taken on another user's identity, or the system refuses. The
/// others were asked and killed all the same.
///
/// # Examples
///
/// At Ctrl-C, say, whatever the children are:
///
/// ```
/// use killproof::process::{self, active_children, terminate_all};
/// use std::time::Duration;
///
/// for _ in 0..3 {
///     drop(process::spawn(|| -> () { loop { std::thread::park() } })?);
/// }
/// let killed = terminate_all(&active_children(), Duration::from_secs(5))?;
/// assert_eq!(killed, 0);
/// assert!(active_children().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn terminate_all<C: AsFd>(children: &[C], grace: Duration) -> Result<usize, Error> {
    let deadline = Deadline::after(grace);
    let mut left: Vec<BorrowedFd<'_>> = children.iter().map(AsFd::as_fd).collect();
    let asked = each(&left, known::terminate);
    wait_for_all(&mut left, deadline)?;
    let killed = left.len();
    each(&left, known::kill)?;
    wait_for_all(&mut left, Deadline::Never)?;
    asked.map(|()| killed)
}

/// Does it to each of them; the first error, if there was one.
fn each(
    pidfds: &[BorrowedFd<'_>],
    act: fn(BorrowedFd<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    pidfds.iter().map(|pidfd| act(*pidfd)).fold(Ok(()), Result::and)
}

/// Waits for their ends; afterwards `left` are those that run at the deadline.
fn wait_for_all(left: &mut Vec<BorrowedFd<'_>>, deadline: Deadline) -> Result<(), Error> {
    while !left.is_empty() {
        match poll_any(left, deadline.remaining())? {
            Some(ended) => drop(left.swap_remove(ended)),
            None if deadline.has_passed() => break,
            None => {}
        }
    }
    Ok(())
}
