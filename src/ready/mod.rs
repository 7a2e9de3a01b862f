//! Floor 2, beside `shared`: descriptors that tell when something is there, and
//! one wait for several things.
//!
//! Paid for only by who asks: without a poller no notifier calls the kernel, and
//! a handle has no descriptors of its own.
//!
//! May import: `primitive`, `sys`, `deadline`, `error`. Never: a word machine, or
//! anything above.

mod select;
mod source;
#[cfg(feature = "tokio")]
mod tokio;
mod watch;

pub use select::select;
pub use source::Ready;
pub(crate) use source::Source;
#[cfg(feature = "tokio")]
pub(crate) use tokio::{Wakes, is_in_runtime};
#[cfg(feature = "tokio")]
pub(crate) use watch::Watch;
pub(crate) use watch::Watches;
