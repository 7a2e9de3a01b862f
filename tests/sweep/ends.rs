//! The world of the queue's rows: a queue with some messages in it, and the
//! account of all messages there ever were.

use std::cell::{Ref, RefCell};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};

use killproof::Error;
use killproof::channel::{Builder, Receiver, RecvError, SendError, Sender};

use nix::unistd::{Pid, getpid};

use crate::common::child::is_asleep;
use crate::common::fds;
use crate::common::mapped::Mapped;
use crate::common::numbered::{INLINE, Keyed, LARGEST, Numbered, Words};
use crate::row::After;

/// Numbers of messages are below this.
const NUMBERS: usize = 64;
/// From here on they are the survivor's own.
const OWN: u64 = 1000;

/// What a queue is like before the victim comes.
#[derive(Clone, Copy)]
pub struct Shape {
    pub capacity: usize,
    /// Messages 1 to this are in it.
    pub level: u64,
    /// So many went through it before.
    pub earlier: u64,
}

/// Cells for leases; fewer than any capacity here.
pub const LEASES: usize = 2;

pub struct Ends<T: Numbered> {
    sender: RefCell<Option<Sender<T>>>,
    receiver: RefCell<Option<Receiver<T>>>,
    shape: Shape,
    order: Order,
    /// How often the peers received each.
    received: Mapped<[AtomicU32; NUMBERS]>,
    sleeper: Mapped<Sleeper>,
}

/// Which message comes first.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    /// The first that was sent; here the names of messages are numbers in a row.
    Arrival,
    /// The one with the smallest key, which is its number.
    Smallest,
    /// The last that was sent.
    Latest,
}

impl Order {
    /// Takes the one that comes first out of numbers that were sent as they rise.
    fn take(self, numbers: &mut VecDeque<u64>) -> Option<u64> {
        if self == Order::Latest { numbers.pop_back() } else { numbers.pop_front() }
    }

    /// Whether these came as they had to.
    fn check(self, numbers: &[u64]) -> Result<(), String> {
        let right = |pair: &[u64]| (pair[0] < pair[1]) != (self == Order::Latest);
        let all = numbers.windows(2).all(right);
        all.then_some(()).ok_or_else(|| format!("out of order: {numbers:?}"))
    }
}

type Both<T> = (Sender<T>, Receiver<T>);

impl<T: Numbered> Ends<T> {
    pub fn new(shape: Shape) -> Self {
        Self::built(shape, Order::Arrival, Builder::new(), Builder::queue)
    }

    /// One that gives its newest message first.
    pub fn lifo(shape: Shape) -> Self {
        Self::built(shape, Order::Latest, Builder::new(), Builder::lifo)
    }

    /// One in which a message may be tried once.
    pub fn with_one_attempt(shape: Shape) -> Self {
        Self::built(shape, Order::Arrival, Builder::new().max_attempts(1), Builder::queue)
    }

    fn built(
        shape: Shape,
        order: Order,
        builder: Builder,
        build: fn(Builder) -> Result<Both<T>, Error>,
    ) -> Self {
        let builder = builder.capacity(shape.capacity).participants(8).leases(LEASES);
        let (sender, receiver) = build(builder.inline(INLINE).largest(LARGEST)).expect("memory");
        for number in 0..shape.earlier {
            assert!(sender.try_send(T::new(number)).is_ok() && receiver.try_recv().is_ok());
        }
        for number in 1..=shape.level {
            assert!(sender.try_send(T::new(number)).is_ok());
        }
        Self {
            sender: RefCell::new(Some(sender)),
            receiver: RefCell::new(Some(receiver)),
            shape,
            order,
            received: Mapped::new([const { AtomicU32::new(0) }; NUMBERS]),
            sleeper: Mapped::new(Sleeper::default()),
        }
    }

    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The numbers of the messages at the start, split at those `count` that come first.
    pub fn split(&self, count: usize) -> (Vec<u64>, Vec<u64>) {
        let mut rest = (1..=self.shape.level).collect();
        let first = (0..count).map_while(|_| self.order.take(&mut rest)).collect();
        (first, rest.into())
    }

    pub fn sender(&self) -> Ref<'_, Sender<T>> {
        Ref::map(self.sender.borrow(), |end| end.as_ref().expect("not let go of"))
    }

    pub fn receiver(&self) -> Ref<'_, Receiver<T>> {
        Ref::map(self.receiver.borrow(), |end| end.as_ref().expect("not let go of"))
    }

    pub fn drop_sender(&self) {
        self.sender.take();
    }

    pub fn drop_receiver(&self) {
        self.receiver.take();
    }

    /// The peer that somebody else watches.
    pub fn sleeper(&self) -> &Sleeper {
        &self.sleeper
    }

    /// How often a message was received.
    pub fn count(&self, number: usize) -> u32 {
        self.received[number].load(Ordering::Acquire)
    }

    /// Somebody received this one.
    pub fn note(&self, message: &T) -> Result<u64, String> {
        let number = message.number()?;
        let count = &self.received[usize::try_from(number).map_err(|e| e.to_string())?];
        count.fetch_add(1, Ordering::AcqRel);
        Ok(number)
    }

    /// Receives what is left, which is as much as `len` says, in order.
    pub fn drain(&self, after: &After<'_>) -> Result<(), String> {
        let receiver = self.receiver();
        let mut numbers = Vec::new();
        for _ in 0..receiver.len() {
            // It is there, so this returns, whoever died over it.
            numbers.push(self.note(&receiver.recv().map_err(|e| e.to_string())?)?);
            after.recovered();
        }
        self.order.check(&numbers)?;
        nothing(receiver.try_recv().map(|message| message.number()))
    }

    /// The same by leases; returns the numbers of those that had been handed out
    /// before. The others are in order.
    pub fn drain_by_leases(&self, after: &After<'_>) -> Result<Vec<u64>, String> {
        let receiver = self.receiver();
        let (mut fresh, mut again) = (Vec::new(), Vec::new());
        for _ in 0..receiver.len() {
            let task = receiver.lease().map_err(|e| e.to_string())?;
            let number = self.note(&task)?;
            if self.order == Order::Arrival && task.id() != self.shape.earlier + number - 1 {
                return Err(format!("message {number} is called {}", task.id()));
            }
            let which = if task.attempts() == 1 { &mut fresh } else { &mut again };
            which.push(number);
            after.recovered();
            task.done();
        }
        self.order.check(&fresh)?;
        nothing(receiver.try_recv().map(|message| message.number()))?;
        Ok(again)
    }

    /// Takes the dead letters, which are as many as their `len` says.
    pub fn drain_letters(&self, after: &After<'_>) -> Result<(), String> {
        let receiver = self.receiver();
        let letters = receiver.dead_letters();
        for _ in 0..letters.len() {
            let letter = letters.lease().map_err(|e| e.to_string())?;
            if letter.attempts() == 1 {
                return Err("a dead letter after no attempt".into());
            }
            self.note(&letter)?;
            after.recovered();
            letter.done();
        }
        nothing(letters.try_lease().map(|letter| letter.number()))
    }

    /// Each of the required messages was received once, by peers or survivor,
    /// each of the optional ones at most once, and no other.
    pub fn settle(&self, required: &[u64], optional: &[u64]) -> Result<(), String> {
        for (number, count) in (0_u64..).zip(self.received.iter()) {
            let count = count.load(Ordering::Acquire);
            let right = match () {
                () if required.contains(&number) => count == 1,
                () if optional.contains(&number) => count <= 1,
                () => count == 0,
            };
            if !right {
                return Err(format!("message {number} was received {count} times"));
            }
        }
        Ok(())
    }

    /// The empty queue takes exactly its capacity, of leases too, and gives it
    /// all back in order.
    pub fn takes_its_capacity(&self) -> Result<(), String> {
        let (sender, receiver) = (self.sender(), self.receiver());
        let capacity = self.shape.capacity;
        let first = OWN;
        let next = self.fill(first, capacity)?;
        if !(sender.is_full() && receiver.len() == capacity) {
            return Err(format!("full with {capacity}, says it has {}", receiver.len()));
        }
        let mut left: VecDeque<u64> = (first..next).collect();
        let mut tasks = Vec::new();
        for _ in 0..LEASES {
            let number = self.order.take(&mut left).ok_or("fewer than there are leases")?;
            let task = receiver.try_lease().map_err(|e| format!("lease of {number}: {e}"))?;
            if (task.number()?, task.attempts()) != (number, 1) {
                return Err(format!(
                    "lease of {number}: {} at {}",
                    task.number()?,
                    task.attempts()
                ));
            }
            tasks.push(task);
        }
        match receiver.try_lease().map(drop) {
            Err(RecvError::Failed(error)) if error.is_limit() => {}
            other => return Err(format!("one more lease than there is room for: {other:?}")),
        }
        left.extend(next..self.fill(next, LEASES)?);
        tasks.into_iter().for_each(|task| drop(task.done()));
        while let Some(number) = self.order.take(&mut left) {
            let got = receiver.try_recv().map_err(|e| format!("receive of {number}: {e}"))?;
            if got.number()? != number {
                return Err(format!("{} instead of {number}", got.number()?));
            }
        }
        nothing(receiver.try_recv().map(|message| message.number()))?;
        if (receiver.len(), receiver.is_empty()) == (0, true) {
            Ok(())
        } else {
            Err(format!("empty, says it has {}", receiver.len()))
        }
    }

    /// Sends until it is full, which must be after `room` messages; returns the
    /// next number.
    fn fill(&self, from: u64, room: usize) -> Result<u64, String> {
        let sender = self.sender();
        let mut number = from;
        loop {
            match sender.try_send(T::new(number)) {
                Ok(()) => number += 1,
                Err(SendError::Full(_)) if number - from == room as u64 => return Ok(number),
                Err(other) => {
                    let sent = number - from;
                    return Err(format!("{other} after {sent} messages, with room for {room}"));
                }
            }
            if number - from > room as u64 {
                return Err(format!("takes more than {room} messages"));
            }
        }
    }

    /// All of it: what is left, what there was, the capacity, the descriptors.
    pub fn check(
        &self,
        after: &After<'_>,
        required: &[u64],
        optional: &[u64],
    ) -> Result<(), String> {
        self.check_with(required, optional, || self.drain(after))
    }

    /// The same, with another way to get at what is left.
    pub fn check_with<R>(
        &self,
        required: &[u64],
        optional: &[u64],
        drain: impl FnOnce() -> Result<R, String>,
    ) -> Result<R, String> {
        let open = fds::open();
        let drained = drain()?;
        self.settle(required, optional)?;
        self.takes_its_capacity()?;
        if fds::open() == open {
            Ok(drained)
        } else {
            Err(format!("{} descriptors open, before {open}", fds::open()))
        }
    }
}

impl Ends<Keyed> {
    /// One whose order is that of the keys.
    pub fn ranked(shape: Shape) -> Self {
        Self::built(shape, Order::Smallest, Builder::new(), Builder::priority::<u64, Words>)
    }
}

fn nothing(answer: Result<Result<u64, String>, RecvError>) -> Result<(), String> {
    match answer {
        Err(RecvError::Empty) => Ok(()),
        other => Err(format!("more than len said: {other:?}")),
    }
}

/// A peer that another process watches while it waits.
#[derive(Default)]
pub struct Sleeper {
    pid: AtomicI32,
    has_got_it: AtomicBool,
}

impl Sleeper {
    pub fn begins(&self) {
        self.pid.store(getpid().as_raw(), Ordering::Release);
    }

    pub fn is_through(&self) {
        self.has_got_it.store(true, Ordering::Release);
    }

    pub fn has_got_it(&self) -> bool {
        self.has_got_it.load(Ordering::Acquire)
    }

    pub fn is_asleep(&self) -> bool {
        is_asleep(Pid::from_raw(self.pid.load(Ordering::Acquire)))
    }
}
