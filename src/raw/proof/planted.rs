//! Locks with a planted bug each: what the fuse finds, and nothing else does.

use std::sync::Arc;

use super::guarded::{Guarded, Lock};
use crate::deadline::Deadline;
use crate::primitive::{
    AtomicU64, Ordering, Process, Processes, Proof, Stamp, futex_wait, futex_wake, is_alive,
};
use crate::raw::Refused;
use crate::raw::mutex::Locked;

const FREE: u64 = 0;

/// What a lock does about a dead owner.
trait Heritage {
    /// Whether `mine` now is the word, which named the dead owner `seen`.
    fn take(word: &AtomicU64, seen: u64, mine: u64) -> bool;
    const TELLS: bool = true;
}

/// A lock whose sleepers are all woken; correct but for `H`.
struct Planted<H> {
    word: AtomicU64,
    heritage: core::marker::PhantomData<H>,
}

impl<H: Heritage> Lock for Planted<H> {
    fn new() -> Planted<H> {
        Planted { word: AtomicU64::new(FREE), heritage: core::marker::PhantomData }
    }

    fn lock(&self, me: Process, _deadline: Deadline) -> Result<Locked, Refused> {
        loop {
            let mine = me.stamp.word();
            let (success, failure) = (Ordering::Acquire, Ordering::Relaxed);
            let Err(seen) = self.word.compare_exchange(FREE, mine, success, failure) else {
                return Ok(Locked::Consistent);
            };
            if futex_wait(&self.word, seen as u32, core::time::Duration::MAX) {
                let Some(owner) = Stamp::of(seen).filter(|owner| !is_alive(*owner)) else {
                    continue;
                };
                if H::take(&self.word, seen, mine) {
                    let abandoned = Locked::Abandoned { pid: owner.pid() };
                    return Ok(if H::TELLS { abandoned } else { Locked::Consistent });
                }
            }
        }
    }

    fn repair(&self, _me: Process) {}

    fn unlock(&self, _me: Process) {
        self.word.store(FREE, Ordering::Release);
        futex_wake(&self.word, u32::MAX);
    }

    fn is_held_by(&self, me: Process) -> bool {
        Stamp::of(self.word.load(Ordering::Relaxed)) == Some(me.stamp)
    }
}

/// No bug: the proofs below pass.
struct Swapped;

impl Heritage for Swapped {
    fn take(word: &AtomicU64, seen: u64, mine: u64) -> bool {
        word.compare_exchange(seen, mine, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

/// Nobody inherits.
struct Lost;

impl Heritage for Lost {
    fn take(_: &AtomicU64, _: u64, _: u64) -> bool {
        false
    }
}

/// Each of several heirs takes the word, whatever it has become.
struct Stored;

impl Heritage for Stored {
    fn take(word: &AtomicU64, _: u64, mine: u64) -> bool {
        word.store(mine, Ordering::Release);
        true
    }
}

/// The heir is not told.
struct Untold;

impl Heritage for Untold {
    fn take(word: &AtomicU64, seen: u64, mine: u64) -> bool {
        Swapped::take(word, seen, mine)
    }
    const TELLS: bool = false;
}

/// One process that may die, and two others.
fn three<H: Heritage + 'static>(processes: &Processes) {
    let value = Arc::new(Guarded::<Planted<H>>::new());
    processes.victim(&value, Guarded::add, Guarded::left_by);
    processes.spawn(&value, Guarded::add);
    processes.spawn(&value, Guarded::add);
    processes.run();
    processes.afterwards(&value, |value, me| {
        value.add(me);
        value.check_after_death();
    });
}

/// Without the fuse the bug passes; with it, it is found.
fn only_a_death_shows<H: Heritage + 'static>(name: &'static str, message: &str) {
    let proof = Proof::of(name).preemptions(2);
    proof.explore(three::<H>);
    proof.with_timeouts().explore(three::<H>);
    proof.finds(message, |proof| proof.for_each_death(three::<H>));
}

#[test]
fn a_lock_without_a_bug_passes() {
    let proof = Proof::of("planted: none").preemptions(2);
    proof.explore(three::<Swapped>);
    proof.for_each_death(three::<Swapped>);
}

#[test]
fn a_lock_that_nobody_inherits() {
    only_a_death_shows::<Lost>("planted: no heir", "not healed");
}

#[test]
fn a_lock_that_two_inherit() {
    only_a_death_shows::<Stored>("planted: two heirs", "told without a reason");
}

#[test]
fn an_heir_that_is_not_told() {
    only_a_death_shows::<Untold>("planted: untold heir", "or not at all");
}
