//! Floor 0: the outside world.
//!
//! The only place that names libc, nix, rustix and memmap2. Each function is
//! one system call, or the shortest sequence that has a meaning of its own,
//! and turns errno into a `Result` once. No policy lives here: nothing retries
//! for a reason of its own, decides who is dead, or knows what a lock is.
//!
//! May import: `error`. Never: any other floor.

pub(crate) mod barrier;
pub(crate) mod epoll;
pub(crate) mod errno;
pub(crate) mod fd;
pub(crate) mod fork;
pub(crate) mod futex;
pub(crate) mod lifeline;
pub(crate) mod lock;
pub(crate) mod map;
pub(crate) mod pidfd;
pub(crate) mod shm;
pub(crate) mod socket;
pub(crate) mod stat;
pub(crate) mod streams;
pub(crate) mod words;
