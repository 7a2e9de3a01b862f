//! Workers that tasks are given to, and that may be killed.
//!
//! A [`Pool`] runs a function in worker processes. A worker that is killed fails
//! the one task that it had in its hands, and is replaced; nothing else is lost,
//! and nobody waits for it. [`Pool::threads`] has the same face over threads, for tasks
//! that mostly wait.
//!
//! # Who is who
//!
//! | process | does |
//! |---|---|
//! | this one | gives tasks out and takes results in, inside its own calls: no thread |
//! | the keeper | has a copy of the function; forks the workers, learns how each ends, replaces it |
//! | a worker | takes a task from its own ring, runs it, puts the result into its own ring |
//!
//! Each worker has a ring of tasks and one of results to itself, so one that is
//! stopped stops nobody. A task is leased, and its result is sent before the lease
//! ends. So when a worker is dead, the words say what became of its task: there is
//! a result, or the lease is a dead letter, which the keeper takes out and reports
//! with the signal, before it forks the next worker at that ring. Nobody ever
//! guesses, and no task runs twice that was not to.
//!
//! | when it is killed | then |
//! |---|---|
//! | a worker at a task | that task is [`TaskError::Signalled`], or tried again with [`retries`](Builder::retries) |
//! | an idle worker | nobody notices |
//! | the keeper | its workers end with it; every task that is not finished is [`TaskError::Keeper`] |
//! | this process | keeper and workers end with it |
//!
//! # Signals
//!
//! No signal gets to the keeper but SIGKILL and SIGSTOP, not even one to its whole group,
//! as at Ctrl-C; and it is none of the
//! [`active_children`](crate::process::active_children), so to end all of these ends no
//! pool. Workers hear the signals that the thread heard which made the pool, with the
//! handlers that there were. One without a handler for SIGINT ends at Ctrl-C, as Python's
//! do: the task in its hands is [`TaskError::Signalled`], and another worker comes. Where
//! the owner is to decide, and tasks that run may be finished, the
//! [`initializer`](Builder::initializer) ignores SIGINT. No wait is cut short by a
//! handler: the cookbook shows, at "Stop at Ctrl-C", how to look for what it said.
//!
//! # Progress
//!
//! There is no thread here that would hand out tasks while this process does
//! something else. Up to [`depth`](Builder::depth) tasks lie at each worker, and it
//! goes on with them by itself; the rest follow inside whatever call is made next.
//! While somebody waits, results are taken in for all threads: one of those who
//! wait does it, and the others are told.
// May import: `channel`, `process`, `sync`, `raw`, `ready`, `shared`, `primitive`,
// `deadline`, `error`, `sys`. Never: nothing is above.

mod board;
mod body;
mod book;
mod builder;
mod call;
mod crew;
mod desk;
mod error;
mod exchange;
mod feed;
mod function;
mod handle;
mod keeper;
mod map;
mod report;
mod result;
mod threads;
mod worker;

pub use builder::Builder;
pub use error::{PoolError, TaskError};
pub use handle::Pool;
pub use map::{Imap, ImapUnordered, MapResult};
pub use result::AsyncResult;
