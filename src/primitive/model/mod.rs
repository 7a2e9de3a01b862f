//! The model of the machine: loom's atomics, a futex, and processes that die.
//!
//! loom runs a proof once for every order in which its processes can interleave
//! and every value that a load may return. Two things are added to it here.
//!
//! - **The fuse.** A process can be doomed to die at its k-th step. Each
//!   operation on a word and each futex call is a step, and death comes before
//!   the step takes place, so k = 1, 2, 3, ... are all the instants at which a
//!   kill leaves different words behind.
//! - **The futex**, with a timeout that fires only when all living processes are
//!   asleep ([`Timeouts`]), so a run is either healed by it or was in no need.
//!
//! What the model gives and a machine might not: whoever is woken sees what its
//! waker did (Linux's wake-ups are barriers), and whoever is told of a death
//! sees what the dead process did (the kernel reports it after its end). The
//! modelled futex has no lock, so a call that finds nobody orders nothing.
//!
//! May import: loom, `error`. Never: a word machine.

mod atomic;
mod bell;
mod clock;
mod fence;
mod process;
#[cfg(test)]
mod proof;
mod sleep;
mod trace;
mod world;

pub(crate) use atomic::{AtomicU32, AtomicU64};
pub(crate) use bell::Bell;
pub(crate) use clock::Instant;
#[cfg(test)]
pub(crate) use clock::pass_time;
pub(crate) use fence::{heavy_fence, light_fence};
pub(crate) use process::{current, is_alive, is_current, known};
#[cfg(test)]
pub(crate) use proof::{Process, Processes, Proof};
pub(crate) use sleep::{
    Patience, SPINS, YIELDS, futex_wait, futex_wake, pause, pause as yield_now,
};
