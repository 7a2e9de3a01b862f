//! POSIX IPC primitives that survive `kill -9`.

// Under the model nothing above `raw` is there to use what is below.
#![cfg_attr(loom, allow(dead_code, unused_imports))]

#[cfg(not(target_os = "linux"))]
compile_error!("killproof needs Linux: pidfd, futex and memfd have no equivalent elsewhere");

mod deadline;
mod error;
mod primitive;
mod raw;
#[cfg(not(loom))]
mod sys;

pub use error::Error;
