//! Processes that run a closure, and what became of them.
//!
//! [`spawn`] runs a closure in a process of its own, as `std::thread::spawn`
//! runs one in a thread, and [`Child`] stands for that process: its value or
//! its panic message comes back, and however it ends, whoever joins it is told. A
//! [`Builder`] says what it is to be; a [`Zygote`] spawns for programs with threads;
//! other programs are started by std's `Command`, and share handles by
//! [`CommandExt`].
// May import: `ready`, `shared`, `primitive`, `sys`, `deadline`, `error`. Never:
// `channel`, whose messages a process knows nothing about.

mod builder;
mod child;
mod children;
mod command;
mod current;
mod error;
mod family;
mod fork;
mod forker;
mod handover;
mod join;
mod known;
mod life;
#[cfg(feature = "log")]
mod log;
mod nursery;
mod record;
mod recorder;
mod spawn;
mod stdio;
mod zygote;

pub use builder::Builder;
pub use child::Child;
pub use children::{ActiveChild, active_children, join_all, terminate_all, wait_any};
pub use command::{CommandExt, inherited};
pub use current::{Current, current};
pub use error::{JoinError, SpawnError};
pub use fork::{Fork, fork};
pub(crate) use forker::forker;
#[cfg(feature = "log")]
pub use log::log_to_stderr;
pub(crate) use recorder::{describe, record_panics};
pub use spawn::{spawn, spawn_unchecked};
pub use stdio::Stdio;
pub use zygote::Zygote;
