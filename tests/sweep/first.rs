//! A first victim, for rows whose victim comes to what another one left.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::common::mapped::Mapped;
use crate::common::pin;
use crate::common::trace::{Stop, Traced, mark};
use crate::row::Begin;
use crate::way::Way;

/// At which instruction the first victim dies: another one each time, so the two
/// together are a sample of all pairs.
#[derive(Default)]
pub struct Turn {
    steps: Cell<usize>,
    way: RefCell<Way>,
}

/// More than any of the first victims takes; and a number that has no divisor
/// in common with it, which brings them to each in turn.
const LONGEST: usize = 700;
const NEXT: usize = 267;

/// None of them sleeps so long.
const ASLEEP: Duration = Duration::from_millis(20);

impl Turn {
    /// Runs `operation` on `world` in a process that is killed in the middle of
    /// it, or when it is through.
    pub fn kill<W>(&self, world: &W, operation: fn(&W, Begin)) {
        self.steps.set((self.steps.get() + NEXT) % LONGEST);
        let through = Mapped::new(AtomicBool::new(false));
        let victim = Traced::start(|| {
            operation(world, Begin::new());
            through.store(true, Ordering::Release);
            mark();
            Ok(())
        });
        let victim = victim.expect("it starts");
        victim.run_to_mark().expect("it begins");
        let _together = pin::beside(victim.child().pid());
        let (mut way, k) = (self.way.borrow_mut(), self.steps.get());
        let known = way.known(k);
        let mut steps = way.follow(&victim, known, ASLEEP).expect("it is traced");
        // One that strays from the way of the others dies wherever it is.
        while steps >= known && steps < k && !through.load(Ordering::Acquire) {
            way.note(steps, &victim);
            assert_eq!(victim.step(ASLEEP), Ok(Stop::Trap));
            steps += 1;
        }
    }
}
