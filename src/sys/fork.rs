//! fork(2) and what a parent and a child need around it.

/// This process's id.
pub(crate) fn getpid() -> u32 {
    std::process::id()
}
