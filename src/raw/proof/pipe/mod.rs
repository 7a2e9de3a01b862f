//! Proofs of the pipe, with records of two equal words, by number.

mod deaths;
#[cfg(loom)]
mod handed_over;
mod joined;
mod living;
#[cfg(loom)]
mod planted;
mod poll;

use std::sync::{Arc, Mutex};

use crate::deadline::Deadline;
use crate::primitive::{AtomicU64, Bell, Ordering::Relaxed, Patience, Process, Stamp};
use crate::raw::Pipe;
use crate::raw::pipe::{Control, Cursor, GRAIN, Memory, Stop, Wait};
use crate::raw::queue::Side;

/// The size of a record.
const RECORD: u64 = 2 * GRAIN;

pub(super) struct Words {
    control: Control,
    /// Relaxed, so that a missing acquire or release shows as an old word.
    bytes: Vec<AtomicU64>,
    bells: [Bell; 2],
}

impl Memory for Words {
    fn control(&self) -> &Control {
        &self.control
    }

    fn bell(&self, side: Side) -> &Bell {
        &self.bells[side as usize]
    }
}

/// A pipe, and what became of what was sent.
pub(super) struct Tube {
    pub(super) pipe: Pipe<Words>,
    /// How many sends have returned.
    sent: Mutex<u64>,
    received: Mutex<Vec<u64>>,
    /// What the receiver was told last.
    end: Mutex<Option<Stop>>,
}

/// A pipe with room for so many records.
pub(super) fn tube(records: u64) -> Arc<Tube> {
    let capacity = records * RECORD;
    let bytes = (0..capacity / GRAIN).map(|_| AtomicU64::new(0)).collect();
    let bells = [0; 2].map(|_| Bell::new().expect("a descriptor"));
    Arc::new(Tube {
        pipe: Pipe::new(Words { control: Control::new(), bytes, bells }, capacity),
        sent: Mutex::default(),
        received: Mutex::default(),
        end: Mutex::default(),
    })
}

impl Tube {
    /// Before anybody runs: whose the ends are.
    pub(super) fn place(&self, sender: Stamp, receiver: Stamp) {
        self.pipe.place(receiver);
        self.pipe.give(Side::Send, receiver, sender);
    }

    fn claim(
        &self,
        side: Side,
        cursor: &mut Cursor,
        me: Process,
        deadline: Deadline,
    ) -> Result<(), Stop> {
        let patience = Patience::new();
        let wait = Wait { deadline, patience: &patience, ask: deadline.is_now() };
        self.pipe.claim(side, cursor, RECORD, me.stamp, wait)
    }

    fn words(&self, cursor: &Cursor) -> &[AtomicU64] {
        let bytes = &self.pipe.memory.bytes;
        let start = (cursor.position() / GRAIN) as usize % bytes.len();
        &bytes[start..start + 2]
    }

    fn send(&self, cursor: &mut Cursor, me: Process, number: u64) -> Result<(), Stop> {
        self.send_until(cursor, me, number, Deadline::Never)
    }

    fn send_until(
        &self,
        cursor: &mut Cursor,
        me: Process,
        number: u64,
        deadline: Deadline,
    ) -> Result<(), Stop> {
        self.claim(Side::Send, cursor, me, deadline)?;
        self.words(cursor).iter().for_each(|word| word.store(number, Relaxed));
        self.pipe.commit(Side::Send, cursor, RECORD, me.stamp);
        *self.sent.lock().unwrap() = number;
        Ok(())
    }

    fn recv(&self, cursor: &mut Cursor, me: Process, deadline: Deadline) -> Result<u64, Stop> {
        self.claim(Side::Receive, cursor, me, deadline)?;
        let seen: Vec<u64> = self.words(cursor).iter().map(|word| word.load(Relaxed)).collect();
        assert_eq!(seen[0], seen[1], "half a record shows");
        self.received.lock().unwrap().push(seen[0]);
        self.pipe.commit(Side::Receive, cursor, RECORD, me.stamp);
        Ok(seen[0])
    }

    /// Sends the numbers from 1 to `count`, and gives the end up.
    fn send_all(&self, me: Process, count: u64) -> Result<(), Stop> {
        let mut cursor = Cursor::new();
        let sent = (1..=count).try_for_each(|number| self.send(&mut cursor, me, number));
        self.pipe.leave(Side::Send, me.stamp);
        sent
    }

    /// Receives to the end.
    fn recv_all(&self, me: Process) {
        let mut cursor = Cursor::new();
        let end = loop {
            if let Err(stop) = self.recv(&mut cursor, me, Deadline::Never) {
                break stop;
            }
        };
        *self.end.lock().unwrap() = Some(end);
        assert_eq!(end, Stop::Disconnected);
    }

    /// Receives `count` records, and gives the end up.
    fn recv_some(&self, me: Process, count: u64) {
        let mut cursor = Cursor::new();
        for _ in 0..count {
            let _ = self.recv(&mut cursor, me, Deadline::Never);
        }
        self.pipe.leave(Side::Receive, me.stamp);
    }

    /// What was received is what was sent, from its beginning on, in order.
    fn check_order(&self) -> u64 {
        let received = self.received.lock().unwrap();
        let count = received.len() as u64;
        assert!(received.iter().copied().eq(1..=count), "out of order: {received:?}");
        count
    }

    /// Everything that was sent was received; of what a dead process was sending at
    /// most one record more.
    fn check_all(&self) {
        let (received, sent) = (self.check_order(), *self.sent.lock().unwrap());
        assert!(received == sent || received == sent + 1, "lost: {received} of {sent}");
        assert_eq!(self.pipe.filled(), 0, "lost: committed, and not received");
    }
}
