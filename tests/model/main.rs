//! Every type against a simple model of it, through the public interface.
//!
//! ```text
//! cargo test --test model
//! ```

mod barrier;
mod borrowed;
mod composed;
mod condvar;
mod connection;
mod event;
mod mutex;
#[path = "../common/name.rs"]
#[allow(dead_code)] // It uses a part of it.
mod name;
mod named;
mod once;
mod pipe;
mod queue;
mod queue_model;
mod ranked;
mod reentrant;
mod rwlock;
mod rwlock_model;
mod semaphore;
mod values;
mod wakes;
