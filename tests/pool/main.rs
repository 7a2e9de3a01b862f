//! Pools: what comes back from them, and what is left when processes are killed.
//!
//! `cargo test --test pool`; `KILLPROOF_STRESS_SECONDS` says for how long the cases
//! with random kills run (1 if it does not), and has the one that counts every task do
//! so with a hundred thousand; `KILLPROOF_CHAOS_ROUNDS`, how often that one does.

#[path = "../common/mod.rs"]
mod common;

mod chaos;
mod complaints;
mod ends;
mod family;
mod functions;
mod of_threads;
mod results;
mod threads;

use common::case::{case, case_saying};

fn main() {
    let cases = [
        results::cases(),
        functions::cases(),
        complaints::cases(),
        ends::cases(),
        threads::cases(),
        of_threads::cases(),
        chaos::cases(),
    ];
    common::case::run(cases.into_iter().flatten().collect());
}
