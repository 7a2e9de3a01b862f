//! A holder is killed, and its memory is freed by somebody else before it gets
//! to run its own exit: what the OOM reaper does, and what loses the kernel's
//! marks of robust futexes. Nothing of ours depends on that memory.

#![allow(unsafe_code)]

use std::mem;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Instant;

use killproof::Shared;
use killproof::channel::queue;
use killproof::sync::{LockError, Mutex, Semaphore};
use nix::errno::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::common::case::Case;
use crate::common::child::{Child, fork};
use crate::common::mapped::{Gate, Mapped};
use crate::common::pin;
use crate::{STUCK, expect, fall_asleep, finish, scenario};

pub const REPETITIONS: usize = 100;

pub fn cases() -> Vec<Case> {
    vec![where_memory_is_released("killed and released", killed_and_released)]
}

/// A scenario that needs process_mrelease(2).
pub fn where_memory_is_released(name: &str, body: fn() -> Result<String, String>) -> Case {
    match process_mrelease(-1) {
        // Without the call, or where it is not permitted, there is no such race.
        Err(errno @ (Errno::ENOSYS | Errno::EPERM | Errno::EACCES)) => {
            Case::skipped(name, format!("scenario {name}: SKIPPED, process_mrelease: {errno}"))
        }
        _ => scenario(name, body),
    }
}

fn killed_and_released() -> Result<String, String> {
    let mut in_time = 0;
    for _ in 0..REPETITIONS {
        in_time += usize::from(one_holder()?);
    }
    Ok(format!("ok, {in_time} of {REPETITIONS} released before their exit"))
}

/// Whether its memory was gone before its exit.
fn one_holder() -> Result<bool, String> {
    let lock = Shared::new(Mutex::new(0_u64)).map_err(|e| e.to_string())?;
    let permits = Shared::new(Semaphore::new(1)).map_err(|e| e.to_string())?;
    let (sender, receiver) = queue::<u64>(2).map_err(|e| e.to_string())?;
    sender.send(7).map_err(|e| e.to_string())?;
    let holds = Mapped::new(Gate::default());
    let holder = fork(|| {
        // The last to run wherever somebody else wants to.
        let _ = rustix::process::nice(19);
        mem::forget(lock.lock().map_err(|e| e.to_string())?);
        mem::forget(permits.acquire().map_err(|e| e.to_string())?);
        mem::forget(receiver.lease().map_err(|e| e.to_string())?);
        holds.open();
        loop {
            std::hint::spin_loop();
        }
    });
    holds.pass();
    let begins = Mapped::new(Gate::default());
    let waiter = fork(|| {
        begins.open();
        match lock.lock() {
            Err(LockError::Abandoned(by)) => {
                expect("left by", by.pid(), holder.pid().as_raw() as u32)?;
                drop(by.recover(|value| *value += 1));
            }
            other => return Err(format!("the lock: {other:?}")),
        }
        expect("the lock afterwards", lock.lock().map(|value| *value).ok(), Some(1))
    });
    fall_asleep(&waiter, &begins)?;

    let in_time = kill_and_release(&holder)?;
    if !holder.ended(Instant::now() + STUCK) {
        return Err("outlives SIGKILL".into());
    }
    holder.reap();
    finish("who waited for the lock", &waiter)?;
    permits.acquire().map(drop).map_err(|e| e.to_string())?;
    expect("permits", permits.available(), 1)?;
    let task = receiver.lease().map_err(|e| e.to_string())?;
    expect("value and attempts", (*task, task.attempts()), (7, 2))?;
    task.done();
    expect("in the queue", receiver.len(), 0)?;
    Ok(in_time)
}

/// Whether its memory was gone before its exit. Both calls run on the CPU that the
/// victim would need for that.
pub fn kill_and_release(victim: &Child) -> Result<bool, String> {
    let pid = Pid::from_raw(victim.pid().as_raw()).ok_or("no pid")?;
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).map_err(|e| e.to_string())?;
    let _together = pin::beside(victim.pid());
    pidfd_send_signal(&pidfd, Signal::KILL).map_err(|e| e.to_string())?;
    match process_mrelease(pidfd.as_raw_fd()) {
        Ok(()) => Ok(true),
        // Its memory is gone already, by its own exit.
        Err(Errno::ESRCH) => Ok(false),
        Err(errno) => Err(format!("process_mrelease: {errno}")),
    }
}

fn process_mrelease(pidfd: RawFd) -> Result<(), Errno> {
    // SAFETY: it frees memory of a process that is dying, never of this one.
    let result = unsafe { libc::syscall(libc::SYS_process_mrelease, pidfd, 0) };
    Errno::result(result).map(drop)
}
