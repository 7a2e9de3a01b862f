//! Pools: what comes back from them, and what is left when processes are killed.
//!
//! `cargo test --test pool`; `KILLPROOF_STRESS_SECONDS` says for how long the case
//! with random kills runs (1 if it does not).

#[path = "../common/mod.rs"]
mod common;

mod chaos;
mod complaints;
mod ends;
mod family;
mod results;
mod threads;

use common::case::{case, case_saying};

fn main() {
    let cases =
        [results::cases(), complaints::cases(), ends::cases(), threads::cases(), chaos::cases()];
    common::case::run(cases.into_iter().flatten().collect());
}
