//! The descriptor of one handle in one process: a bell, and a timer for when
//! nobody is left to ring it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::deadline::{Deadline, Slices};
use crate::error::Error;
use crate::primitive::Stamp;
use crate::sys::epoll;

/// An epoll that is readable when its bell is, if it has one, or its slice is over.
///
/// The timer runs from each look that found nothing to the next; once over, it
/// stays so until then. So a bell that somebody dead should have rung, or should
/// not have silenced, is missed for one slice at most.
#[derive(Debug)]
pub(crate) struct Watch {
    both: OwnedFd,
    timer: OwnedFd,
    slices: Mutex<Slices>,
}

impl Watch {
    /// Begins its first slice.
    pub(crate) fn new(bell: Option<BorrowedFd<'_>>) -> Result<Watch, Error> {
        let timer = epoll::timer()?;
        let both = epoll::any(bell.into_iter().chain([timer.as_fd()]))?;
        let watch = Watch { both, timer, slices: Mutex::new(Slices::new()) };
        watch.begin_slice();
        Ok(watch)
    }

    /// Nothing was found: longer than the last slice if that was slept through.
    pub(crate) fn begin_slice(&self) {
        let mut slices = self.slices.lock().unwrap_or_else(PoisonError::into_inner);
        if !slices.is_over(false) {
            *slices = Slices::new();
        }
        epoll::set_timer(self.timer.as_fd(), slices.next(Deadline::Never));
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.both.as_fd()
    }
}

/// The watches of a handle: one for each process that asked for it, in the order
/// of their births. What a child inherits is its parent's to arm, and not its own:
/// the two would share one timer.
#[derive(Debug)]
pub(crate) struct Watches(OnceLock<Box<Link>>);

#[derive(Debug)]
struct Link {
    owner: Stamp,
    watch: Watch,
    next: Watches,
}

impl Watches {
    pub(crate) const fn new() -> Watches {
        Watches(OnceLock::new())
    }

    /// Nothing was found: if this process has a watch, it begins a slice, and `arm`
    /// has the bell ring.
    pub(crate) fn begin_slice(&self, me: Stamp, arm: impl FnOnce()) {
        if let Some(watch) = self.of(me) {
            watch.begin_slice();
            arm();
        }
    }

    /// The descriptor of this process's watch; where there is none yet, it is made and
    /// `arm` has the bell ring.
    pub(crate) fn fd(
        &self,
        me: Stamp,
        bell: Option<BorrowedFd<'_>>,
        arm: impl FnOnce(),
    ) -> Result<BorrowedFd<'_>, Error> {
        if let Some(watch) = self.of(me) {
            return Ok(watch.as_fd());
        }
        let watch = self.get(me, bell)?;
        arm();
        Ok(watch.as_fd())
    }

    /// The watch of this process, if it has asked for one.
    fn of(&self, me: Stamp) -> Option<&Watch> {
        let mut watches = self;
        loop {
            let link = watches.0.get()?;
            if link.owner == me {
                return Some(&link.watch);
            }
            watches = &link.next;
        }
    }

    /// The watch of this process, made if there is none.
    fn get(&self, me: Stamp, bell: Option<BorrowedFd<'_>>) -> Result<&Watch, Error> {
        let mut watches = self;
        loop {
            match watches.0.get() {
                Some(link) if link.owner == me => return Ok(&link.watch),
                Some(link) => watches = &link.next,
                None => {
                    let watch = Watch::new(bell)?;
                    let link = Link { owner: me, watch, next: Watches::new() };
                    // Where another thread was faster, its watch is as good.
                    let _ = watches.0.set(Box::new(link));
                }
            }
        }
    }
}
