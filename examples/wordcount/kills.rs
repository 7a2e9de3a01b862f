//! When to kill, and whom: by progress, never by time.

use crate::status::State;

pub struct Kills {
    asked: usize,
    chunks: usize,
    /// Where each kill that landed hit.
    hits: Vec<State>,
}

impl Kills {
    pub fn new(asked: usize, chunks: usize) -> Kills {
        Kills { asked, chunks, hits: Vec::new() }
    }

    pub fn landed(&self) -> usize {
        self.hits.len()
    }

    pub fn at(&self, place: State) -> usize {
        self.hits.iter().filter(|hit| **hit == place).count()
    }

    fn at_holders(&self) -> usize {
        self.hits.iter().filter(|hit| hit.holds_lease()).count()
    }

    /// At least half hit a worker that held a lease.
    fn half_hit_holders(&self) -> bool {
        2 * self.at_holders() >= self.landed()
    }

    pub fn all_landed(&self) -> bool {
        self.landed() >= self.asked && self.half_hit_holders()
    }

    /// How many chunks are complete when the next kill is due. The kills are
    /// spread evenly; too few on holders of a lease are made up for by more.
    pub fn next_due(&self) -> Option<usize> {
        if self.landed() < self.asked {
            Some((self.landed() + 1) * self.chunks / (self.asked + 1))
        } else {
            (!self.half_hit_holders()).then_some(0)
        }
    }

    /// Whether to kill now.
    pub fn is_due(&self, completed: usize) -> bool {
        let is_over = completed == self.chunks && self.landed() >= self.asked;
        !is_over && self.next_due().is_some_and(|due| due <= completed)
    }

    /// Whom to kill: in turn a sender, somebody who counts, and whoever served
    /// longest. `None`: nobody holds a lease, wait for one who does.
    pub fn choose(&self, states: &[State], completed: usize) -> Option<usize> {
        let one_in = |place| states.iter().position(|state| *state == place);
        let whoever = (!states.is_empty()).then_some(0);
        let may_miss = 2 * self.at_holders() > self.landed();
        match self.landed() % 3 {
            _ if completed == self.chunks => whoever,
            2 if may_miss => whoever,
            0 => one_in(State::Sending).or_else(|| one_in(State::Leased)),
            _ => one_in(State::Leased).or_else(|| one_in(State::Sending)),
        }
    }

    pub fn record(&mut self, hit: State) {
        self.hits.push(hit);
    }
}
