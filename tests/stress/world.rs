//! What the workers of a round share.

use std::cell::{Ref, RefCell};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use killproof::Shared;
use killproof::channel::{Builder, Receiver, RecvError, SendError, Sender};
use killproof::sync::{Mutex, OrRecover, Semaphore};

use crate::common::mapped::Mapped;
use crate::common::random::Random;
use crate::desk::{DESKS, Desk};
use crate::ledger::{Ledger, Totals};
use crate::linear::Order;
use crate::parcel::{INLINE, LARGEST, Label, Parcel};

/// How the receivers get at messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taking {
    Receive,
    Lease,
    Both,
}

/// How a queue is built, for its order.
pub type Build<T> = fn(Builder) -> Result<(Sender<T>, Receiver<T>), killproof::Error>;

/// A queue, a lock and a semaphore, and the account of all that happens to them.
pub struct World<T: Parcel> {
    sender: RefCell<Option<Sender<T>>>,
    receiver: Receiver<T>,
    leases: usize,
    /// After so many leases a message is a dead letter, if there are any.
    pub attempts: Option<u32>,
    pub counter: Shared<Mutex<[u64; 2]>>,
    pub permits: Shared<Semaphore>,
    pub most_permits: usize,
    /// Who holds the lock, by his own word; zero is nobody.
    pub inside: Mapped<AtomicU64>,
    pub ledger: Mapped<Ledger>,
    pub desks: Mapped<[Desk; DESKS]>,
    pub taking: Taking,
    pub order: Order,
    over: Mapped<AtomicBool>,
}

impl<T: Parcel> World<T> {
    /// Small ones, of random sizes.
    pub fn new(
        random: &mut Random,
        taking: Taking,
        (order, build): (Order, Build<T>),
    ) -> Result<Self, String> {
        let most_permits = 1 + random.below(3) as usize;
        let leases = 2 + random.below(6) as usize;
        let builder = Builder::new().capacity(1 + random.below(9) as usize).inline(INLINE);
        let mut builder = builder.largest(LARGEST).leases(leases).participants(2 * DESKS);
        let attempts = random.one_in(2).then(|| 1 + random.below(3) as u32);
        if let Some(attempts) = attempts {
            builder = builder.max_attempts(attempts);
        }
        let (sender, receiver) = build(builder).map_err(|e| e.to_string())?;
        Ok(Self {
            sender: RefCell::new(Some(sender)),
            receiver,
            leases,
            attempts,
            counter: Shared::new(Mutex::new([0, 0])).map_err(|e| e.to_string())?,
            permits: Shared::new(Semaphore::new(most_permits)).map_err(|e| e.to_string())?,
            most_permits,
            inside: Mapped::new(AtomicU64::new(0)),
            ledger: Mapped::new(Ledger::new()),
            desks: Mapped::new(Default::default()),
            taking,
            order,
            over: Mapped::new(AtomicBool::new(false)),
        })
    }

    pub fn sender(&self) -> Ref<'_, Sender<T>> {
        Ref::map(self.sender.borrow(), |sender| sender.as_ref().expect("until it is dropped"))
    }

    pub fn drop_sender(&self) {
        self.sender.take();
    }

    pub fn receiver(&self) -> &Receiver<T> {
        &self.receiver
    }

    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    pub fn end(&self) {
        self.over.store(true, Ordering::Release);
    }

    /// Takes what nobody was left to take, dead letters too. Without `all`, what is
    /// there now.
    pub fn drain(&self, all: bool) -> Result<(), String> {
        while all || !self.receiver.is_empty() {
            match self.receiver.recv() {
                Ok(message) => self.last_taken(&message)?,
                Err(RecvError::Closed | RecvError::Disconnected) if all => break,
                Err(other) => return Err(format!("the last receive: {other}")),
            }
        }
        loop {
            match self.receiver.dead_letters().try_lease() {
                Ok(letter) => self.last_taken(&letter.done())?,
                Err(RecvError::Closed | RecvError::Disconnected) if all => return Ok(()),
                Err(RecvError::Empty) if !all => return Ok(()),
                Err(other) => return Err(format!("the last letter: {other}")),
            }
        }
    }

    fn last_taken(&self, message: &T) -> Result<(), String> {
        match message.label().ok_or("a torn message")? {
            Label::HOME => Ok(()),
            label => self.ledger.taken(label.id),
        }
    }

    /// Nobody else is left, and nothing is in the queue: it takes as many
    /// messages, of the largest kind, and gives as many leases as on its first
    /// day.
    pub fn check_room(&self) -> Result<(), String> {
        let (sender, receiver) = (self.sender(), self.receiver());
        let mut next = 0;
        let mut fill = || {
            let mut taken = 0;
            while taken <= receiver.capacity() {
                let label = Label { id: 4 * next, source: 0, sequence: next };
                match sender.try_send(T::new(label)) {
                    Ok(()) => (taken, next) = (taken + 1, next + 1),
                    Err(SendError::Full(_)) => break,
                    Err(other) => return Err(other.to_string()),
                }
            }
            Ok(taken)
        };
        let room = fill()?;
        if [room, receiver.len()] != [receiver.capacity(); 2] || !receiver.is_full() {
            return Err(format!("room for {room} of {}", receiver.capacity()));
        }
        let mut tasks = Vec::new();
        while tasks.len() <= self.leases {
            match receiver.try_lease() {
                Ok(task) => tasks.push(task),
                Err(RecvError::Failed(error)) if error.is_limit() => break,
                Err(other) => return Err(format!("lease {}: {other}", tasks.len())),
            }
            fill()?;
        }
        if tasks.len() != self.leases {
            return Err(format!("{} leases of {}", tasks.len(), self.leases));
        }
        // Of a stack the last one, and then each that was put in the place of one.
        let first = if self.order == Order::Latest { receiver.capacity() as u64 - 1 } else { 0 };
        let in_order = |(at, task): (u64, &_)| is_number::<T>(task, at);
        if !(first..).zip(&tasks).all(|(at, task)| in_order((at, task))) {
            return Err("leased out of order".into());
        }
        tasks.into_iter().for_each(|task| drop(task.done()));
        let mut left = 0;
        while receiver.try_recv().is_ok() {
            left += 1;
        }
        let wanted = receiver.capacity();
        (left == wanted).then_some(()).ok_or_else(|| format!("{left} left of {wanted}"))
    }

    /// Nobody else is left.
    pub fn check(&self) -> Result<Totals, String> {
        let permits = self.permits.available();
        if permits != self.most_permits {
            return Err(format!("{permits} permits of {}", self.most_permits));
        }
        let counter = self.counter.lock().or_recover(|pair| pair[1] = pair[0]);
        self.ledger.check_counter(counter.map_err(|e| e.to_string())?[0])?;
        self.ledger.check()
    }
}

fn is_number<T: Parcel>(message: &T, number: u64) -> bool {
    message.label().is_some_and(|label| label.sequence == number)
}
