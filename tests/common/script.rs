//! Scripts with several victims: several sleepers, of whom one is woken and
//! stands frozen as it leaves its futex call.

use std::time::{Duration, Instant};

use super::trace::{Stop, Traced, child_signal};

/// What the script waits for.
#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    Asleep,
    Woken,
    End,
}

/// What happened.
#[derive(Debug, PartialEq)]
pub enum Seen {
    /// All of them sleep in the kernel at once.
    AllAsleep,
    /// This one was woken and is frozen at the exit of its futex call.
    Woken(usize),
    /// This one ended, with what its body returned.
    Ended(usize, Result<(), String>),
    /// Nothing of the kind by the deadline.
    Nothing,
}

/// Lets fresh children run until all of them are asleep at once. One whose
/// sleep ends by itself goes on to its next.
pub fn put_to_sleep(sleepers: &[&Traced], deadline: Instant) -> Result<Seen, String> {
    for sleeper in sleepers {
        sleeper.resume()?;
    }
    watch(sleepers, Wanted::Asleep, deadline)
}

/// Waits until one of the sleepers is woken, and leaves it frozen at the exit of
/// its futex call; the ends of slices are passed over.
pub fn wait_woken(sleepers: &[&Traced], deadline: Instant) -> Result<Seen, String> {
    watch(sleepers, Wanted::Woken, deadline)
}

/// Lets one sleeper go on to its end.
pub fn wait_ended(sleeper: &Traced, deadline: Instant) -> Result<Seen, String> {
    watch(&[sleeper], Wanted::End, deadline)
}

fn watch(sleepers: &[&Traced], wanted: Wanted, deadline: Instant) -> Result<Seen, String> {
    while Instant::now() < deadline {
        for (index, sleeper) in sleepers.iter().enumerate() {
            match sleeper.poll() {
                Some(Stop::Woken) if wanted == Wanted::Woken => return Ok(Seen::Woken(index)),
                Some(Stop::Ended(result)) => return Ok(Seen::Ended(index, result)),
                Some(_) => sleeper.resume()?,
                None => {}
            }
        }
        if wanted == Wanted::Asleep && sleepers.iter().all(|s| s.child().is_asleep()) {
            return Ok(Seen::AllAsleep);
        }
        // A change that comes before this call is noticed one tick later.
        child_signal(Duration::from_millis(1));
    }
    Ok(Seen::Nothing)
}
