//! `Flag`: `raw::Event` without a descriptor beside it.
#![allow(unsafe_code)]

use core::fmt;
use std::time::Duration;

use crate::deadline::Deadline;
use crate::raw;
use crate::shared::exposed::Exposed;
use crate::shared::handle::Shared;
use crate::shared::shareable::Shareable;

/// An [`Event`](super::Event) without a descriptor: one word in shared memory that
/// processes set, clear and wait for.
///
/// It can be a field of a struct and have a [name](crate::named), as an event cannot,
/// since poll and epoll know nothing of it. Its operations are those of a
/// [`Shared`]`<Flag>`; of one in a struct, [`Shared::map`] makes that.
///
/// # When the owner dies
///
/// As with an [`Event`](super::Event): nobody owns it; it is set or it is not, and whoever
/// waits goes on within about 100 ms.
///
/// # Examples
///
/// ```
/// use killproof::{Shared, process, sync::Flag};
///
/// let green = Shared::new(Flag::new())?;
/// let its_green = green.clone();
/// let car = process::spawn(move || its_green.wait())?;
/// green.set();
/// car.join()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// On the stack it would mean nothing to anybody after a fork:
///
/// ```compile_fail,E0599
/// killproof::sync::Flag::new().set();
/// ```
#[repr(transparent)]
pub struct Flag(raw::Event);

// SAFETY: `repr(transparent)` over one atomic word; nothing to place.
unsafe impl Shareable for Flag {}

// SAFETY: one atomic word, for which any bytes are a value.
unsafe impl Exposed for Flag {}

impl Default for Flag {
    fn default() -> Self {
        Flag::new()
    }
}

impl Flag {
    /// A flag that is not set, to be moved into a [`Shared`].
    pub fn new() -> Flag {
        Flag(raw::Event::new())
    }
}

impl Shared<Flag> {
    /// Sets the flag and releases everybody who waits.
    ///
    /// Async-signal-safe, as [`Event::set`](super::Event::set). Waiters are released even
    /// if [`clear`](Shared::clear) follows at once.
    pub fn set(&self) {
        self.0.set(&Nothing);
    }

    /// Clears the flag.
    pub fn clear(&self) {
        self.0.clear(&Nothing);
    }

    /// Whether the flag is set.
    pub fn is_set(&self) -> bool {
        self.0.is_set()
    }

    /// Waits until the flag is set, or was set since the call began.
    pub fn wait(&self) {
        self.0.wait(Deadline::Never);
    }

    /// Waits as [`wait`](Shared::wait) does, at most for `timeout`; false when the time
    /// was up first.
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        self.0.wait(Deadline::after(timeout))
    }
}

/// Nobody polls, so there is nothing to be readable.
struct Nothing;

impl raw::Tokens for Nothing {
    fn put(&self, _: u64) {}

    fn take(&self) {}

    fn is_any_left(&self) -> bool {
        false
    }
}

impl fmt::Debug for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flag").field("is_set", &self.0.is_set()).finish()
    }
}
