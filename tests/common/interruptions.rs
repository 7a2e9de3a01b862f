//! A timer that interrupts every sleep of a process.
#![allow(unsafe_code)]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

use super::child::until;
use super::mapped::Mapped;

static COUNT: OnceLock<Mapped<AtomicU32>> = OnceLock::new();

extern "C" fn interrupt(_: i32) {
    if let Some(count) = COUNT.get() {
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// How many there were, in this process and in its relatives: from the first call on,
/// all that are forked count together.
pub fn count() -> u32 {
    COUNT.get_or_init(|| Mapped::new(AtomicU32::new(0))).load(Ordering::Relaxed)
}

/// Waits until those who sleep have been interrupted so many times more.
pub fn await_more(times: u32, limit: Duration) -> Result<(), String> {
    let enough = count() + times;
    let in_time = until(Instant::now() + limit, || count() >= enough);
    in_time.then_some(()).ok_or_else(|| "nobody is interrupted".into())
}

/// Starts a timer that interrupts every sleep of this process from now on.
pub fn start(each: Duration) {
    count();
    let handler = SigHandler::Handler(interrupt);
    let action = SigAction::new(handler, SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler adds to an atomic and does nothing else.
    unsafe { sigaction(Signal::SIGALRM, &action) }.unwrap();
    let each = libc::timeval { tv_sec: 0, tv_usec: each.subsec_micros().into() };
    let timer = libc::itimerval { it_interval: each, it_value: each };
    // SAFETY: the timer is a local, and no earlier one is asked for.
    let set = unsafe { libc::setitimer(libc::ITIMER_REAL, &timer, std::ptr::null_mut()) };
    assert_eq!(set, 0);
}
