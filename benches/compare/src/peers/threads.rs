//! Between threads: crossbeam's ArrayQueue and rtrb. Whoever cannot go on looks again,
//! and lets others run.

use std::sync::{Arc, Mutex};

use crossbeam_queue::ArrayQueue;
use rtrb::{Consumer, Producer, PushError, RingBuffer};

use super::ours::take;
use crate::channel::{Actors, CAPACITY, Channel, Missing, Receiver, Sender};
use crate::common::trips::wait;
use crate::message::Message;

pub struct Array<const WORDS: usize>(Arc<ArrayQueue<Message<WORDS>>>);

impl<const WORDS: usize> Channel<WORDS> for Array<WORDS> {
    type Sender = Arc<ArrayQueue<Message<WORDS>>>;
    type Receiver = Arc<ArrayQueue<Message<WORDS>>>;

    const ACTORS: Actors = Actors::Threads;

    fn new() -> Result<Self, Missing> {
        Ok(Array(Arc::new(ArrayQueue::new(CAPACITY))))
    }

    fn sender(&self) -> Self::Sender {
        Arc::clone(&self.0)
    }

    fn receiver(&self) -> Self::Receiver {
        Arc::clone(&self.0)
    }
}

impl<const WORDS: usize> Sender<WORDS> for Arc<ArrayQueue<Message<WORDS>>> {
    #[inline]
    fn send(&mut self, mut message: Message<WORDS>) -> bool {
        let mut looks = 0;
        while let Err(back) = self.push(message) {
            message = back;
            wait(&mut looks);
        }
        true
    }
}

impl<const WORDS: usize> Receiver<WORDS> for Arc<ArrayQueue<Message<WORDS>>> {
    #[inline]
    fn recv(&mut self) -> Option<Message<WORDS>> {
        let mut looks = 0;
        loop {
            match self.pop() {
                Some(message) => return Some(message),
                None => wait(&mut looks),
            }
        }
    }
}

pub struct Ring<const WORDS: usize> {
    producer: Mutex<Option<Producer<Message<WORDS>>>>,
    consumer: Mutex<Option<Consumer<Message<WORDS>>>>,
}

impl<const WORDS: usize> Channel<WORDS> for Ring<WORDS> {
    type Sender = Producer<Message<WORDS>>;
    type Receiver = Consumer<Message<WORDS>>;

    const ACTORS: Actors = Actors::Threads;
    const MAY_SHARE: bool = false;

    fn new() -> Result<Self, Missing> {
        let (producer, consumer) = RingBuffer::new(CAPACITY);
        Ok(Ring { producer: Mutex::new(Some(producer)), consumer: Mutex::new(Some(consumer)) })
    }

    fn sender(&self) -> Self::Sender {
        take(&self.producer)
    }

    fn receiver(&self) -> Self::Receiver {
        take(&self.consumer)
    }
}

impl<const WORDS: usize> Sender<WORDS> for Producer<Message<WORDS>> {
    #[inline]
    fn send(&mut self, mut message: Message<WORDS>) -> bool {
        let mut looks = 0;
        while let Err(PushError::Full(back)) = self.push(message) {
            message = back;
            wait(&mut looks);
        }
        true
    }
}

impl<const WORDS: usize> Receiver<WORDS> for Consumer<Message<WORDS>> {
    #[inline]
    fn recv(&mut self) -> Option<Message<WORDS>> {
        let mut looks = 0;
        loop {
            match self.pop() {
                Ok(message) => return Some(message),
                Err(_) => wait(&mut looks),
            }
        }
    }
}
