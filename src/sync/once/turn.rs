//! Whose turn it is to do what is done once.

use core::fmt::DebugStruct;

use crate::error::{Error, Kind};
use crate::primitive::{self, Stamp};
use crate::raw;
use crate::shared::describe::Owner;
use crate::shared::loans;

/// The turn of this process to do it. Dropped, by a panic, it is the next one's.
pub(super) struct Turn<'a> {
    once: &'a raw::Once,
    call: &'static str,
    me: Stamp,
}

impl<'a> Turn<'a> {
    /// `None`: it is done.
    pub(super) fn begin(
        once: &'a raw::Once,
        call: &'static str,
    ) -> Result<Option<Turn<'a>>, Error> {
        let me = primitive::current()?;
        match once.begin(me, loans::thread_number()) {
            Ok(begins) => Ok(begins.then_some(Turn { once, call, me })),
            Err(refused) => Err(refused.error(call)),
        }
    }

    /// Runs `commit`, after which it is done. In a fork of the process whose turn
    /// it is, nothing happens.
    pub(super) fn finish(self, commit: impl FnOnce()) -> Result<(), Error> {
        if !primitive::is_current(self.me) {
            return Err(Error::new(self.call, Kind::NotOwner));
        }
        commit();
        self.once.finish(self.me);
        // Another thread of this process may have the lock by now.
        core::mem::forget(self);
        Ok(())
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if primitive::is_current(self.me) {
            self.once.give_up(self.me);
        }
    }
}

/// The state of one that is done once, placed, and who is at it.
pub(super) fn describe<'a, 'b, 'c>(
    to: &'c mut DebugStruct<'a, 'b>,
    once: &raw::Once,
) -> &'c mut DebugStruct<'a, 'b> {
    let state = match once.owner() {
        _ if once.is_done() => "done",
        Some(_) => "begun",
        None => "not begun",
    };
    to.field("state", &format_args!("{state}"));
    to.field("owner", &Owner(once.owner()))
}
