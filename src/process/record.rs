//! What is said of the lives of processes, for a log: nothing without the feature.

use super::child::End;
use super::known::Known;
use crate::sys::fork::{Status, signal_name};

/// One record, or nothing that costs anything.
macro_rules! say {
    ($level:ident, $($words:tt)*) => {{
        #[cfg(feature = "log")]
        super::log::say(::log::Level::$level, format_args!($($words)*));
        #[cfg(not(feature = "log"))]
        let _ = format_args!($($words)*);
    }};
}

/// A child has begun.
pub(super) fn started(child: &Known) {
    say!(Info, "{} started, pid {}", child.name, child.pid);
}

/// This child's closure is about to be called.
pub(super) fn running() {
    say!(Info, "child process running");
}

/// This child is about to end.
pub(super) fn exiting(code: i32) {
    say!(Info, "process exiting with exitcode {code}");
}

/// A child has ended, and was reaped.
pub(super) fn ended(child: &Known, end: End) {
    let (name, pid) = (&child.name, child.pid);
    match end {
        End::Reaped(Status::Exited(0)) => say!(Info, "{name}, pid {pid}, exited with code 0"),
        End::Reaped(Status::Exited(code)) => {
            say!(Warn, "{name}, pid {pid}, exited with code {code}");
        }
        End::Reaped(Status::Signalled(signal)) => {
            let called = signal_name(signal).unwrap_or("no name");
            say!(Warn, "{name}, pid {pid}, was killed by signal {signal} ({called})");
        }
        End::Lost => say!(Warn, "{name}, pid {pid}, ended, and somebody else was told how"),
        End::Unknown => {}
    }
}

/// In a forked child: what it is called, and whether no other thread of its parent
/// can have been in the middle of a logger.
pub(super) fn begin(name: &str, is_alone: bool) {
    #[cfg(feature = "log")]
    super::log::begin(name, is_alone);
    #[cfg(not(feature = "log"))]
    let _ = (name, is_alone);
}
