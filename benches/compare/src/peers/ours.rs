//! killproof: the queue, the queue with leases, and the pipe.
#![allow(unsafe_code)]

use std::sync::Mutex;

use killproof::channel::{self, PipeBuilder, PipeReceiver, PipeSender, queue};

use crate::channel::{CAPACITY, Channel, Missing, Receiver, Sender};
use crate::message::Message;

fn missing(error: killproof::Error) -> Missing {
    Missing(error.to_string())
}

pub struct Queue<const WORDS: usize>(
    channel::Sender<Message<WORDS>>,
    channel::Receiver<Message<WORDS>>,
);

impl<const WORDS: usize> Channel<WORDS> for Queue<WORDS> {
    type Sender = channel::Sender<Message<WORDS>>;
    type Receiver = channel::Receiver<Message<WORDS>>;

    fn new() -> Result<Self, Missing> {
        let (sender, receiver) = queue(CAPACITY).map_err(missing)?;
        Ok(Queue(sender, receiver))
    }

    /// A clone counts itself in the process that makes it.
    fn sender(&self) -> Self::Sender {
        self.0.clone()
    }

    fn receiver(&self) -> Self::Receiver {
        self.1.clone()
    }
}

impl<const WORDS: usize> Sender<WORDS> for channel::Sender<Message<WORDS>> {
    #[inline]
    fn send(&mut self, message: Message<WORDS>) -> bool {
        channel::Sender::send(self, message).is_ok()
    }
}

impl<const WORDS: usize> Receiver<WORDS> for channel::Receiver<Message<WORDS>> {
    #[inline]
    fn recv(&mut self) -> Option<Message<WORDS>> {
        channel::Receiver::recv(self).ok()
    }
}

/// The queue, of which a receiver has a message on lease until it takes the next.
pub struct Leases<const WORDS: usize>(Queue<WORDS>);

/// The lease that this process has is never ended: it is one that is killed.
pub struct Leasing<const WORDS: usize>(channel::Receiver<Message<WORDS>>);

impl<const WORDS: usize> Channel<WORDS> for Leases<WORDS> {
    type Sender = channel::Sender<Message<WORDS>>;
    type Receiver = Leasing<WORDS>;

    fn new() -> Result<Self, Missing> {
        Queue::new().map(Leases)
    }

    fn sender(&self) -> Self::Sender {
        self.0.sender()
    }

    fn receiver(&self) -> Self::Receiver {
        Leasing(self.0.receiver())
    }
}

impl<const WORDS: usize> Receiver<WORDS> for Leasing<WORDS> {
    fn recv(&mut self) -> Option<Message<WORDS>> {
        let task = self.0.lease().ok()?;
        let message = *task;
        std::mem::forget(task);
        Some(message)
    }
}

pub struct Pipe<const WORDS: usize> {
    sender: Mutex<Option<PipeSender<Message<WORDS>>>>,
    receiver: Mutex<Option<PipeReceiver<Message<WORDS>>>>,
}

/// What a message takes of a pipe beside itself.
const HEADER: usize = 8;

impl<const WORDS: usize> Channel<WORDS> for Pipe<WORDS> {
    type Sender = PipeSender<Message<WORDS>>;
    type Receiver = PipeReceiver<Message<WORDS>>;

    const MAY_SHARE: bool = false;

    fn new() -> Result<Self, Missing> {
        let bytes = CAPACITY * (size_of::<Message<WORDS>>() + HEADER);
        let (sender, receiver) = PipeBuilder::new().capacity(bytes).pipe().map_err(missing)?;
        Ok(Pipe { sender: Mutex::new(Some(sender)), receiver: Mutex::new(Some(receiver)) })
    }

    fn sender(&self) -> Self::Sender {
        let mut sender = take(&self.sender);
        // SAFETY: the one actor of a run that sends.
        unsafe { sender.adopt() }.expect("an end of this process's own");
        sender
    }

    fn receiver(&self) -> Self::Receiver {
        let mut receiver = take(&self.receiver);
        // SAFETY: the one actor of a run that receives.
        unsafe { receiver.adopt() }.expect("an end of this process's own");
        receiver
    }
}

/// The end that is given out once.
pub fn take<T>(end: &Mutex<Option<T>>) -> T {
    end.lock().expect("nobody panics with it").take().expect("asked for once")
}

impl<const WORDS: usize> Sender<WORDS> for PipeSender<Message<WORDS>> {
    #[inline]
    fn send(&mut self, message: Message<WORDS>) -> bool {
        PipeSender::send(self, message).is_ok()
    }
}

impl<const WORDS: usize> Receiver<WORDS> for PipeReceiver<Message<WORDS>> {
    #[inline]
    fn recv(&mut self) -> Option<Message<WORDS>> {
        PipeReceiver::recv(self).ok()
    }
}
