//! What a worker is doing, in a word that its death does not wipe.

use std::sync::atomic::{AtomicU32, Ordering};

use killproof::shareable;

shareable! {
    /// Each worker has one, in memory shared with the parent.
    pub struct Status {
        state: AtomicU32,
    }
}

/// Where a worker is, and where a kill hits it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum State {
    /// Just born, or about to finish a lease: it may have none.
    Idle,
    /// Inside `lease`.
    Receiving,
    /// It has a lease, and counts.
    Leased,
    /// It has a lease, and is inside `send`.
    Sending,
}

impl State {
    pub const ALL: [(State, &str); 4] = [
        (State::Leased, "leased"),
        (State::Sending, "sending"),
        (State::Receiving, "receiving"),
        (State::Idle, "idle"),
    ];

    pub fn holds_lease(self) -> bool {
        matches!(self, State::Leased | State::Sending)
    }
}

impl Status {
    pub fn new() -> Status {
        Status { state: AtomicU32::new(State::Idle as u32) }
    }

    /// `Leased` and `Sending` are set after a lease was had, and gone before it
    /// is done: whoever dies in one of them surely held one.
    pub fn set(&self, state: State) {
        self.state.store(state as u32, Ordering::Release);
    }

    pub fn state(&self) -> State {
        let word = self.state.load(Ordering::Acquire);
        let known = State::ALL.iter().find(|(state, _)| *state as u32 == word);
        known.map_or(State::Idle, |(state, _)| *state)
    }
}
