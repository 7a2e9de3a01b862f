//! The two fences as what they are together: full ones.
//!
//! Two light ones would order each other here and do not on the machine. So which
//! one came last is remembered, and whoever goes to sleep behind a light one fails
//! the proof: a sleeper's is the heavy one.

use core::sync::atomic::Ordering;

use super::world::World;
use crate::primitive::Stamp;

/// A fence that a process came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fence {
    Light,
    Heavy,
}

pub(crate) fn light_fence(_me: Stamp) {
    pass(Fence::Light);
}

pub(crate) fn heavy_fence() -> bool {
    pass(Fence::Heavy);
    true
}

fn pass(fence: Fence) {
    loom::sync::atomic::fence(Ordering::SeqCst);
    World::with(|world| {
        let index = world.running().expect("a process");
        world.entries.borrow_mut()[index].fence = Some(fence);
    });
}
