//! What a worker does beside the queue: it changes what a lock protects, and
//! uses a permit.

use std::sync::atomic::Ordering;

use killproof::sync::LockError;
use nix::unistd::Pid;

use crate::common::child::is_running;
use crate::desk::{Doing, check_permits};
use crate::parcel::Parcel;
use crate::worker::{BRIEFLY, Worker};

impl<T: Parcel> Worker<'_, T> {
    /// Adds one to both halves of what the lock protects.
    pub fn add(&mut self) -> Result<(), String> {
        let world = self.world;
        let locked = match self.random.below(4) {
            0 => world.counter.try_lock(),
            1 => world.counter.lock_timeout(BRIEFLY),
            _ => world.counter.lock(),
        };
        let mut pair = match locked {
            Ok(pair) => {
                match world.inside.swap(self.number, Ordering::AcqRel) {
                    0 => {}
                    other => return Err(format!("worker {other} is inside, and nobody was told")),
                }
                pair
            }
            Err(LockError::Abandoned(abandoned)) => {
                let owner = Pid::from_raw(abandoned.pid() as i32);
                if is_running(owner) {
                    return Err(format!("the lock was taken from process {owner}, which lives"));
                }
                // Nobody else can have come in since.
                world.inside.store(self.number, Ordering::Release);
                abandoned.recover(|pair| pair[1] = pair[0])
            }
            Err(LockError::WouldBlock | LockError::TimedOut) => return Ok(()),
            Err(other) => return Err(format!("lock: {other}")),
        };
        if pair[0] != pair[1] {
            return Err(format!("{:?}, and nobody was told", *pair));
        }
        self.desk.is(Doing::Adding);
        for half in &mut *pair {
            *std::hint::black_box(half) += 1;
        }
        world.ledger.added.fetch_add(1, Ordering::AcqRel);
        self.desk.is(Doing::Nothing);
        match world.inside.swap(0, Ordering::AcqRel) {
            own if own == self.number => Ok(()),
            other => Err(format!("worker {other} came in")),
        }
    }

    pub fn use_permit(&mut self) -> Result<(), String> {
        let world = self.world;
        let acquired = match self.random.below(4) {
            0 => world.permits.try_acquire().ok(),
            1 => world.permits.acquire_timeout(BRIEFLY).ok(),
            _ => Some(world.permits.acquire().map_err(|e| e.to_string())?),
        };
        let Some(permit) = acquired else { return Ok(()) };
        self.desk.turns_permit();
        // Reading who lives takes long; do it now and then.
        if self.random.one_in(64) {
            check_permits(&world.desks, world.most_permits)?;
        }
        self.desk.turns_permit();
        drop(permit);
        Ok(())
    }
}
