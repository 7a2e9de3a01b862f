//! Queues between processes that outlive whoever uses them.
//!
//! | when a process dies | then |
//! |---|---|
//! | sending | its message is there whole, or not at all |
//! | receiving | the message is still there, or was in its hands |
//! | with a [`Task`] | the task goes to somebody else, with one more attempt |
//! | as the last sender | receivers get what was sent, then [`RecvError::Disconnected`] |
//! | as the last receiver | senders that wait get [`SendError::Disconnected`] |
//! | asleep | nobody notices |
//!
//! Whoever waits for the dead goes on within about 100 ms.
// May import: `raw`, `shared`, `primitive`, `deadline`, `error`. Never:
// `process`, `pool`, `sys`.

mod builder;
mod end;
mod error;
mod mapped;
mod receiver;
mod sender;
mod slots;
mod task;

pub use builder::{Builder, queue};
pub use error::{RecvError, SendError};
pub use receiver::Receiver;
pub use sender::Sender;
pub use task::Task;
