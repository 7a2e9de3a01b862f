//! Floor 2: the word machines.
//!
//! Each file is one machine: its states, its transitions, which ordering pairs
//! with which, and the code. A machine knows words, stamps and deadlines. It
//! knows no `T`, allocates nothing, calls no foreign function and contains no
//! `unsafe`: the promise of memory safety is made one floor up, by the guards.
//! So every machine runs under the model checker as it stands, and any
//! operation on it may end at any instruction.
//!
//! Whatever a machine reads, somebody may have written who keeps to no rule. It goes on
//! with what could be there; else it says that it cannot (`Stop::Corrupt`), or takes what
//! names nobody for the dead's. No index, length or number of steps comes from the memory
//! unchecked, sums of what comes from there wrap around, and no loop that nobody else
//! keeps going has no end.
//!
//! May import: `primitive`, `deadline`, `error`. Never: `sys`, `shared`, or
//! anything above.

pub(crate) mod array;
pub(crate) mod barrier;
pub(crate) mod clock;
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
pub(crate) use clock::Clock;
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
