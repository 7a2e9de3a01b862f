//! The kinds of queues, for rows that are the same for each but for the order in which
//! messages come out.

use killproof::channel::{RecvError, SendError};

use crate::common::forms::Form;
use crate::common::numbered::{Keyed, Numbered, Words};
use crate::ends::{Ends, Shape};
use crate::row::{After, Begin, Peer, Row};

pub struct Kind<T: Numbered> {
    word: &'static str,
    make: fn(Shape) -> Ends<T>,
}

pub const QUEUE: Kind<Words> = Kind { word: "queue", make: Ends::new };
pub const BYTES: Kind<Vec<u8>> = Kind { word: "queue", make: Ends::new };
pub const PRIORITY: Kind<Keyed> = Kind { word: "priority", make: Ends::ranked };
pub const LIFO: Kind<Words> = Kind { word: "lifo", make: Ends::lifo };

impl<T: Numbered> Kind<T> {
    pub fn row(
        &self,
        name: &str,
        shape: Shape,
        operation: fn(&Ends<T>, Begin),
        survive: fn(&Ends<T>, &After<'_>) -> Result<(), String>,
    ) -> Row<Ends<T>> {
        let make = self.make;
        Row::new(format!("{} {name}", self.word), move || make(shape), operation, survive)
    }

    /// The victim sends `N` messages, and nobody else could.
    pub fn last_sender<const N: usize>(
        &self,
        name: &str,
        operation: fn(&Ends<T>, Begin),
    ) -> Row<Ends<T>> {
        let shape = Shape { capacity: 4, level: 0, earlier: 3 };
        self.row(name, shape, operation, over_for_receivers::<T, N>).apart(Ends::drop_sender)
    }

    /// The victim takes one of three, or more, and nobody else could.
    pub fn last_receiver(&self, name: &str, operation: fn(&Ends<T>, Begin)) -> Row<Ends<T>> {
        let shape = Shape { capacity: 3, level: 3, earlier: 3 };
        self.row(name, shape, operation, over_for_senders).apart(Ends::drop_receiver)
    }
}

/// Receives one, or is told that it is over.
pub fn receive<T: Numbered>(form: Form) -> impl Fn(&Ends<T>, &Peer<'_>) -> Result<(), String> {
    move |ends, _| match form.recv(&*ends.receiver()) {
        Ok(message) => ends.note(&message).map(drop),
        Err(RecvError::Disconnected | RecvError::Closed) => Ok(()),
        Err(other) => Err(other.to_string()),
    }
}

/// The same by a lease.
pub fn lease<T: Numbered>(form: Form) -> impl Fn(&Ends<T>, &Peer<'_>) -> Result<(), String> {
    move |ends, _| match form.work(&*ends.receiver()) {
        Ok(message) => ends.note(&message).map(drop),
        Err(RecvError::Disconnected | RecvError::Closed) => Ok(()),
        Err(other) => Err(other.to_string()),
    }
}

/// Sends one, or is told that it is over.
pub fn send<T: Numbered>(form: Form) -> impl Fn(&Ends<T>, &Peer<'_>) -> Result<(), String> {
    move |ends, _| match form.send(&*ends.sender(), T::new(ends.shape().level + 1)) {
        Ok(()) | Err(SendError::Disconnected(_) | SendError::Closed(_)) => Ok(()),
        Err(other) => Err(other.to_string()),
    }
}

/// What the victim sent is received; then, and only then, it is over.
fn over_for_receivers<T: Numbered, const N: usize>(
    ends: &Ends<T>,
    after: &After<'_>,
) -> Result<(), String> {
    loop {
        match ends.receiver().recv() {
            Ok(message) => ends.note(&message)?,
            Err(RecvError::Disconnected) => break,
            Err(other) => return Err(other.to_string()),
        };
        after.recovered();
    }
    let sent: Vec<u64> = (1..=N as u64).collect();
    if after.finished() { ends.settle(&sent, &[]) } else { ends.settle(&[], &sent) }
}

/// Whoever wants to send is told that it is over, at the latest when it is full.
fn over_for_senders<T: Numbered>(ends: &Ends<T>, after: &After<'_>) -> Result<(), String> {
    let sender = ends.sender();
    let mut sent = 0;
    let stopped = loop {
        match sender.send(T::new(8)) {
            Ok(()) => sent += 1,
            Err(stopped) => break stopped,
        }
        after.recovered();
    };
    match stopped {
        SendError::Disconnected(_) if sent <= sender.capacity() => Ok(()),
        other => Err(format!("{other} after {sent} messages")),
    }
}
