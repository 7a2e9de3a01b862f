//! Two small locks to prove the harness with: one that every kill breaks, and
//! one that heals.

use std::sync::atomic::{AtomicU32, Ordering};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::{Pid, getpid};
use rustix::thread::futex::{self, Flags, Timespec};

use super::mapped::Mapped;

/// What a script needs of a lock, whatever its guards look like. The lock lies
/// in shared memory, or holds what does.
pub trait Lock {
    /// Locks, runs `held`, and unlocks.
    fn hold(&self, held: &dyn Fn());
}

/// Ulrich Drepper's second futex lock: 0 free, 1 held, 2 held and somebody
/// waits. It does not know by whom it is held.
#[derive(Default)]
pub struct NaiveLock(AtomicU32);

impl NaiveLock {
    pub fn lock(&self) {
        let free = self.0.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed);
        if free.is_err() {
            while self.0.swap(2, Ordering::Acquire) != 0 {
                let _ = futex::wait(&self.0, Flags::empty(), 2, None);
            }
        }
    }

    pub fn unlock(&self) {
        if self.0.swap(0, Ordering::Release) == 2 {
            let _ = futex::wake(&self.0, Flags::empty(), 1);
        }
    }
}

impl Lock for Mapped<NaiveLock> {
    fn hold(&self, held: &dyn Fn()) {
        self.lock();
        held();
        self.unlock();
    }
}

/// The pid of its holder, taken from a holder that no longer exists; every
/// sleep ends after 1, 2, 4 .. 100 ms, which also makes up for wakes that a
/// killed process owed. (A zombie still exists for it, and a pid used again
/// looks like the holder: it is no more than this harness needs.)
#[derive(Default)]
pub struct PidLock(AtomicU32);

impl PidLock {
    pub fn lock(&self) {
        let me = getpid().as_raw() as u32;
        let mut slice = 1;
        let mut seen = 0;
        loop {
            let now = self.0.compare_exchange(seen, me, Ordering::Acquire, Ordering::Relaxed);
            let Err(holder) = now else { return };
            seen = 0;
            if holder == 0 {
                continue;
            }
            let time = Timespec { tv_sec: 0, tv_nsec: slice * 1_000_000 };
            let woken = futex::wait(&self.0, Flags::empty(), holder, Some(&time));
            if woken == Err(rustix::io::Errno::TIMEDOUT) {
                slice = (slice * 2).min(100);
                if kill(Pid::from_raw(holder as i32), None) == Err(Errno::ESRCH) {
                    seen = holder;
                }
            }
        }
    }

    pub fn unlock(&self) {
        self.0.store(0, Ordering::Release);
        let _ = futex::wake(&self.0, Flags::empty(), 1);
    }
}

impl Lock for Mapped<PidLock> {
    fn hold(&self, held: &dyn Fn()) {
        self.lock();
        held();
        self.unlock();
    }
}
