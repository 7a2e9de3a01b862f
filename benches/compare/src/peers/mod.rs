//! The peers, one a file.

pub mod boost;
pub mod iceoryx;
pub mod ipc;
pub mod kernel;
pub mod mq;
pub mod ours;
pub mod python;
pub mod shaq;
pub mod threads;
