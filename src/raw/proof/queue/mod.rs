//! Proofs of the queue: one file for each of its parts.
//!
//! - `words`: the memory of a queue in vectors;
//! - `post`: what the floor above does between a claim and its commit;
//! - `ledger`: what was sent, received and finished, and whether it adds up;
//! - the other files: the proofs.

mod block;
mod join;
#[cfg(loom)]
mod last_lease;
mod lease;
mod lease_death;
mod ledger;
mod letter;
mod over;
mod peers;
#[cfg(loom)]
mod planted;
mod poll;
mod post;
mod rank;
mod recall;
mod ring;
mod ring_death;
mod to_come;
#[cfg(not(loom))]
mod twice;
mod wait;
mod words;
