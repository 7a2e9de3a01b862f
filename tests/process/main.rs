//! Processes: what comes back from them, however they end, and what is left.
//!
//! `cargo test --test process`

#[path = "../common/mod.rs"]
mod common;

#[cfg(feature = "tokio")]
mod awaiting;
mod complaints;
mod daemons;
mod detached;
mod ends;
mod faults;
mod forks;
mod group;
mod handed;
mod handover;
mod names;
mod namespace;
mod nursery;
mod output;
mod parties;
mod refusals;
mod shown;
mod streams;
mod values;
mod waiting;
mod zygote;

use common::case::{case, case_saying};
use common::mapped::gate;

fn main() {
    if handed::is_other() {
        return handed::other();
    }
    let cases = [
        values::cases(),
        complaints::cases(),
        ends::cases(),
        waiting::cases(),
        detached::cases(),
        daemons::cases(),
        streams::cases(),
        group::cases(),
        zygote::cases(),
        nursery::cases(),
        #[cfg(feature = "tokio")]
        awaiting::cases(),
        refusals::cases(),
        forks::cases(),
        handover::cases(),
        handed::cases(),
        names::cases(),
        namespace::cases(),
        output::cases(),
        faults::cases(),
        parties::cases(),
        shown::cases(),
    ];
    common::case::run(cases.into_iter().flatten().collect());
}
