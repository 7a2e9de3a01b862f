//! What all peers have in common: a channel with ends, made before the processes or
//! threads that use it.

use std::fmt::{self, Display, Formatter};

use crate::message::Message;

/// Messages that a channel holds, where that can be said.
pub const CAPACITY: usize = 1024;

/// Who uses a channel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Actors {
    Processes,
    Threads,
}

impl Display for Actors {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Actors::Processes => "processes",
            Actors::Threads => "threads",
        })
    }
}

/// Why a peer cannot be measured here.
#[derive(Debug)]
pub struct Missing(pub String);

/// A way to carry messages.
pub trait Channel<const WORDS: usize>: Sync + Sized {
    type Sender: Sender<WORDS>;
    type Receiver: Receiver<WORDS>;

    /// Who it is for.
    const ACTORS: Actors = Actors::Processes;
    /// Whether it may have several receivers, each message going to one of them.
    const MAY_SHARE: bool = true;

    fn new() -> Result<Self, Missing>;
    /// An end for the process or thread that calls, which has no other.
    fn sender(&self) -> Self::Sender;
    fn receiver(&self) -> Self::Receiver;
}

pub trait Sender<const WORDS: usize> {
    /// Waits for room. False when it is told that nobody is left to receive.
    fn send(&mut self, message: Message<WORDS>) -> bool;
}

pub trait Receiver<const WORDS: usize> {
    /// Waits for a message. `None` when it is told that nobody is left to send.
    fn recv(&mut self) -> Option<Message<WORDS>>;
}
