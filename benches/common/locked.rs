//! A ring behind one process-shared pthread mutex, with a condition variable for each
//! side: as people write it who have no queue.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;

use killproof::{Shareable, Shared};

use super::posix::{PthreadCondvar, PthreadMutex};
use super::transport::{CAPACITY, Payload, Transport};

pub struct Locked<M: Payload> {
    mutex: Shared<PthreadMutex>,
    sent: Shared<PthreadCondvar>,
    received: Shared<PthreadCondvar>,
    ring: Shared<Ring<M>>,
}

struct Ring<M> {
    state: UnsafeCell<State>,
    slots: [UnsafeCell<M>; CAPACITY],
}

#[derive(Clone, Copy)]
struct State {
    sent: usize,
    received: usize,
    is_closed: bool,
    /// How often the mutex went from one side to the other, and who had it last, if that
    /// is counted.
    turns: Option<(usize, Side)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Send,
    Receive,
}

impl State {
    #[inline]
    fn count(&mut self, side: Side) {
        if let Some((turns, last)) = &mut self.turns {
            *turns += usize::from(*last != side);
            *last = side;
        }
    }
}

// SAFETY: read and written by who has the mutex, alone.
unsafe impl<M: Send> Send for Ring<M> {}
// SAFETY: as above.
unsafe impl<M: Send> Sync for Ring<M> {}
// SAFETY: numbers and `Plain` values, no drop glue; one image of the program.
unsafe impl<M: Payload> Shareable for Ring<M> {}

impl<M: Payload> Locked<M> {
    pub fn new() -> Locked<M> {
        Locked::with(None)
    }

    /// One that counts how often the mutex goes from side to side.
    pub fn counting() -> Locked<M> {
        Locked::with(Some((0, Side::Receive)))
    }

    fn with(turns: Option<(usize, Side)>) -> Locked<M> {
        let state = UnsafeCell::new(State { sent: 0, received: 0, is_closed: false, turns });
        let slots = std::array::from_fn(|_| UnsafeCell::new(M::of(0)));
        let ring = Shared::new(Ring { state, slots }).unwrap();
        let (sent, received) = (PthreadCondvar::new(), PthreadCondvar::new());
        Locked { mutex: PthreadMutex::new(false), sent, received, ring }
    }

    /// How many messages went through, on average, until the mutex had been at the other
    /// side and was back.
    pub fn messages_a_round(&self) -> f64 {
        self.mutex.lock();
        // SAFETY: whoever has the mutex is alone with the state.
        let state = unsafe { *self.ring.state.get() };
        self.mutex.unlock();
        let turns = state.turns.map_or(0, |(turns, _)| turns);
        2.0 * state.received as f64 / turns as f64
    }

    /// What `look` makes of the ring, alone with it, as soon as it makes something; one
    /// who waits for that is told.
    #[inline]
    fn locked<R>(
        &self,
        wait_for: &PthreadCondvar,
        then_tell: &PthreadCondvar,
        look: impl Fn(&mut State, &Ring<M>) -> Option<R>,
    ) -> R {
        self.mutex.lock();
        let result = loop {
            // SAFETY: whoever has the mutex is alone with the state.
            match look(unsafe { &mut *self.ring.state.get() }, &self.ring) {
                Some(result) => break result,
                None => wait_for.wait(&self.mutex),
            }
        };
        self.mutex.unlock();
        then_tell.notify_one();
        result
    }
}

impl<M: Payload> Transport<M> for Locked<M> {
    #[inline]
    fn send(&self, message: M) -> bool {
        self.locked(&self.received, &self.sent, |state, ring| {
            if state.is_closed {
                return Some(false);
            }
            if state.sent - state.received == CAPACITY {
                return None;
            }
            state.count(Side::Send);
            // SAFETY: the caller has the mutex.
            unsafe { *ring.slots[state.sent % CAPACITY].get() = message };
            state.sent += 1;
            Some(true)
        })
    }

    #[inline]
    fn recv(&self) -> Option<M> {
        self.locked(&self.sent, &self.received, |state, ring| {
            if state.sent == state.received {
                return state.is_closed.then_some(None);
            }
            state.count(Side::Receive);
            // SAFETY: the caller has the mutex.
            let message = unsafe { *ring.slots[state.received % CAPACITY].get() };
            state.received += 1;
            Some(Some(message))
        })
    }

    fn finish(&self) {
        self.locked(&self.received, &self.sent, |state, _| {
            state.is_closed = true;
            Some(())
        });
        self.sent.notify_all();
        self.received.notify_all();
    }
}
