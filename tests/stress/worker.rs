//! A worker: random operations on everything, with all that must hold at once.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use killproof::channel::{RecvError, SendError, Task};

use crate::common::forms::AWAITING;
use crate::common::random::Random;
use crate::desk::{Desk, Doing};
use crate::linear::{Order, key_of};
use crate::parcel::{Label, PILL, Parcel};
use crate::polls::Poll;
use crate::world::{Taking, World};

/// Long enough to sleep, short enough to end often.
pub const BRIEFLY: Duration = Duration::from_micros(300);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trade {
    Sender,
    Receiver,
}

pub struct Worker<'a, T: Parcel> {
    pub world: &'a World<T>,
    pub desk: &'a Desk,
    /// No two workers of a round have the same.
    pub number: u64,
    pub random: Random,
    sent: u64,
    /// The last of each sender, and of each key where that is the order, that came for
    /// the first time.
    seen: HashMap<(u64, u64), u64>,
}

/// The queue is over, or the worker retires.
struct Over;

impl<'a, T: Parcel> Worker<'a, T> {
    pub fn new(world: &'a World<T>, desk: &'a Desk, number: u64, random: Random) -> Self {
        Self { world, desk, number, random, sent: 0, seen: HashMap::new() }
    }

    pub fn work(&mut self, trade: Trade) -> Result<(), String> {
        self.desk.sit_down();
        loop {
            self.desk.beats();
            let over = match self.random.below(8) {
                0 => self.add().map(|()| None)?,
                1 => self.use_permit().map(|()| None)?,
                2 => self.clone_and_drop(trade),
                _ if trade == Trade::Sender => self.send()?,
                _ => self.take()?,
            };
            // Some go of their own accord, and are replaced as well.
            if over.is_some() || self.random.one_in(5_000) {
                return Ok(());
            }
        }
    }

    fn send(&mut self) -> Result<Option<Over>, String> {
        if self.world.is_over() {
            return Ok(Some(Over));
        }
        let Some(id) = self.world.ledger.draw() else { return Ok(Some(Over)) };
        let label = Label { id, source: self.number, sequence: self.sent };
        self.sent += 1;
        let (sender, poll) = (self.world.sender(), Poll::any(&mut self.random));
        let sent = match self.random.below(6) {
            0 => sender.try_send(T::new(label)),
            1 => sender.send_timeout(T::new(label), BRIEFLY),
            2 => poll.send(&*sender, T::new(label), |value| sender.try_send(value)),
            3 => AWAITING.send(&sender, T::new(label)),
            _ => sender.send(T::new(label)),
        };
        match sent {
            Ok(()) => {
                self.world.ledger.sent(id)?;
                Ok(None)
            }
            Err(error) => {
                self.world.ledger.refused(id)?;
                match error {
                    SendError::Full(_) => Ok(None),
                    SendError::Closed(_) if self.world.is_over() => Ok(Some(Over)),
                    other => Err(format!("send: {other}")),
                }
            }
        }
    }

    fn take(&mut self) -> Result<Option<Over>, String> {
        match self.world.taking {
            Taking::Receive => self.receive(),
            Taking::Lease => self.lease(),
            Taking::Both if self.random.one_in(2) => self.receive(),
            Taking::Both => self.lease(),
        }
    }

    fn lease(&mut self) -> Result<Option<Over>, String> {
        let is_letter = self.world.attempts.is_some() && self.random.one_in(4);
        let leased = if is_letter { self.lease_letter() } else { self.lease_message() };
        let task = match leased {
            Ok(task) => task,
            // Others have as many as there may be.
            Err(RecvError::Failed(error)) if error.is_limit() => return Ok(None),
            Err(error) => return self.why(error),
        };
        if self.world.attempts.is_some_and(|most| (task.attempts() > most) != is_letter) {
            return Err(format!("attempt {}, letter: {is_letter}", task.attempts()));
        }
        if is_letter {
            self.world.ledger.letters.fetch_add(1, Ordering::Relaxed);
        }
        self.handle(task)
    }

    /// Waits a little only: nobody says that there will ever be one.
    fn lease_letter(&mut self) -> Result<Task<'a, T>, RecvError> {
        let receiver = self.world.receiver();
        match self.random.one_in(2) {
            true => receiver.dead_letters().try_lease(),
            false => receiver.dead_letters().lease_timeout(BRIEFLY),
        }
    }

    fn receive(&mut self) -> Result<Option<Over>, String> {
        let receiver = self.world.receiver();
        let poll = Poll::any(&mut self.random);
        self.desk.is(Doing::Receiving);
        let received = match self.random.below(6) {
            0 => receiver.try_recv(),
            1 => receiver.recv_timeout(BRIEFLY),
            2 => poll.recv(receiver, || receiver.try_recv()),
            3 => AWAITING.recv(receiver),
            _ => receiver.recv(),
        };
        let over = match received {
            Ok(message) => {
                let label = message.label().ok_or("a torn message")?;
                if label.id == PILL {
                    return Ok(Some(Over));
                }
                self.world.ledger.taken(label.id)?;
                // Where there are leases, it may have been handed out before.
                if self.world.taking == Taking::Receive {
                    self.in_order(label)?;
                }
                None
            }
            Err(error) => self.why(error)?,
        };
        self.desk.is(Doing::Nothing);
        Ok(over)
    }

    fn lease_message(&mut self) -> Result<Task<'a, T>, RecvError> {
        let receiver = self.world.receiver();
        let poll = Poll::any(&mut self.random);
        match self.random.below(6) {
            0 => receiver.try_lease(),
            1 => receiver.lease_timeout(BRIEFLY),
            2 => poll.recv(receiver, || receiver.try_lease()),
            3 => AWAITING.lease(receiver),
            _ => receiver.lease(),
        }
    }

    fn handle(&mut self, task: Task<'_, T>) -> Result<Option<Over>, String> {
        let label = task.label().ok_or("a torn message on lease")?;
        if label.id == PILL {
            task.done();
            return Ok(Some(Over));
        }
        self.world.ledger.leased(label.id, task.attempts())?;
        if task.attempts() == 1 {
            self.in_order(label)?;
        }
        match self.random.below(64) {
            0..8 => {
                self.world.ledger.returns(label.id);
                drop(task);
            }
            8 => {
                // Somebody will find that it never came back.
                std::mem::forget(task);
                return Ok(Some(Over));
            }
            other => {
                if other < 16 {
                    self.add()?;
                }
                self.desk.finishes(label.id);
                task.done();
                self.world.ledger.taken(label.id)?;
                self.desk.is(Doing::Nothing);
            }
        }
        Ok(None)
    }

    fn why(&self, error: RecvError) -> Result<Option<Over>, String> {
        match error {
            RecvError::Empty => Ok(None),
            RecvError::Closed | RecvError::Disconnected if self.world.is_over() => Ok(Some(Over)),
            other => Err(format!("receive: {other}")),
        }
    }

    /// One sender's messages come in the order in which they were sent, to each
    /// receiver: those of one key where that goes first, and none of a stack's, on which
    /// others are put meanwhile.
    fn in_order(&mut self, label: Label) -> Result<(), String> {
        let key = match self.world.order {
            Order::Arrival => 0,
            Order::Smallest => key_of(label.id),
            Order::Latest => return Ok(()),
        };
        match self.seen.insert((label.source, key), label.sequence) {
            Some(before) if before >= label.sequence => {
                Err(format!("{label:?} comes after number {before}"))
            }
            _ => Ok(()),
        }
    }

    fn clone_and_drop(&self, trade: Trade) -> Option<Over> {
        match trade {
            Trade::Sender => drop(self.world.sender().clone()),
            Trade::Receiver => drop(self.world.receiver().clone()),
        }
        None
    }
}
