//! A process frozen at a certain instruction of its operation, found by what
//! others can see there.

use std::time::{Duration, Instant};

use crate::STUCK;
use crate::common::pin;
use crate::common::script::{Seen, wait_ended};
use crate::common::trace::{Stop, Traced};

/// No operation that is looked for is longer.
const LONGEST: usize = 5000;
/// An instruction that takes so long sleeps.
const BLOCKED: Duration = Duration::from_millis(200);

/// A process that has made `steps` steps of the operation, which begins at its
/// mark; or all of them, if that is less.
pub fn freeze(operation: impl FnOnce(), steps: usize) -> Result<Traced, String> {
    let traced = Traced::start(|| {
        operation();
        Ok(())
    })?;
    traced.run_to_mark()?;
    let together = pin::beside(traced.child().pid());
    for step in 0..steps {
        match traced.step(BLOCKED)? {
            Stop::Trap => {}
            Stop::Ended(Ok(())) => break,
            other => return Err(format!("at step {step} of {steps}: {other:?}")),
        }
    }
    drop(together);
    Ok(traced)
}

/// The number of steps after which `holds` is true for the first time. Each try
/// has a world of its own, which `holds` may change.
pub fn steps_until<W>(
    world: impl Fn() -> Result<W, String>,
    operation: impl Fn(&W),
    holds: impl Fn(&W) -> bool,
) -> Result<usize, String> {
    for steps in 0..LONGEST {
        let world = world()?;
        let frozen = freeze(|| operation(&world), steps)?;
        if holds(&world) {
            return Ok(steps);
        }
        drop(frozen);
    }
    Err(format!("not within {LONGEST} steps"))
}

/// Lets a frozen process go on to its end.
pub fn thaw(frozen: &Traced) -> Result<(), String> {
    frozen.resume()?;
    match wait_ended(frozen, Instant::now() + STUCK)? {
        Seen::Ended(_, result) => result,
        other => Err(format!("does not go on: {other:?}, {}", frozen.child().whereabouts())),
    }
}
