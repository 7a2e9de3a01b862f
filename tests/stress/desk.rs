//! What a worker says of itself, where the parent still reads it after a kill.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::common::child::is_running;
use nix::unistd::{Pid, getpid};

/// Workers at a time, at most.
pub const DESKS: usize = 16;

/// What it is in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Doing {
    Nothing,
    /// A message, nobody knows which, may have left the queue.
    Receiving,
    /// The message in its hands may have left the queue.
    Finishing,
    /// The counter may have been changed, and nobody knows yet.
    Adding,
}

#[derive(Default)]
pub struct Desk {
    doing: AtomicU32,
    /// The message that it finishes.
    hands: AtomicU64,
    /// Odd while it has a permit, for sure; rises with every change.
    permit: AtomicU64,
    pid: AtomicU32,
    /// Rises with every operation.
    beat: AtomicU32,
}

impl Desk {
    pub fn sit_down(&self) {
        self.pid.store(getpid().as_raw() as u32, Ordering::Release);
        self.is(Doing::Nothing);
        // Left odd by a predecessor who was killed.
        let permit = self.permit.load(Ordering::Acquire);
        self.permit.store(permit.next_multiple_of(2), Ordering::Release);
    }

    pub fn beats(&self) {
        // Nobody else does.
        self.beat.store(self.beat().wrapping_add(1), Ordering::Relaxed);
    }

    pub fn beat(&self) -> u32 {
        self.beat.load(Ordering::Relaxed)
    }

    pub fn is(&self, doing: Doing) {
        self.doing.store(doing as u32, Ordering::Release);
    }

    pub fn finishes(&self, id: u64) {
        self.hands.store(id, Ordering::Release);
        self.is(Doing::Finishing);
    }

    pub fn was(&self, doing: Doing) -> bool {
        self.doing.load(Ordering::Acquire) == doing as u32
    }

    /// The message that whoever sat here may have finished.
    pub fn finished(&self) -> Option<u64> {
        self.was(Doing::Finishing).then(|| self.hands.load(Ordering::Acquire))
    }

    /// Between an acquire and the next release, so that an odd number is true.
    pub fn turns_permit(&self) {
        self.permit.fetch_add(1, Ordering::AcqRel);
    }

    fn holds(&self) -> Option<u64> {
        let permit = self.permit.load(Ordering::Acquire);
        let lives = || is_running(Pid::from_raw(self.pid.load(Ordering::Acquire) as i32));
        (permit % 2 == 1 && lives()).then_some(permit)
    }
}

/// No more living processes hold permits than there are.
pub fn check_permits(desks: &[Desk; DESKS], permits: usize) -> Result<(), String> {
    let look = || desks.each_ref().map(Desk::holds);
    let first = look();
    let holders = first.iter().flatten().count();
    // Those that held one throughout the two looks did so at one moment.
    if holders > permits && look() == first {
        return Err(format!("{holders} processes hold {permits} permits"));
    }
    Ok(())
}
