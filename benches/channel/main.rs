//! The queue and the pipe against what the kernel has, against rings between threads, and
//! against nothing but the cache lines that a message takes.
//!
//! ```text
//! cargo bench --bench channel [-- PART-OF-A-NAME ..]
//! ```
//!
//! One message a call. Every value is checked: whole, in its sender's order,
//! and at the end none lost and none twice.

#[path = "../common/mod.rs"]
mod common;
mod pipe;
mod queue;

fn main() {
    common::compare::header("channel");
    queue::rows();
    pipe::rows();
}
