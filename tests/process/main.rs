//! Processes: what comes back from them, however they end, and what is left.
//!
//! `cargo test --test process`

#[path = "../common/mod.rs"]
mod common;

#[cfg(feature = "tokio")]
mod awaiting;
mod daemons;
mod detached;
mod ends;
mod faults;
mod forks;
mod group;
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

use std::sync::Arc;
use std::time::Duration;

use common::case::Case;
use common::mapped::{Gate, Mapped};

fn main() {
    let cases = [
        values::cases(),
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
        names::cases(),
        namespace::cases(),
        output::cases(),
        faults::cases(),
        parties::cases(),
        shown::cases(),
    ];
    common::case::run(cases.into_iter().flatten().collect());
}

/// A case that says nothing when it passes; assertions make it fail.
fn case(name: &str, body: fn()) -> Case {
    case_saying(name, move || {
        body();
        String::new()
    })
}

/// A case whose words are printed, such as why it was skipped.
fn case_saying(name: &str, body: impl FnOnce() -> String + Send + 'static) -> Case {
    Case::new(name, Duration::from_secs(120), move || Ok(body()))
}

/// A door that this process and the children spawned from here on share.
fn gate() -> Arc<Mapped<Gate>> {
    Arc::new(Mapped::new(Gate::default()))
}
