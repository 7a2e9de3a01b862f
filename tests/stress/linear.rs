//! Whether a history is one of a bounded queue, stack or queue by priority: whether its
//! operations have an order, each at some moment between its begin and its end, in which such a
//! queue would have answered the same.
//!
//! The search is Wing and Gong's ("Testing and Verifying Concurrent Objects",
//! 1993): any of the operations that may come first comes first, and so on; with
//! Lowe's memory of the states from which it led nowhere.

use std::collections::HashSet;
use std::fmt::Write;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    Sent(u64),
    Received(u64),
    /// The answers of those that may not wait, or not for long.
    Full,
    Empty,
    /// Nothing left in a queue that is closed.
    Over,
    /// Killed before it returned: it may have taken effect, or not.
    Sending(u64),
    Receiving,
}

/// Which of the messages in it is received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Arrival,
    Latest,
    /// Of those with the same key, the one that was sent first.
    Smallest,
}

/// The key of a message, where that is its order. Few, so that many are the same.
pub fn key_of(value: u64) -> u64 {
    value % 4
}

#[derive(Clone, Copy, Debug)]
pub struct Event {
    pub begin: u64,
    /// The return, or when its process was seen dead: the dead do nothing more.
    pub end: u64,
    pub done: Done,
}

/// The orders are sets of this many bits.
pub const MOST: usize = u128::BITS as usize;

pub fn check(history: &[Event], capacity: usize, order: Order) -> Result<(), String> {
    let binding = |event: &&Event| !is_disturbed(event, history);
    let mut events: Vec<Event> = history.iter().filter(binding).copied().collect();
    if events.len() > MOST {
        return Err(format!("{} events are more than {MOST}", events.len()));
    }
    events.sort_by_key(|event| event.begin);
    let failed = HashSet::new();
    let mut search = Search { events: &events, capacity, order, failed, furthest: 0 };
    if search.completes(0, &[]) {
        return Ok(());
    }
    let mut story =
        format!("no order of a queue for {capacity}, by {order:?}; the furthest had {:#x} of", {
            search.furthest
        });
    let first = events.first().map_or(0, |event| event.begin);
    for Event { begin, end, done } in &events {
        let _ = write!(story, " {}-{} {done:?};", begin - first, end - first);
    }
    Err(story)
}

/// Answers of Full and Empty, and those of them that the check holds to.
#[derive(Default)]
pub struct Answers {
    pub all: usize,
    pub binding: usize,
}

impl Answers {
    pub fn add(&mut self, history: &[Event]) {
        for event in history.iter().filter(|event| is_in_vain(event.done)) {
            self.all += 1;
            self.binding += usize::from(!is_disturbed(event, history));
        }
    }
}

fn is_in_vain(done: Done) -> bool {
    matches!(done, Done::Full | Done::Empty)
}

/// Whether an answer in vain binds to nothing, since somebody stood in the slot
/// that is next: one that may not wait does not wait for him either.
fn is_disturbed(event: &Event, history: &[Event]) -> bool {
    let moves = |done| !is_in_vain(done) && done != Done::Over;
    let beside = |other: &Event| other.begin <= event.end && event.begin <= other.end;
    is_in_vain(event.done) && history.iter().any(|other| moves(other.done) && beside(other))
}

struct Search<'a> {
    events: &'a [Event],
    capacity: usize,
    order: Order,
    /// What is ordered, and what is in the queue then.
    failed: HashSet<(u128, Vec<u64>)>,
    /// The largest set that was ordered.
    furthest: u128,
}

impl Search<'_> {
    /// Whether those that are not in `ordered` can follow, on a queue with
    /// `inside` in it.
    fn completes(&mut self, ordered: u128, inside: &[u64]) -> bool {
        if ordered.count_ones() > self.furthest.count_ones() {
            self.furthest = ordered;
        }
        let events = self.events;
        let left = || (0..events.len()).filter(|index| ordered >> index & 1 == 0);
        let Some(first_end) = left().map(|index| events[index].end).min() else { return true };
        if !self.failed.insert((ordered, inside.to_vec())) {
            return false;
        }
        left().filter(|index| events[*index].begin <= first_end).any(|index| {
            let after = after(events[index].done, inside, self.capacity, self.order);
            after.into_iter().flatten().any(|inside| self.completes(ordered | 1 << index, &inside))
        })
    }
}

/// What may be in the queue after an operation: nothing fits where it could not
/// have gone so, two where it was killed.
fn after(done: Done, inside: &[u64], capacity: usize, order: Order) -> [Option<Vec<u64>>; 2] {
    let sent = |value| (inside.len() < capacity).then(|| [inside, &[value]].concat());
    let received = || {
        let next = match order {
            Order::Arrival => 0,
            Order::Latest => inside.len().checked_sub(1)?,
            // The first of several.
            Order::Smallest => (0..inside.len()).min_by_key(|index| key_of(inside[*index]))?,
        };
        let mut rest = inside.to_vec();
        (next < rest.len()).then(|| (rest.remove(next), rest))
    };
    let unchanged = || inside.to_vec();
    match done {
        Done::Sent(value) => [sent(value), None],
        Done::Sending(value) => [Some(unchanged()), sent(value)],
        Done::Received(value) => {
            [received().and_then(|(v, rest)| (v == value).then_some(rest)), None]
        }
        Done::Receiving => [Some(unchanged()), received().map(|(_, rest)| rest)],
        Done::Full => [(inside.len() == capacity).then(unchanged), None],
        Done::Empty | Done::Over => [inside.is_empty().then(unchanged), None],
    }
}
