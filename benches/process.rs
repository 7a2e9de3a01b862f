//! `spawn` and `join` against the bare system calls.
//!
//! ```text
//! cargo bench --bench process [-- PART-OF-A-NAME ..]
//! ```

mod common;

use std::hint::black_box;

use common::compare::{
    MANY, Unit, compare, family_nanoseconds_per_call, header, nanoseconds_per_call,
};
use common::workers::Worker;
use killproof::process;

/// What a larger process has in memory.
const TOUCHED: usize = 64 << 20;

fn main() {
    header("process");
    spawn_and_join("small");
    // fork(2) copies page tables, so both sides pay for what is in memory.
    let touched = vec![1_u8; TOUCHED];
    spawn_and_join("64MiB");
    black_box(touched);
}

/// A child that does nothing, from its birth until its end is known: how long
/// that takes, and what both processes take of the CPU for it.
fn spawn_and_join(size: &str) {
    let ours = || process::spawn(|| ()).unwrap().join().unwrap();
    let bare = || Worker::start(|| ()).join();
    compare(
        MANY,
        Unit::Nanoseconds,
        &format!("process/spawn-join/{size}/fork"),
        "fork+_exit+waitpid",
        || nanoseconds_per_call(ours),
        || nanoseconds_per_call(bare),
    );
    compare(
        MANY,
        Unit::Nanoseconds,
        &format!("process/spawn-join-cpu/{size}/fork"),
        "fork+_exit+waitpid",
        || family_nanoseconds_per_call(ours),
        || family_nanoseconds_per_call(bare),
    );
}
