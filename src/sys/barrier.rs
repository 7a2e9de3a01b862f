//! membarrier(2): memory barriers in what other processes are executing.

use rustix::io::Errno;
use rustix::thread::{MembarrierCommand, membarrier};

/// From now on this process's threads take part when anybody calls [`everywhere`].
pub(crate) fn register() -> Result<(), Errno> {
    membarrier(MembarrierCommand::RegisterGlobalExpedited)
}

/// A full barrier in every running thread of every registered process, at some
/// point of what it executes during this call, and in this thread.
pub(crate) fn everywhere() -> Result<(), Errno> {
    membarrier(MembarrierCommand::GlobalExpedited)
}
