//! Queues and pipes between processes, which outlive whoever uses them.
//!
//! | when a process dies | then |
//! |---|---|
//! | sending | its message is there whole, or not at all |
//! | receiving | the message is still there, or was in its hands |
//! | with a [`Reservation`] | nothing was sent; its memory is free for others |
//! | with a [`Received`] | the message was in its hands; its memory is free for others |
//! | with a [`Task`] | the task goes to somebody else, with one more attempt |
//! | with a task at its last attempt | the task is among the [`DeadLetters`] |
//! | as the last sender | receivers get what was sent, then [`RecvError::Disconnected`] |
//! | as the last receiver | senders get [`SendError::Disconnected`] as soon as they would have to wait; until then they send to nobody |
//! | asleep | nobody notices |
//! | with an end of a [`pipe()`] or [`connection()`] | the other end gets what was sent, then `Disconnected`; a sender, once it would have to wait |
//!
//! Whoever waits for the dead goes on within about 100 ms.
//!
//! Each process's handles are counted at each side, up to 1023. Where there were
//! more, that process counts as present until it ends.
//!
//! A full queue blocks its sender. So drain the results before you `join` those
//! who send them, and do not send more jobs than fit while nobody reads results.
//!
//! # A farm of workers
//!
//! ```
//! use killproof::{channel, process};
//!
//! let (jobs, todo) = channel::queue::<u64>(64)?;
//! let (results, inbox) = channel::queue::<(u64, u64)>(64)?;
//! let mut workers = Vec::new();
//! for _ in 0..4 {
//!     // Moved into the child: from then on the ends are the child's alone.
//!     let (todo, results) = (todo.clone(), results.clone());
//!     workers.push(process::spawn(move || {
//!         // Ends with `Disconnected` when all jobs are done, also those that a
//!         // dead worker had: whoever is left is given them.
//!         while let Ok(job) = todo.lease() {
//!             results.send((job.id(), *job * *job)).unwrap();
//!             job.done();
//!         }
//!     })?);
//! }
//! // The parent's own copies would keep both queues open. Keep `todo` instead if
//! // you mean to replace workers that die: with no receiver left, jobs are gone.
//! drop((todo, results));
//! for number in 0..10 {
//!     jobs.send(number)?;
//! }
//! drop(jobs);
//!
//! // Killed between `send` and `done`, a worker leaves a result that comes again
//! // from somebody else: the same `id`.
//! let mut squares = std::collections::BTreeMap::new();
//! while let Ok((id, square)) = inbox.recv() {
//!     squares.insert(id, square);
//! }
//! assert_eq!(squares.into_values().collect::<Vec<_>>(), [0, 1, 4, 9, 16, 25, 36, 49, 64, 81]);
//! for worker in workers {
//!     worker.join()?;
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
// Here too: what `named` needs, to have queues and pipes in a region with a name.
// May import: `raw`, `ready`, `shared`, `primitive`, `deadline`, `error`. Never:
// `process`, `pool`, `sys`.

mod body;
mod builder;
mod end;
mod error;
mod iter;
mod key;
mod letters;
mod mapped;
mod named;
mod pipe;
mod plan;
mod received;
mod receiver;
mod reservation;
mod sender;
mod slots;
mod task;
#[cfg(feature = "tokio")]
mod tokio;
mod transferred;

pub use builder::{Builder, lifo, priority, queue};
pub use error::{RecvError, SendError};
pub use iter::{IntoIter, Iter, TryIter};
pub use key::Key;
pub use letters::DeadLetters;
pub use pipe::{
    Connection, Duplex, PipeBuilder, PipeReceiver, PipeSender, connection, duplex, pipe,
};
pub use received::Received;
pub use receiver::Receiver;
pub use reservation::Reservation;
pub use sender::Sender;
pub use task::Task;
