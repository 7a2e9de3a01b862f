//! Tracer and victim on one CPU: with two, each step wakes a sleeping CPU twice
//! and takes three times as long.

use nix::unistd::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::runner;

/// While it lives, this process stays on one CPU.
pub struct Pinned {
    before: CpuSet,
}

/// Brings `other`, for good, and this process, for a while, onto one CPU: another one for
/// each of the cases that run at once, as far as there are so many. Where that is not
/// permitted the two go on as they are.
pub fn beside(other: Pid) -> Option<Pinned> {
    let before = sched_getaffinity(None).ok()?;
    let ours: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|cpu| before.is_set(*cpu)).collect();
    let mut here = CpuSet::new();
    here.set(*ours.get(runner::place() % ours.len().max(1))?);
    sched_setaffinity(None, &here).ok()?;
    let _ = sched_setaffinity(rustix::process::Pid::from_raw(other.as_raw()), &here);
    Some(Pinned { before })
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let _ = sched_setaffinity(None, &self.before);
    }
}
