//! `spawn` and `join` against the bare system calls, and a zygote's against itself.
//!
//! ```text
//! cargo bench --bench process [-- PART-OF-A-NAME ..]
//! ```
#![allow(unsafe_code)]

mod common;

use std::hint::black_box;
use std::ptr;

use common::compare::{
    FEW, MANY, Unit, compare, family_nanoseconds_per_call, header, is_quick, nanoseconds_per_call,
};
use common::workers::Worker;
use killproof::process::{self, Zygote};

/// What a larger process has in memory.
const TOUCHED: usize = 64 << 20;

fn main() {
    header("process");
    spawn_and_join("small");
    flush();
    // fork(2) copies page tables, so both sides pay for what is in memory.
    let touched = vec![1_u8; TOUCHED];
    spawn_and_join("64MiB");
    black_box(touched);
    zygote();
}

/// What the owner of the zygote has in memory, which its children do not have.
const OWNERS: usize = 1 << 30;

/// A zygote's child, of an owner with much in memory and of one with little.
fn zygote() {
    let zygote = Zygote::start().unwrap();
    let child = || zygote.spawn(|()| (), ()).unwrap().join().unwrap();
    let ours = || {
        let touched = vec![1_u8; if is_quick() { TOUCHED } else { OWNERS }];
        let taken = nanoseconds_per_call(child);
        black_box(touched);
        taken
    };
    let small = || nanoseconds_per_call(child);
    let name = "process/zygote-spawn-join/1GiB/small";
    compare(FEW, Unit::Nanoseconds, name, "with little in memory", ours, small);
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

/// What it would cost to write out C's streams at each child's end without asking whether
/// there is anything, which `spawn` does ask.
fn flush() {
    // SAFETY: null stands for all streams, each of which fflush locks itself.
    let flush = || assert_eq!(unsafe { libc::fflush(ptr::null_mut()) }, 0);
    compare(
        MANY,
        Unit::Nanoseconds,
        "process/fork-fflush/fork",
        "fork+_exit+waitpid",
        || nanoseconds_per_call(|| Worker::start(flush).join()),
        || nanoseconds_per_call(|| Worker::start(|| ()).join()),
    );
}
