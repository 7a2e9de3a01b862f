//! How a descriptor comes to tell what a wait would find.
//!
//! Each side has a bell (see [`Polled`](crate::raw::Polled)), which is rung wherever a
//! sleeper of that side is woken. Whoever polls and got nothing arms, with the same last
//! look as before a sleep, and behind the same heavy fence: the commit it may have missed
//! was one store. Only the owner of an end arms it, since the bell is silenced on the way.
//!
//! Where a sandbox forbids the heavy fence, a ring may be missed, and whoever polls comes
//! back at the end of its slice.

use super::{Cursor, Memory, Pipe};
use crate::primitive::{Mutant, heavy_fence};
use crate::raw::polled;
use crate::raw::queue::Side;

impl<M: Memory> Pipe<M> {
    /// Has the bell of `side` ring at the next change, or at once if a claim of `needed`
    /// bytes behind the cursor would return already; returns whether it would. With `ask`
    /// the dead are looked for as well. The end is the caller's.
    pub(crate) fn arm(&self, side: Side, cursor: &Cursor, needed: u64, ask: bool) -> bool {
        let asleep = &self.calm().asleep[side as usize];
        polled::arm(&[asleep], self.memory.bell(side), || {
            if !Mutant::ArmsWithoutFence.is_on() {
                heavy_fence();
            }
            self.would_claim(side, cursor, needed, ask)
        })
    }

    /// Whether a claim would return at once: with the bytes, or with why there are none.
    fn would_claim(&self, side: Side, cursor: &Cursor, needed: u64, ask: bool) -> bool {
        let waits = self.look(side, cursor.at).is_ok_and(|usable| usable < needed);
        !waits || self.is_alone(side, cursor, ask)
    }
}
