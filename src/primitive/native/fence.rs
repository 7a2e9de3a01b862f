//! Two fences that order a store before a load, of which one costs nothing.
//!
//! Who commits stores an index and then looks whether somebody sleeps; who is about
//! to sleep says so and then looks at the index. One of the two must see the other,
//! and for that each needs a full barrier between its store and its load. The one
//! who commits does it at each message, and a barrier there waits for the cache
//! line of the index: it would cost more than all the rest. The other one is about
//! to sleep and has time. So it makes the barrier for both: membarrier(2) puts one
//! into whatever the others execute just then, for about 1.5 us.
//!
//! A process takes part once it has registered, which it does at its first
//! [`light_fence`]; before that, and where the kernel refuses, its light fence is a
//! real one. (As in folly's asymmetric thread fences, and P1202 for C++.)
//!
//! # A hole in the kernel
//!
//! Who is registered the kernel notes for each CPU, when one address space follows another
//! there. A CPU that idled since it ran this process, while the process registered on
//! another one, goes on with the same address space, and notes nothing
//! (`sync_runqueues_membarrier_state` and `membarrier_switch_mm`, as of Linux 6.18): until
//! some other process has run there, it is passed over. A wake that is missed for that is
//! made up for at the end of a slice. The litmus test lets another process run on each CPU
//! first; without that it fails in some runs.

use core::sync::atomic::{AtomicU64, Ordering, compiler_fence, fence};

use crate::primitive::{Mutant, Stamp};
use crate::sys::barrier;

/// This process's.
static REGISTERED: Registration = Registration::new();

/// The stamp of the process that has registered, with [`REFUSED`] where it could
/// not. A forked child has another stamp, and so registers for itself.
#[derive(Debug)]
pub(super) struct Registration(AtomicU64);

const REFUSED: u64 = 1;

impl Registration {
    pub(super) const fn new() -> Registration {
        Registration(AtomicU64::new(0))
    }

    #[inline]
    pub(super) fn light_fence(&self, me: Stamp) {
        if self.0.load(Ordering::Relaxed) == me.word() {
            compiler_fence(Ordering::SeqCst);
        } else {
            self.light_fence_unregistered(me);
        }
    }

    #[cold]
    fn light_fence_unregistered(&self, me: Stamp) {
        fence(Ordering::SeqCst);
        if self.0.load(Ordering::Relaxed) != me.word() | REFUSED {
            let registered =
                if Mutant::NeverRegisters.is_on() { Ok(()) } else { barrier::register() };
            let refused = registered.is_err() && !Mutant::TakesRefusalForGranted.is_on();
            let refused = if refused { REFUSED } else { 0 };
            self.0.store(me.word() | refused, Ordering::Relaxed);
        }
    }
}

/// Between `me`'s store and its load. Pairs with [`heavy_fence`] only.
#[inline]
pub(crate) fn light_fence(me: Stamp) {
    REGISTERED.light_fence(me);
}

/// Between a store and a load of somebody who has time. Pairs with [`light_fence`],
/// and with itself. Returns whether it does: a sandbox may forbid the call.
pub(crate) fn heavy_fence() -> bool {
    fence(Ordering::SeqCst);
    Mutant::NoHeavyFence.is_on() || barrier::everywhere().is_ok()
}
