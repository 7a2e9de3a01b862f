//! Locks, semaphores, events, condition variables and barriers that outlive whoever
//! holds them.
//!
//! Each is a typed shell over a word machine; how the machine works is told
//! there, what it means for you is told here.
//!
//! | primitive | when a process dies |
//! |---|---|
//! | [`Mutex`] holding it | the next `lock` says [`Abandoned`] until somebody repairs the value |
//! | [`Mutex`] waiting for it | nobody notices |
//! | [`RwLock`] writing | the next `read` or `write` says [`Abandoned`], with the lock for itself, until somebody repairs the value |
//! | [`RwLock`] reading, or waiting for it | nobody notices |
//! | [`ReentrantMutex`] holding it, however often | as with [`Mutex`] |
//! | [`Semaphore`] with a [`Permit`] | the permit is free again |
//! | [`Value`], [`Array`] changing it | it has changed, whole, or not at all; readers do not notice |
//! | [`Event`], [`Flag`] setting, clearing or waiting | it happened or it did not; nobody hangs |
//! | [`Condvar`] notified, not yet awake | another waiter is notified in its place |
//! | [`Condvar`] notifying all | all are notified or nobody is |
//! | [`Barrier`] as a [`Party`], outside or inside | every survivor has [`Broken`] until its place is taken |
//! | [`Once`], [`OnceLock`] initialising | another does it, from the start |
//!
//! All but [`Event`], which is a handle and brings its own memory, are *born
//! unplaced*: on the stack or in a static they would mean nothing to anybody after a
//! fork, so they refuse to work until they lie in a [`Shared`](crate::Shared).
// May import: `raw`, `ready`, `shared`, `primitive`, `deadline`, `error`; `sys` for
// the event's descriptor. Never: `channel`, `process`, or anything above.

mod abandoned;
mod array;
mod barrier;
mod condvar;
mod event;
mod flag;
mod holder;
mod mutex;
mod once;
mod permit;
mod reentrant;
mod rwlock;
mod semaphore;
mod value;

pub use abandoned::{Abandoned, Guard, LockError, OrRecover};
pub use array::Array;
pub use barrier::{Barrier, BarrierWaitResult, Broken, Party};
pub use condvar::{Condvar, WaitTimeoutResult};
pub use event::Event;
pub use flag::Flag;
pub use mutex::{Mutex, MutexGuard};
pub use once::{Once, OnceLock, SetError};
pub use permit::{AcquireError, Permit, PermitId};
pub use reentrant::{ReentrantMutex, ReentrantMutexGuard};
pub use rwlock::{RwLock, RwLockReadGuard, RwLockWriteGuard};
pub use semaphore::Semaphore;
pub use value::Value;
