//! A ring behind one process-shared pthread mutex, as people write it who have no queue.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;

use killproof::{Shareable, Shared};

use super::posix::PthreadMutex;
use super::transport::{CAPACITY, Payload, Transport};
use super::trips::wait;

/// Whoever cannot go on looks again, and lets others run: faster here than two
/// condition variables.
pub struct Locked<M: Payload> {
    mutex: Shared<PthreadMutex>,
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
}

// SAFETY: read and written by who has the mutex, alone.
unsafe impl<M: Send> Send for Ring<M> {}
// SAFETY: as above.
unsafe impl<M: Send> Sync for Ring<M> {}
// SAFETY: numbers and `Plain` values, no drop glue; one image of the program.
unsafe impl<M: Payload> Shareable for Ring<M> {}

impl<M: Payload> Locked<M> {
    pub fn new() -> Locked<M> {
        let state = UnsafeCell::new(State { sent: 0, received: 0, is_closed: false });
        let slots = std::array::from_fn(|_| UnsafeCell::new(M::of(0)));
        let ring = Shared::new(Ring { state, slots }).unwrap();
        Locked { mutex: PthreadMutex::new(false), ring }
    }

    /// What `look` makes of the ring, alone with it.
    #[inline]
    fn locked<R>(&self, look: impl FnOnce(&mut State, &Ring<M>) -> R) -> R {
        self.mutex.lock();
        // SAFETY: whoever has the mutex is alone with the state.
        let result = look(unsafe { &mut *self.ring.state.get() }, &self.ring);
        self.mutex.unlock();
        result
    }
}

impl<M: Payload> Transport<M> for Locked<M> {
    #[inline]
    fn send(&self, message: M) -> bool {
        let mut looks = 0;
        loop {
            let sent = self.locked(|state, ring| {
                if state.is_closed {
                    return Some(false);
                }
                if state.sent - state.received == CAPACITY {
                    return None;
                }
                // SAFETY: the caller has the mutex.
                unsafe { *ring.slots[state.sent % CAPACITY].get() = message };
                state.sent += 1;
                Some(true)
            });
            match sent {
                Some(sent) => return sent,
                None => wait(&mut looks),
            }
        }
    }

    #[inline]
    fn recv(&self) -> Option<M> {
        let mut looks = 0;
        loop {
            let received = self.locked(|state, ring| {
                if state.sent == state.received {
                    return state.is_closed.then_some(None);
                }
                // SAFETY: the caller has the mutex.
                let message = unsafe { *ring.slots[state.received % CAPACITY].get() };
                state.received += 1;
                Some(Some(message))
            });
            match received {
                Some(received) => return received,
                None => wait(&mut looks),
            }
        }
    }

    fn finish(&self) {
        self.locked(|state, _| state.is_closed = true);
    }
}
