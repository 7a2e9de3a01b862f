//! epoll(7) and timerfd(2), for one descriptor that stands for several.

use core::time::Duration;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use super::errno::Named;
use super::fd::beyond_stdio;
use crate::error::Error;

/// A descriptor that is readable while one of these is.
pub(crate) fn any<'a>(
    descriptors: impl IntoIterator<Item = BorrowedFd<'a>>,
) -> Result<OwnedFd, Error> {
    let any = beyond_stdio(epoll::create(CreateFlags::CLOEXEC).named("epoll_create1")?)?;
    for fd in descriptors {
        epoll::add(&any, fd, EventData::new_u64(0), EventFlags::IN).named("epoll_ctl")?;
    }
    Ok(any)
}

/// A timer on the monotonic clock that does not run yet.
pub(crate) fn timer() -> Result<OwnedFd, Error> {
    let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
    beyond_stdio(timerfd_create(TimerfdClockId::Monotonic, flags).named("timerfd_create")?)
}

/// Makes the timer unreadable until so much time has passed.
pub(crate) fn set_timer(timer: BorrowedFd<'_>, after: Duration) {
    const NEVER_AGAIN: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
    let value = Timespec {
        tv_sec: after.as_secs().try_into().unwrap_or(i64::MAX),
        // Zero would stop it.
        tv_nsec: after.subsec_nanos().max(1).into(),
    };
    let once = Itimerspec { it_interval: NEVER_AGAIN, it_value: value };
    let set = timerfd_settime(timer, TimerfdTimerFlags::empty(), &once);
    debug_assert!(set.is_ok(), "timerfd_settime: {set:?}");
}
