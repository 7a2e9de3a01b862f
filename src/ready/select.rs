//! One wait for several things.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::os::fd::BorrowedFd;

use super::source::Ready;
use crate::deadline::{Deadline, Slices};
use crate::error::Error;
use crate::sys::fd::poll_any;

/// Waits until one of several things is ready, at most for `timeout`, and tells
/// which by its index; `None` when the time was up first.
///
/// A hint, as all readiness: somebody else may be faster, and then a `try_` that
/// follows says `Empty` or `Full` after all. Where several are ready, each has its
/// turn. Signals do not end the wait. An [`Event`](crate::sync::Event) that is
/// cleared right after it was set may be missed.
///
/// With nothing to wait for and no timeout it returns `None` at once.
///
/// # Errors
///
/// As [`Ready::ready_fd`], though it needs no descriptor of its own; and when there
/// are more things than the process may have descriptors.
///
/// # When the owner dies
///
/// What a process committed before it was killed is found within about 100 ms,
/// even if it had not come to tell of it; so is the end of the last one at the
/// other side of a queue.
///
/// # Examples
///
/// ```
/// use killproof::{channel, process, select, sync::Event};
///
/// let stop = Event::new()?;
/// let (results, inbox) = channel::queue::<u32>(4)?;
/// let worker = process::spawn(move || results.send(7).unwrap())?;
///
/// let mut got = Vec::new();
/// loop {
///     match select(&[&inbox, &stop], None)? {
///         Some(0) => match inbox.try_recv() {
///             Ok(number) => got.push(number),
///             Err(channel::RecvError::Empty) => {}
///             Err(_) => stop.set(), // the worker is gone
///         },
///         _ => break,
///     }
///     if stop.is_set() {
///         break;
///     }
/// }
/// assert_eq!(got, [7]);
/// worker.join()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn select(things: &[&dyn Ready], timeout: Option<Duration>) -> Result<Option<usize>, Error> {
    if things.is_empty() && timeout.is_none() {
        return Ok(None);
    }
    let deadline = timeout.map_or(Deadline::Never, Deadline::after);
    let mut slices = Slices::new();
    let mut naps = vec![FIRST_NAP; things.len()];
    let mut ask = false;
    loop {
        let late = deadline.has_passed();
        let found = look(things, ask || late)?;
        if found.is_some() || late {
            return Ok(found);
        }
        let slice = slices.next(deadline);
        let (bells, sleep) = bells(things, &mut naps, slice);
        let passed = poll_any(&bells, Some(sleep))?.is_none();
        ask = slices.is_over(passed && sleep == slice);
    }
}

/// The first one is longer than anybody needs from a token to its flag.
const FIRST_NAP: Duration = Duration::from_micros(50);

/// What to sleep on, and how long: where a descriptor is left out, since it would end
/// every sleep at once or there is none, only for its nap. Most are right a moment later,
/// so their naps are short, and each longer than the one before: a dead process's never
/// is. Each has its own, lest one that stays so keep those beside it waiting.
fn bells<'a>(
    things: &'a [&dyn Ready],
    naps: &mut [Duration],
    slice: Duration,
) -> (Vec<BorrowedFd<'a>>, Duration) {
    let mut bells = Vec::with_capacity(things.len());
    let mut sleep = slice;
    for (thing, nap) in things.iter().zip(naps) {
        match thing.bell_fd() {
            Some(bell) => {
                bells.push(bell);
                *nap = FIRST_NAP;
            }
            None => {
                sleep = sleep.min(*nap);
                *nap = nap.saturating_mul(2);
            }
        }
    }
    (bells, sleep)
}

/// Looks at each once, and begins somewhere else each time.
fn look(things: &[&dyn Ready], ask: bool) -> Result<Option<usize>, Error> {
    static TURN: AtomicUsize = AtomicUsize::new(0);
    let count = things.len();
    let start = TURN.fetch_add(1, Ordering::Relaxed);
    for step in 0..count {
        let index = (start % count + step) % count;
        if things[index].look(ask)? {
            return Ok(Some(index));
        }
    }
    Ok(None)
}
