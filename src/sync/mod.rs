//! Locks, semaphores and events that outlive whoever holds them.
//!
//! Each is a typed shell over a word machine; how the machine works is told
//! there, what it means for you is told here.
//!
//! | primitive | when a process dies |
//! |---|---|
//! | [`Mutex`] holding it | the next `lock` says [`Abandoned`] until somebody repairs the value |
//! | [`Mutex`] waiting for it | nobody notices |
//! | [`Semaphore`] with a [`Permit`] | the permit is free again |
//! | [`Value`], [`Array`] changing it | it has changed, whole, or not at all; readers do not notice |
//! | [`Event`] setting, clearing or waiting | it happened or it did not; nobody hangs |
//!
//! All but [`Event`] are *born unplaced*: on the stack or in a static
//! they would exclude nobody after a fork, so they refuse to work until they lie
//! in a [`Shared`](crate::Shared). [`Event`] is a handle and brings its own.
// May import: `raw`, `shared`, `primitive`, `deadline`, `error`; `sys` for the
// event's descriptor. Never: `channel`, `process`, or anything above.

mod abandoned;
mod array;
mod barrier;
mod condvar;
mod event;
mod mutex;
mod once;
mod permit;
mod semaphore;
mod value;

pub use abandoned::{Abandoned, LockError, OrRecover};
pub use array::Array;
pub use barrier::{Barrier, Broken, Party, WaitResult};
pub use condvar::{Condvar, WaitTimeoutResult};
pub use event::Event;
pub use mutex::{Mutex, MutexGuard};
pub use once::{Once, OnceLock, SetError};
pub use permit::{AcquireError, Permit, PermitId};
pub use semaphore::Semaphore;
pub use value::Value;
