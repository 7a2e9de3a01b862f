//! Messages written and read where they lie, beside a model: what is in the queue, what
//! is on loan, and how many blocks that takes.

use std::collections::VecDeque;

use killproof::channel::{Builder, Received, Receiver, RecvError, Reservation, SendError, Sender};
use proptest::prelude::{any, proptest};

const CAPACITY: usize = 2;
/// The capacity, one lease, and one participant.
const BLOCKS: usize = CAPACITY + 1 + 1;
const INLINE: usize = 16;
const LARGEST: usize = 64;

/// What a list of bytes encodes to.
fn encoded(len: usize) -> usize {
    8 + len
}

fn blocks_of(message: &[u8]) -> usize {
    usize::from(encoded(message.len()) > INLINE)
}

#[derive(Default)]
struct World<'a> {
    queued: VecDeque<Vec<u8>>,
    reserved: Vec<(Reservation<'a>, Vec<u8>)>,
    received: Vec<(Received<'a>, Vec<u8>)>,
    sent: u64,
    is_closed: bool,
}

impl<'a> World<'a> {
    fn blocks(&self) -> usize {
        let reserved = self.reserved.iter().map(|(_, message)| message);
        let received = self.received.iter().map(|(_, message)| message);
        self.queued.iter().chain(reserved).chain(received).map(|message| blocks_of(message)).sum()
    }

    fn reserve(&mut self, sender: &'a Sender<Vec<u8>>, len: usize) {
        self.sent += 1;
        let message: Vec<u8> = self.sent.to_ne_bytes().into_iter().cycle().take(len).collect();
        let is_full = blocks_of(&message) > 0 && self.blocks() == BLOCKS;
        match sender.try_reserve(len) {
            Ok(mut reservation) => {
                assert!(!self.is_closed && !is_full && encoded(len) <= LARGEST);
                assert_eq!(reservation.len(), len);
                reservation.copy_from_slice(&message);
                self.reserved.push((reservation, message));
            }
            Err(SendError::TooLarge { limit, .. }) => {
                assert!(encoded(len) > LARGEST && limit == LARGEST);
            }
            Err(SendError::Closed(())) => assert!(self.is_closed),
            Err(SendError::Full(())) => assert!(is_full),
            Err(other) => panic!("{other:?}"),
        }
    }

    fn commit(&mut self, which: usize) {
        if self.reserved.is_empty() {
            return;
        }
        let (reservation, message) = self.reserved.swap_remove(which % self.reserved.len());
        match reservation.try_commit() {
            Ok(()) => {
                assert!(!self.is_closed && self.queued.len() < CAPACITY);
                self.queued.push_back(message);
            }
            Err(SendError::Closed(_)) => assert!(self.is_closed),
            Err(SendError::Full(reservation)) => {
                assert_eq!(self.queued.len(), CAPACITY);
                assert_eq!(reservation[..], message);
                self.reserved.push((reservation, message));
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    fn receive(&mut self, receiver: &'a Receiver<Vec<u8>>, by_reference: bool) {
        if !by_reference {
            assert_eq!(receiver.try_recv().ok(), self.queued.pop_front());
            return;
        }
        match (receiver.try_recv_ref(), self.queued.pop_front()) {
            (Ok(received), Some(message)) => {
                assert_eq!(received[..], message);
                self.received.push((received, message));
            }
            (Err(RecvError::Closed), None) => assert!(self.is_closed),
            (Err(RecvError::Empty), None) => assert!(!self.is_closed),
            (other, _) => panic!("{other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn loans_are_the_messages_that_went_in(
        codes in proptest::collection::vec(any::<(u8, u8)>(), 0..300),
    ) {
        let builder = Builder::new().capacity(CAPACITY).leases(1).participants(1);
        let (sender, receiver) = builder.inline(INLINE).largest(LARGEST).queue().unwrap();
        let mut world = World::default();
        for (code, detail) in codes {
            let detail = usize::from(detail);
            match code {
                0..=89 => world.reserve(&sender, detail % (LARGEST - 4)),
                90..=159 => world.commit(detail),
                160..=169 if !world.reserved.is_empty() => {
                    drop(world.reserved.swap_remove(detail % world.reserved.len()));
                }
                170..=229 => world.receive(&receiver, detail.is_multiple_of(3)),
                230..=252 if !world.received.is_empty() => {
                    let (received, message) =
                        world.received.swap_remove(detail % world.received.len());
                    assert_eq!(received[..], message);
                }
                253 if detail < 20 => {
                    sender.close();
                    world.is_closed = true;
                }
                _ => {}
            }
        }
        for (received, message) in &world.received {
            assert_eq!(received[..], *message);
        }
    }
}

#[test]
fn a_reservation_of_what_is_too_long_is_refused() {
    let (sender, _receiver) = Builder::new().largest(1000).queue::<Vec<u8>>().unwrap();
    for len in [993, 1000, usize::MAX - 8, usize::MAX] {
        let refused = sender.reserve(len).map(drop);
        assert_eq!(refused, Err(SendError::TooLarge { value: (), limit: 1000 }), "{len}");
    }
    assert_eq!(sender.reserve(992).unwrap().len(), 992);
    assert_eq!(sender.reserve(0).unwrap().len(), 0);
}
