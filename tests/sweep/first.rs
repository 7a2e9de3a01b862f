//! A first victim, for rows whose victim comes to what another one left.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::common::mapped::Mapped;
use crate::common::pin;
use crate::common::trace::{Stop, Traced};
use crate::row::Begin;

/// At which instruction the first victim dies: another one each time, so the two
/// together are a sample of all pairs.
#[derive(Default)]
pub struct Turn(Cell<usize>);

/// More than any of the first victims takes; and a number that has no divisor
/// in common with it, which brings them to each in turn.
const LONGEST: usize = 700;
const NEXT: usize = 267;

impl Turn {
    /// Runs `operation` on `world` in a process that is killed in the middle of
    /// it, or when it is through.
    pub fn kill<W>(&self, world: &W, operation: fn(&W, Begin)) {
        self.0.set((self.0.get() + NEXT) % LONGEST);
        let through = Mapped::new(AtomicBool::new(false));
        let victim = Traced::start(|| {
            operation(world, Begin::new());
            through.store(true, Ordering::Release);
            Ok(())
        });
        let victim = victim.expect("it starts");
        victim.run_to_mark().expect("it begins");
        let together = pin::beside(victim.child().pid());
        for _ in 0..self.0.get() {
            if through.load(Ordering::Acquire) {
                break;
            }
            assert_eq!(victim.step(Duration::from_millis(20)), Ok(Stop::Trap));
        }
        drop(together);
    }
}
