//! Things with a name, in processes that have nothing else in common:
//! `cargo test --test named`.
//!
//! Each is forked before anything is made, so what it has it has by the name.

#[path = "../common/mod.rs"]
mod common;

mod bytes;
mod errors;
mod left;
mod pipe;
mod queue;
mod shared;
mod socket;
mod strangers;
mod users;

use std::time::{Duration, Instant};

use common::child::{Child, until};

/// Above every recovery; only a hang lasts so long.
const STUCK: Duration = Duration::from_secs(60);

fn main() {
    let cases = [
        users::cases(),
        left::cases(),
        errors::cases(),
        strangers::cases(),
        bytes::cases(),
        shared::cases(),
        socket::cases(),
        queue::cases(),
        pipe::cases(),
    ];
    common::case::run(cases.into_iter().flatten().collect());
}

/// Waits for a child to come to its end.
#[track_caller]
fn finish(child: &Child) {
    match child.finish(Instant::now() + STUCK) {
        Some(result) => assert_eq!(result, Ok(())),
        None => panic!("hangs: {}", child.whereabouts()),
    }
}

/// Kills a child and takes it away.
fn kill(child: &Child) {
    child.kill();
    child.reap();
}

/// Waits for something that is bound to come.
#[track_caller]
fn wait_for(what: impl FnMut() -> bool) {
    assert!(until(Instant::now() + STUCK, what), "it does not come");
}
