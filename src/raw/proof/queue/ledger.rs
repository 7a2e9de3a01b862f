//! What was sent and what arrived, as only the proof knows it.
//!
//! Kept with std's lock: no step, no interleaving. A message is named by its
//! value, so no two may be equal; `10 * n + i` is the i-th of sender n.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::primitive::{Process, Stamp};
use crate::raw::queue::Position;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Note {
    /// Somebody is about to send it.
    Meant(u64),
    /// The send returned.
    Sent(u64),
    /// The lease returned.
    Leased { value: u64, attempts: u32 },
    /// It was read, and is about to be gone for everybody else.
    InHand(u64),
    /// The receive returned, or the lease is finished.
    Received { value: u64, position: Position, by: (Stamp, u64) },
}

#[derive(Debug)]
pub(super) struct Ledger(Mutex<Vec<Note>>);

impl Ledger {
    pub(super) fn new() -> Ledger {
        Ledger(Mutex::new(Vec::new()))
    }

    fn note(&self, note: Note) {
        self.0.lock().unwrap().push(note);
    }

    pub(super) fn meant(&self, value: u64) {
        self.note(Note::Meant(value));
    }

    pub(super) fn sent(&self, value: u64) {
        self.note(Note::Sent(value));
    }

    pub(super) fn leased(&self, value: u64, attempts: u32) {
        self.note(Note::Leased { value, attempts });
    }

    pub(super) fn in_hand(&self, value: u64) {
        self.note(Note::InHand(value));
    }

    pub(super) fn received(&self, value: u64, position: Position, by: Process) {
        self.note(Note::Received { value, position, by: (by.stamp, by.thread) });
    }

    /// Everything was received, each message once; what is missing was in the
    /// hand of somebody who died. And each sender's in the order in which it sent.
    pub(super) fn check(&self) {
        let received = self.check_account();
        for ((one, first), (next, second)) in received.iter().zip(received.iter().skip(1)) {
            assert!(one / 10 != next / 10 || first < second, "{next} overtook {one}");
        }
    }

    /// The first half of that: where each message was.
    pub(super) fn check_account(&self) -> BTreeMap<u64, Position> {
        let notes = self.0.lock().unwrap();
        let mut received = BTreeMap::new();
        let mut attempted = BTreeMap::new();
        for note in notes.iter() {
            match *note {
                Note::Received { value, position, .. } => {
                    assert!(notes.contains(&Note::Meant(value)), "{value}: nobody sent it");
                    assert_eq!(received.insert(value, position), None, "{value}: twice");
                }
                Note::Leased { value, attempts } => {
                    let earlier = attempted.insert(value, attempts);
                    assert!(earlier < Some(attempts), "{value}: attempt {attempts} again");
                }
                _ => {}
            }
        }
        let lost = |note: &&Note| match **note {
            Note::Sent(value) => {
                !received.contains_key(&value) && !notes.contains(&Note::InHand(value))
            }
            _ => false,
        };
        let lost: Vec<&Note> = notes.iter().filter(lost).collect();
        assert!(lost.is_empty(), "lost: {lost:?}");
        received
    }

    /// Nothing came back, so each receiver got its messages in order.
    pub(super) fn check_order(&self) {
        let mut latest = BTreeMap::new();
        for note in self.0.lock().unwrap().iter() {
            if let Note::Received { value, position, by: (stamp, thread) } = *note {
                let earlier = latest.insert((stamp.word(), thread), position);
                assert!(earlier < Some(position), "{value}: out of order");
            }
        }
    }

    /// Whether somebody took it for good, or is about to.
    pub(super) fn is_in_hand(&self, value: u64) -> bool {
        self.0.lock().unwrap().contains(&Note::InHand(value))
    }

    /// Whether everything that was sent was received.
    pub(super) fn all_received(&self) -> bool {
        let notes = self.0.lock().unwrap();
        let is_received = |value| {
            notes.iter().any(|note| matches!(note, Note::Received { value: v, .. } if *v == value))
        };
        notes.iter().all(|note| match *note {
            Note::Sent(value) => is_received(value),
            _ => true,
        })
    }
}
