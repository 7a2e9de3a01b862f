//! A process that forks for this one, and whose end is that of all its children.

use super::builder::Builder;
use super::child::Child;
use super::error::SpawnError;
use super::family::family;
use crate::sys::fork::{Deaf, Hearing};

/// Forks such a process, a daemon that may have children; `life` is told which signals
/// they are to [hear](crate::sys::fork::hear): those that this thread does.
///
/// It hears none itself that is sent to everybody, as at Ctrl-C: not from its first
/// instruction on, for this thread hears none when it forks it. And it is none of the
/// active children: whoever ends all of them means those who are at work.
pub(crate) fn forker(
    name: &str,
    life: impl FnOnce(Hearing) + Send + 'static,
) -> Result<Child<()>, SpawnError> {
    let deaf = Deaf::new()?;
    let hearing = deaf.before;
    let builder = Builder::new().name(name).daemon(true).may_have_children(true);
    let forker = builder.spawn(move || life(hearing))?;
    family().strike(forker.known());
    Ok(forker)
}
