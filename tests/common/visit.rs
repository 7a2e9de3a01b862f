//! Another address space on every CPU: whatever a kernel puts off until a CPU changes
//! from one to another has happened then.

#![allow(unsafe_code)]

use std::io;

use rustix::process::{Pid, WaitOptions, waitpid};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Lets a child run on each CPU that this process may use, one after the other.
pub fn every_cpu() -> io::Result<()> {
    let ours = sched_getaffinity(None)?;
    for cpu in (0..CpuSet::MAX_CPU).filter(|cpu| ours.is_set(*cpu)) {
        let mut there = CpuSet::new();
        there.set(cpu);
        // SAFETY: the child makes two system calls, which may be made whatever the other
        // threads of its parent were doing, and returns to nobody.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let moved = sched_setaffinity(None, &there).is_ok();
            // SAFETY: `_exit` runs nothing of the parent's.
            unsafe { libc::_exit(i32::from(!moved)) };
        }
        let child = Pid::from_raw(child).ok_or_else(io::Error::last_os_error)?;
        let status = waitpid(Some(child), WaitOptions::empty())?.map(|(_, status)| status);
        if status.and_then(|status| status.exit_status()) != Some(0) {
            return Err(io::Error::other("a child was not let onto a CPU"));
        }
    }
    Ok(())
}
