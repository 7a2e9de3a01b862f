//! `Event`: `raw::Event` with an eventfd beside it.
#![allow(unsafe_code)]

use core::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use crate::deadline::Deadline;
use crate::error::Error;
use crate::raw;
use crate::ready::{Ready, Source};
#[cfg(feature = "tokio")]
use crate::ready::{Wakes, Watch};
use crate::shared::handle::Shared;
use crate::shared::shareable::Shareable;
use crate::shared::transferable::sealed::Sealed;
use crate::shared::transferable::{Transfer, exactly};
use crate::sys;

// SAFETY: `repr(transparent)` over one atomic word; nothing to place.
unsafe impl Shareable for raw::Event {}

/// A flag that processes set, clear and wait for.
///
/// A handle: clone it, and let children inherit it. The flag lies in shared
/// memory, and beside it there is an eventfd, for poll, epoll and the like.
///
/// Between programs that have nothing in common but a [name](crate::named), where there are
/// no descriptors, a [`Flag`](super::Flag) in a [`Shared`] is what an event is here.
///
/// # Descriptor
///
/// The eventfd ([`as_fd`](Event::as_fd)) is readable while the flag is set. Do not
/// read from it: `clear` does. While somebody is inside `set` or `clear`, or after
/// it was killed there, it may be readable although the flag is not set; ask
/// [`is_set`](Event::is_set), and `clear` if it is not.
///
/// Edge-triggered, each `set` of a clear flag is an edge *after* the flag. One that
/// is killed between the two leaves the edge out, and nobody makes up for it: where
/// that matters, poll level-triggered, with a timeout, or by
/// [`select`](crate::select()).
///
/// # When the owner dies
///
/// Nobody owns an event. A process killed inside [`set`](Event::set) has set it
/// or has not; if it has, whoever waits goes on within about 100 ms, and whoever
/// polls level-triggered at once. Whoever is killed or stopped inside `set` or `clear`, the
/// descriptor is readable at every instant at which the flag is set. Killed
/// waiters hold nobody up: `set` never waits for them. So an event also works
/// between PID namespaces, as nothing else here does.
///
/// # Examples
///
/// ```
/// use killproof::sync::Event;
/// use std::time::Duration;
///
/// let green = Event::new()?;
/// assert!(!green.wait_timeout(Duration::from_millis(1)));
/// green.set();
/// green.wait();
/// green.clear();
/// assert!(!green.is_set());
/// # Ok::<(), killproof::Error>(())
/// ```
#[derive(Clone)]
pub struct Event {
    flag: Shared<raw::Event>,
    fd: Arc<OwnedFd>,
}

impl Event {
    /// An event that is not set.
    ///
    /// # Errors
    ///
    /// When the kernel gives no memory or descriptor, or as
    /// [`Shared::new`](crate::Shared::new).
    pub fn new() -> Result<Event, Error> {
        let fd = Arc::new(sys::fd::eventfd(sys::fd::Takes::OneToken)?);
        Ok(Event { flag: Shared::new(raw::Event::new())?, fd })
    }

    /// Sets the flag and releases everybody who waits.
    ///
    /// Async-signal-safe: it may be called from a signal handler, and it never
    /// waits for a waiter. Waiters are released even if
    /// [`clear`](Event::clear) follows at once.
    pub fn set(&self) {
        self.flag.set(&Fd(self.fd.as_fd()));
    }

    /// Clears the flag.
    pub fn clear(&self) {
        self.flag.clear(&Fd(self.fd.as_fd()));
    }

    /// Whether the flag is set.
    #[inline]
    pub fn is_set(&self) -> bool {
        self.flag.is_set()
    }

    /// Waits until the flag is set, or was set since the call began.
    pub fn wait(&self) {
        self.flag.wait(Deadline::Never);
    }

    /// Waits as [`wait`](Event::wait) does, at most for `timeout`; false when
    /// the time was up first.
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        self.flag.wait(Deadline::after(timeout))
    }
}

/// The eventfd, whose counter is what there is of tokens.
struct Fd<'a>(BorrowedFd<'a>);

impl raw::Tokens for Fd<'_> {
    fn put(&self, count: u64) {
        sys::fd::eventfd_put(self.0, count);
    }

    fn take(&self) {
        sys::fd::eventfd_take(self.0);
    }

    fn is_any_left(&self) -> bool {
        // In doubt nothing is taken, which does no harm.
        sys::fd::poll_readable(self.0, Some(Duration::ZERO)).unwrap_or(false)
    }
}

impl AsFd for Event {
    /// The eventfd: readable while the flag is set.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Ready for Event {
    fn ready_fd(&self) -> Result<BorrowedFd<'_>, Error> {
        Ok(self.as_fd())
    }
}

impl Source for Event {
    /// Whoever is inside `set` has put its token before the flag, and whoever died
    /// there may have left it for good. It is not taken away here: by a process that
    /// died over that, others would miss a `set`.
    fn bell_fd(&self) -> Option<BorrowedFd<'_>> {
        let is_readable = sys::fd::poll_readable(&self.fd, Some(Duration::ZERO));
        (self.is_set() || is_readable == Ok(false)).then(|| self.as_fd())
    }

    fn look(&self, _ask: bool) -> Result<bool, Error> {
        Ok(self.is_set())
    }
}

#[cfg(feature = "tokio")]
impl Event {
    /// Waits until the flag is set, or was set since this was first polled;
    /// [`wait`](Event::wait) for tokio. With the feature `tokio`.
    ///
    /// Cancel-safe. One who sets and at once clears is noticed within about 100 ms.
    ///
    /// # Errors
    ///
    /// When the process may have no more descriptors; three are needed for as long
    /// as it waits.
    ///
    /// # Panics
    ///
    /// Where it must wait outside a tokio runtime with I/O. A forked child has none
    /// until it builds its own.
    ///
    /// # Examples
    ///
    /// ```
    /// let stop = killproof::sync::Event::new()?;
    /// let its_stop = stop.clone();
    /// let child = killproof::process::spawn(move || its_stop.set())?;
    /// let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    /// runtime.block_on(stop.wait_async())?;
    /// child.join()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn wait_async(&self) -> Result<(), Error> {
        let start = self.flag.moment();
        if self.is_set() {
            return Ok(());
        }
        let watch = Watch::new(Some(self.as_fd()))?;
        let wakes = Wakes::of(watch.as_fd())?;
        while !self.flag.is_set_since(start) {
            wakes.next().await?;
            watch.begin_slice();
        }
        Ok(())
    }
}

impl Sealed for Event {}

impl Transfer for Event {
    const DESCRIPTORS: usize = <Shared<raw::Event>>::DESCRIPTORS + 1;

    fn check(&self) -> Result<(), Error> {
        self.flag.check()
    }

    unsafe fn with_descriptors<R>(&self, send: impl FnOnce(&[BorrowedFd<'_>]) -> R) -> R {
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { self.flag.with_descriptors(|flag| send(&[flag[0], self.fd.as_fd()])) }
    }

    unsafe fn from_descriptors(descriptors: Vec<OwnedFd>) -> Result<Self, Error> {
        let [flag, fd] = exactly(descriptors)?;
        // SAFETY: the caller keeps the contract, which is the same.
        let flag = unsafe { Shared::open(flag) }?;
        Ok(Event { flag, fd: Arc::new(fd) })
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("is_set", &self.is_set()).finish_non_exhaustive()
    }
}
