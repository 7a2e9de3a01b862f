//! `spawn` and `join` against the bare system calls.
//!
//! ```text
//! cargo bench --bench process [-- PART-OF-A-NAME ..]
//! ```

mod common;

use std::hint::black_box;

use common::compare::{MANY, Unit, compare, header, nanoseconds_per_call};
use common::workers::Worker;
use killproof::process;

/// What a larger process has in memory.
const TOUCHED: usize = 64 << 20;

fn main() {
    header("process");
    spawn_and_join("process/spawn-join/fork");
    // fork(2) copies page tables, so both sides pay for what is in memory.
    let touched = vec![1_u8; TOUCHED];
    spawn_and_join("process/spawn-join-64MiB/fork");
    black_box(touched);
}

/// A child that does nothing, from its birth until its end is known.
fn spawn_and_join(name: &str) {
    compare(
        MANY,
        Unit::Nanoseconds,
        name,
        "fork+_exit+waitpid",
        || nanoseconds_per_call(1, || process::spawn(|| ()).unwrap().join().unwrap()),
        || nanoseconds_per_call(1, || Worker::start(|| ()).join()),
    );
}
