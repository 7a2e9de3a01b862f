//! Who belongs to a pool, as `/proc` tells.

use std::thread;

use killproof::process::active_children;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::child::{children_of, is_running};

/// The keeper of the pool that was made last.
pub fn keeper() -> Pid {
    let active = active_children();
    let keeper = active.iter().rfind(|child| child.name() == "pool").expect("a keeper");
    Pid::from_raw(keeper.pid().cast_signed())
}

/// The workers that run.
pub fn workers(keeper: Pid) -> Vec<Pid> {
    let mut workers = children_of(keeper);
    workers.retain(|worker| is_running(*worker));
    workers
}

/// Waits until so many workers run, and gives them.
pub fn all_workers(keeper: Pid, count: usize) -> Vec<Pid> {
    loop {
        let workers = workers(keeper);
        if workers.len() == count {
            return workers;
        }
        thread::yield_now();
    }
}

pub fn send(pid: Pid, signal: Signal) {
    // One that has ended stays as it is.
    let _ = kill(pid, signal);
}

/// Waits until it has ended.
pub fn gone(pid: Pid) {
    while is_running(pid) {
        thread::yield_now();
    }
}
