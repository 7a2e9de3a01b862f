//! Modelled processes: their stamps, their fuses, and how they die.

use core::sync::atomic::Ordering;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::trace::note;
use super::world::World;
use crate::error::{Error, Kind};
use crate::primitive::Stamp;

/// The word of a process that died; 1 before.
const DEAD: u32 = 0;

/// What unwinds a process that died; nobody else throws it.
#[derive(Debug)]
struct Death;

/// The stamp of the modelled process that runs.
pub(crate) fn current() -> Result<Stamp, Error> {
    World::with(|world| match world.running() {
        Some(index) => Ok(world.entries.borrow()[index].stamp),
        None => Err(Error::new("stamp", Kind::ForeignNamespace)),
    })
}

/// The stamp of the modelled process that runs, if one does.
pub(crate) fn known() -> Option<Stamp> {
    current().ok()
}

/// Whether `stamp` is that of the modelled process that runs.
pub(crate) fn is_current(stamp: Stamp) -> bool {
    current() == Ok(stamp)
}

/// Whether the process that `stamp` names has not died. One that finished
/// counts as alive.
///
/// No stale answer, and acquire: the kernel reports an end after it.
pub(crate) fn is_alive(stamp: Stamp) -> bool {
    let alive = World::with(|world| {
        let entries = world.entries.borrow();
        entries.iter().find(|entry| entry.stamp == stamp).map(|entry| entry.alive.clone())
    });
    let Some(alive) = alive else { return false };
    let seen = alive.compare_exchange(DEAD, DEAD, Ordering::Acquire, Ordering::Relaxed);
    note("is_alive", None, [Some(stamp.pid().into()), None], Some(seen.is_err().into()));
    seen.is_err()
}

/// Counts down the fuse of the process that runs; where it is burnt down, the
/// process dies before its next step.
pub(super) fn step() {
    let dies = World::with(|world| {
        let Some(index) = world.running() else { return false };
        let fuse = &mut world.entries.borrow_mut()[index].fuse;
        match fuse {
            None => false,
            Some(1) => {
                *fuse = None;
                true
            }
            Some(left) => {
                *left -= 1;
                false
            }
        }
    });
    if dies {
        note("is killed", None, [None; 2], None);
        resume_unwind(Box::new(Death));
    }
}

/// Lives the life of process `index`; returns whether it died. `at_death` runs
/// where it stands then, before anybody can be told.
pub(super) fn live(index: usize, body: impl FnOnce(), at_death: impl FnOnce()) -> bool {
    let world = World::current();
    world.set_running(Some(index));
    let died = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(()) => false,
        Err(payload) if payload.is::<Death>() => true,
        Err(payload) => resume_unwind(payload),
    };
    if died {
        at_death();
        let alive = world.entries.borrow()[index].alive.clone();
        alive.store(DEAD, Ordering::Release);
    }
    world.end(index, died);
    world.set_running(None);
    died
}
