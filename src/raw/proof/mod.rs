//! Proofs of the word machines: one short file for each.
//!
//! A proof is a test that runs twice. Under `cfg(loom)` its processes are
//! modelled, every interleaving is tried and, in `for_each_death`, the victim
//! dies at its first step, at its second, and so on until it finishes first.
//! Otherwise they are threads, and the same body is a stress test.
//!
//! ```text
//! cargo test --lib raw::proof
//! RUSTFLAGS="--cfg loom" cargo test --release --lib -- --nocapture
//! ```
//!
//! `KILLPROOF_MODEL=full` tries as many preemptions as each proof allows; otherwise
//! it is two at most where a proof is bounded.
//!
//! # How to write one
//!
//! ```ignore
//! Proof::of("latch: a death leaves it shut or open").for_each_death(|processes| {
//!     let latch = Arc::new(Latch::new());
//!     processes.victim(&latch, |latch, me| latch.open(me.stamp), |_, _| ());
//!     processes.spawn(&latch, |latch, me| latch.wait(me.stamp));
//!     processes.run();
//!     processes.afterwards(&latch, |latch, me| latch.wait(me.stamp));
//! });
//! ```
//!
//! - At most four processes in an execution, `afterwards` not counted; two or
//!   three are usual. One operation each: executions grow exponentially.
//! - What is protected lies in the model's atomics, relaxed: a missing acquire
//!   then shows as a stale value, and each access is a step to die at.
//! - Where that is still too much: `preemptions(2)`, which is where most bugs are,
//!   then `with_fresh_loads_only`, then `preemptions(1)`. The output says so.
//! - What only the proof counts lies in std's atomics: no step, no interleaving.
//! - The modelled clock stands still but for `pass_time`, which wakes nobody.
//! - `explore` never fires a timeout, so a lost wake fails. `for_each_death`
//!   fires them when nobody living is awake, so what is not healed fails.
//! - On failure the steps of the failing execution are printed.

mod array;
mod barrier;
mod clock;
mod condvar;
mod event;
mod event_count;
mod fences;
#[cfg(loom)]
mod fuse;
mod guarded;
#[cfg(not(loom))]
mod model;
mod mutex;
mod once;
mod permits;
mod pipe;
#[cfg(loom)]
mod planted;
mod polled;
mod queue;
mod reentrant;
mod rwlock;
mod semaphore;
mod value;
