//! Tracer and victim on one CPU: with two, each step wakes a sleeping CPU twice
//! and takes three times as long.

use nix::unistd::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// While it lives, this process stays on the CPU where it was made.
pub struct Pinned {
    before: CpuSet,
}

/// Brings `other`, for good, and this process, for a while, onto one CPU. Where
/// that is not permitted the two go on as they are.
pub fn beside(other: Pid) -> Option<Pinned> {
    let before = sched_getaffinity(None).ok()?;
    let mut here = CpuSet::new();
    here.set(sched_getcpu());
    sched_setaffinity(None, &here).ok()?;
    let _ = sched_setaffinity(rustix::process::Pid::from_raw(other.as_raw()), &here);
    Some(Pinned { before })
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let _ = sched_setaffinity(None, &self.before);
    }
}
