//! POSIX IPC primitives that survive `kill -9`.

#[cfg(not(target_os = "linux"))]
compile_error!("killproof needs Linux: pidfd, futex and memfd have no equivalent elsewhere");

#[cfg(not(loom))]
pub mod channel;
mod deadline;
mod error;
mod primitive;
#[cfg(not(loom))]
pub mod process;
mod raw;
#[cfg(not(loom))]
mod shared;
#[cfg(not(loom))]
pub mod sync;
#[cfg(not(loom))]
mod sys;

pub use error::Error;
#[cfg(not(loom))]
pub use shared::handle::Shared;
#[cfg(not(loom))]
pub use shared::message::{Decoder, Encoder, InvalidMessage, Message};
#[cfg(not(loom))]
pub use shared::plain::Plain;
#[cfg(not(loom))]
#[doc(hidden)]
pub use shared::shareable::Placement;
#[cfg(not(loom))]
pub use shared::shareable::Shareable;
