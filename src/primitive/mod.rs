//! Floor 1: the one door between the word machines and the machine they run on.
//!
//! Atomics, futex, the stamp that names a process, and the question whether it
//! lives. Under `cfg(loom)` the same names lead to a model of them, in which a
//! process can be made to die at its k-th shared-memory step; nothing above
//! this floor can tell the two apart.
//!
//! May import: `sys` (native only), `error`. Never: a word machine.

mod mutant;
mod stamp;

#[cfg(loom)]
mod model;
#[cfg(not(loom))]
mod native;

#[cfg(loom)]
use model as world;
#[cfg(not(loom))]
use native as world;

pub(crate) use core::sync::atomic::{Ordering, compiler_fence};
pub(crate) use mutant::Mutant;
#[cfg(not(loom))]
pub(crate) use native::{Birth, adopt, birth, namespace, of_process};
pub(crate) use stamp::{FLAGS, Stamp, pid_of};
pub(crate) use world::{
    AtomicU32, AtomicU64, Bell, Instant, Patience, SPINS, YIELDS, current, futex_wait, futex_wake,
    heavy_fence, is_alive, is_current, known, light_fence, pause, yield_now,
};
#[cfg(test)]
pub(crate) use world::{Process, Processes, Proof, pass_time};
