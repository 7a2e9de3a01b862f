//! The way of a victim through its operation, and how another one is brought to a place
//! on it without a stop at each instruction before.
//!
//! Whoever has stepped through an operation once knows, for each step, when its
//! instruction came before. One that came last before step p is met next at its step k by
//! a process that is anywhere between p + 1 and k: so it may run there by itself, up to a
//! breakpoint. A place behind loops takes a breakpoint for each time around.

use std::collections::HashMap;
use std::iter;
use std::time::Duration;

use crate::common::trace::{Stop, Traced};

/// Below so many steps a breakpoint is not worth what it costs.
const WORTH: usize = 4;

/// So many stops are few.
const FEW: usize = 100;

/// The addresses that a victim came by.
#[derive(Default)]
pub struct Way {
    places: Vec<Place>,
    latest: HashMap<u64, usize>,
}

/// Where a victim is before a step.
struct Place {
    address: u64,
    /// The step of the place to come from.
    from: usize,
    /// How many places there are to come by on the way.
    legs: usize,
}

impl Way {
    /// Says where a victim is after so many steps, if this is the first to come so far.
    pub fn note(&mut self, steps: usize, victim: &Traced) {
        if steps != self.places.len() {
            return;
        }
        let address = victim.address();
        let before = self.latest.insert(address, steps);
        let from = before.map_or(0, |before| (before + 1).min(steps - 1));
        let legs = if steps == 0 { 0 } else { self.places[from].legs + 1 };
        self.places.push(Place { address, from, legs });
    }

    /// The farthest of the places known that is not behind `k`.
    pub fn known(&self, k: usize) -> usize {
        k.min(self.places.len().saturating_sub(1))
    }

    /// The next place, from that after `k` steps on, where a victim comes with few stops:
    /// not where a short loop has gone around many times.
    pub fn near(&self, k: usize) -> usize {
        let near = |k: &usize| self.places.get(*k).is_some_and(|place| place.legs <= FEW);
        (k..self.places.len()).find(near).unwrap_or(k)
    }

    /// Brings a victim that has not taken a step to the place after `k` steps, which is
    /// known. If it goes another way: the last place where it was seen on this one.
    pub fn follow(&self, victim: &Traced, k: usize, blocked: Duration) -> Result<usize, String> {
        let mut at = 0;
        for to in self.legs(k) {
            let address = self.places[to].address;
            let ran = if to - at < WORTH { None } else { victim.run_to(address, blocked)? };
            let stop = match ran {
                Some(stop) => stop,
                None => several(victim, to - at, blocked)?,
            };
            if stop != Stop::Trap || victim.address() != address {
                return Ok(at);
            }
            at = to;
        }
        Ok(at)
    }

    /// The places to come by on the way to that after `k` steps: each is met for the first
    /// time behind the one before it, or is the next.
    fn legs(&self, k: usize) -> Vec<usize> {
        let before = |at: usize| Some(self.places.get(at)?.from).filter(|from| *from > 0);
        let back = iter::successors(Some(k).filter(|k| *k > 0), |at| before(*at));
        let mut legs: Vec<usize> = back.collect();
        legs.reverse();
        legs
    }
}

fn several(victim: &Traced, steps: usize, blocked: Duration) -> Result<Stop, String> {
    for _ in 0..steps {
        match victim.step(blocked)? {
            Stop::Trap => {}
            other => return Ok(other),
        }
    }
    Ok(Stop::Trap)
}
