//! Things with a name, which unrelated processes of one user have in common.
//!
//! What is made with a name lies in a file in `/dev/shm`. [`Named`] makes it, opens it,
//! or does whichever is called for: ends of a queue or of a pipe, a
//! [`Shared`](crate::Shared), plain memory ([`Region`]).
//!
//! ```
//! use killproof::Named;
//! use killproof::channel::{Receiver, Sender};
//!
//! let name = format!("jobs-{}", std::process::id());
//! // In one program ..
//! let jobs: Sender<u64> = Named::new(&name).capacity(16).open_or_create()?;
//! jobs.send(7)?;
//! // .. and in another, whichever is started first.
//! let todo: Receiver<u64> = Named::new(&name).capacity(16).open_or_create()?;
//! assert_eq!(todo.recv()?, 7);
//! Named::new(&name).unlink()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # When a process dies
//!
//! | it is killed | then |
//! |---|---|
//! | making something with a name | nothing of it is there, or all of it |
//! | using it, the last one | it stays, with what was committed: the next to open it goes on with that, the next to create takes the name over |
//! | taking a name over, or in [`Named::prune`] | the name is free, or as it was |
//!
//! Who uses something is the kernel's to know: each user holds a lock on the file, which
//! ends with the last process that has it, a forked child too, however that ended. No
//! process id is asked about, so it holds between PID namespaces as well.
//!
//! # Whose a name is
//!
//! Names are each user's own. What has one is its maker's alone (0600, kept by the
//! kernel), unless [`mode`](Named::mode) lets others in, up to 0666: whoever is let in may
//! write anything. Who says [`owner(u)`](Named::owner), to open what the user `u` has made,
//! trusts `u` not to make the file shorter. Nothing takes a name away by itself,
//! not the end of a process, not a drop: [`Named::unlink`] does, which is its maker's to
//! call, and others' once that is dead. Until then the memory is taken; where everybody
//! who used it was killed, [`Named::prune`] gives it back.
//!
//! # Trust
//!
//! Whoever may open a file may write anything to it. So what comes out of it is copied
//! first and then looked at: a program that lies, or goes wrong, can make others get
//! errors and wrong values, and nothing worse. What would be a reference into such memory
//! is a copy here ([`recv_ref`](crate::channel::Receiver::recv_ref)), or does not compile
//! ([`Exposed`](crate::Exposed)). One thing is left to trust: a file that its owner makes
//! shorter while others have it open ends them with SIGBUS, since a file with a name
//! cannot be sealed as memory without one is.
//!
//! # What has no name
//!
//! Descriptors. So the ends of a queue or a pipe with a name are [`Ready`](crate::Ready),
//! but told of a change only at the end of a time slice, at most 100 ms late; a thread
//! that waits in `recv` or `send` is woken at once. An
//! [`Event`](crate::sync::Event), which is a descriptor to most of its users, cannot have
//! a name: a [`Flag`](crate::sync::Flag) in a `Shared` can, which is the same but for that.
// May import: `channel`, `shared`, `primitive`, `deadline`, `error`, `sys`.
// Never: `process`, `pool`.

mod builder;
mod entry;
mod file;
mod path;
mod pipe;
mod queue;
mod region;
mod shared;

pub use builder::{Nameable, Named};
pub use entry::Entry;
pub use region::Region;
