//! Floor 2: the word machines.
//!
//! Each file is one machine: its states, its transitions, which ordering pairs
//! with which, and the code. A machine knows words, stamps and deadlines. It
//! knows no `T`, allocates nothing, calls no foreign function and contains no
//! `unsafe`: the promise of memory safety is made one floor up, by the guards.
//! So every machine runs under the model checker as it stands, and any
//! operation on it may end at any instruction.
//!
//! May import: `primitive`, `deadline`, `error`. Never: `sys`, `shared`, or
//! anything above.

pub(crate) mod array;
pub(crate) mod barrier;
pub(crate) mod condvar;
pub(crate) mod event;
pub(crate) mod event_count;
pub(crate) mod mutex;
pub(crate) mod once;
pub(crate) mod owner;
pub(crate) mod pipe;
pub(crate) mod polled;
pub(crate) mod queue;
pub(crate) mod reentrant;
pub(crate) mod refused;
pub(crate) mod rwlock;
pub(crate) mod semaphore;
mod spin;
pub(crate) mod value;

#[cfg(test)]
mod proof;

pub(crate) use array::Array;
pub(crate) use barrier::Barrier;
pub(crate) use condvar::Condvar;
pub(crate) use event::{Event, Tokens};
pub(crate) use event_count::EventCount;
pub(crate) use mutex::Mutex;
pub(crate) use once::Once;
pub(crate) use pipe::Pipe;
pub(crate) use polled::Polled;
pub(crate) use queue::Queue;
pub(crate) use reentrant::ReentrantMutex;
pub(crate) use refused::Refused;
pub(crate) use rwlock::RwLock;
pub(crate) use semaphore::Semaphore;
pub(crate) use value::Value;
