//! The real machine: std's atomics, the kernel's futex, this process's stamp.

mod bell;
mod current;
mod fence;
#[cfg(test)]
mod litmus;
mod liveness;
mod patience;
#[cfg(test)]
mod proof;
mod sleep;

pub(crate) use bell::Bell;
pub(crate) use core::sync::atomic::{AtomicU32, AtomicU64};
pub(crate) use current::{adopt, birth, current, is_current, known, namespace, of_process};
pub(crate) use fence::{heavy_fence, light_fence};
pub(crate) use liveness::{Birth, is_alive};
pub(crate) use patience::Patience;
#[cfg(test)]
pub(crate) use proof::{Process, Processes, Proof, pass_time};
pub(crate) use sleep::{SPINS, YIELDS, futex_wait, futex_wake, pause, yield_now};
pub(crate) use std::time::Instant;
