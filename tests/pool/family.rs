//! Who belongs to a pool, as `/proc` tells.

use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::child::{children, children_of, is_running};

/// The keeper of the pool that was made last, when it is this process's youngest child.
pub fn keeper() -> Pid {
    children().into_iter().rfind(|child| is_running(*child)).expect("a keeper")
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
