//! POSIX IPC primitives that survive `kill -9`.

#[cfg(not(target_os = "linux"))]
compile_error!("killproof needs Linux: pidfd, futex and memfd have no equivalent elsewhere");

mod deadline;
mod error;
mod primitive;
mod raw;
#[cfg(not(loom))]
mod sys;

pub use error::Error;
