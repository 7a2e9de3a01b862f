//! The pipe beside a model of it: order, room and how it ends.

use std::collections::VecDeque;
use std::time::Duration;

use killproof::channel::{PipeBuilder, PipeReceiver, PipeSender, RecvError, SendError, pipe};
use killproof::{Ready, select};
use proptest::prelude::{any, proptest};

const CAPACITY: usize = 256;

#[derive(Clone, Copy, Debug)]
enum Operation {
    /// A message of this many bytes, and by which call.
    Send(usize, u8),
    Receive(u8),
    /// Whether a try is worth it.
    Look,
    DropSender,
    DropReceiver,
}

impl Operation {
    fn of(code: u8, detail: u8) -> Operation {
        match code {
            // Up to a few bytes more than there can be room for.
            0..=129 => Operation::Send(usize::from(detail) % (CAPACITY - 12), code),
            130..=225 => Operation::Receive(detail),
            226..=250 => Operation::Look,
            251..=252 => Operation::DropReceiver,
            _ => Operation::DropSender,
        }
    }
}

/// What a list of bytes takes: its record's header, its count, and it.
fn size(len: usize) -> usize {
    (8 + 8 + len).next_multiple_of(8)
}

struct Model {
    ring: VecDeque<Vec<u8>>,
    sent: u64,
    /// What the message takes that was refused since the last one that was sent.
    refused: Option<usize>,
}

impl Model {
    fn room(&self) -> usize {
        CAPACITY - self.ring.iter().map(|message| size(message.len())).sum::<usize>()
    }

    fn send(&mut self, sender: &mut PipeSender<Vec<u8>>, is_alone: bool, len: usize, how: u8) {
        self.sent += 1;
        let message: Vec<u8> = self.sent.to_ne_bytes().into_iter().cycle().take(len).collect();
        let sent = match how % 4 {
            0 => sender.try_send(message.clone()),
            1 => sender.send_timeout(message.clone(), Duration::ZERO),
            2 => sender.try_send_bytes(&message).map_err(owned),
            _ => sender.send_bytes_timeout(&message, Duration::ZERO).map_err(owned),
        };
        let back = match sent {
            Ok(()) => {
                assert!(!is_alone && self.room() >= size(len));
                self.refused = None;
                return self.ring.push_back(message);
            }
            Err(SendError::TooLarge { value, limit }) => {
                assert_eq!(limit, CAPACITY - 8);
                assert!(len + 8 > limit);
                value
            }
            Err(SendError::Disconnected(value)) => {
                assert!(is_alone);
                value
            }
            Err(SendError::Full(value)) => {
                assert!(!is_alone && self.room() < size(len));
                self.refused = Some(size(len));
                value
            }
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(back, message);
    }

    fn look(&self, sender: Option<&PipeSender<Vec<u8>>>, receiver: Option<&PipeReceiver<Vec<u8>>>) {
        let is_ready =
            |thing: &dyn Ready| select(&[thing], Some(Duration::ZERO)).unwrap().is_some();
        if let Some(sender) = sender {
            let has_room = self.room() >= self.refused.unwrap_or(8);
            assert_eq!(is_ready(sender), has_room || receiver.is_none());
        }
        if let Some(receiver) = receiver {
            assert_eq!(is_ready(receiver), !self.ring.is_empty() || sender.is_none());
        }
    }

    fn receive(&mut self, receiver: &mut PipeReceiver<Vec<u8>>, is_over: bool, how: u8) {
        let mut buffer = vec![9; 3];
        let received = match how % 4 {
            0 => receiver.try_recv(),
            1 => receiver.recv_timeout(Duration::ZERO),
            2 => receiver.try_recv_into(&mut buffer).map(|len| taken(&buffer, len)),
            _ => receiver
                .recv_into_timeout(&mut buffer, Duration::ZERO)
                .map(|len| taken(&buffer, len)),
        };
        match self.ring.pop_front() {
            Some(message) => assert_eq!(received, Ok(message)),
            None if is_over => assert_eq!(received, Err(RecvError::Disconnected)),
            None => assert_eq!(received, Err(RecvError::Empty)),
        }
    }
}

fn taken(buffer: &[u8], len: usize) -> Vec<u8> {
    assert_eq!(buffer.len(), len);
    buffer.to_vec()
}

fn owned(error: SendError<&[u8]>) -> SendError<Vec<u8>> {
    match error {
        SendError::Full(bytes) => SendError::Full(bytes.to_vec()),
        SendError::Disconnected(bytes) => SendError::Disconnected(bytes.to_vec()),
        SendError::TooLarge { value, limit } => {
            SendError::TooLarge { value: value.to_vec(), limit }
        }
        other => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn a_pipe_is_a_deque_of_bytes(codes in proptest::collection::vec(any::<(u8, u8)>(), 0..300)) {
        let builder = PipeBuilder::new().capacity(CAPACITY - 5);
        let (sender, receiver) = builder.pipe::<Vec<u8>>().unwrap();
        let (mut sender, mut receiver) = (Some(sender), Some(receiver));
        let mut model = Model { ring: VecDeque::new(), sent: 0, refused: None };
        for (code, detail) in codes {
            match Operation::of(code, detail) {
                Operation::Send(len, how) => {
                    if let Some(sender) = &mut sender {
                        model.send(sender, receiver.is_none(), len, how);
                    }
                }
                Operation::Receive(how) => {
                    if let Some(receiver) = &mut receiver {
                        model.receive(receiver, sender.is_none(), how);
                    }
                }
                Operation::Look => model.look(sender.as_ref(), receiver.as_ref()),
                Operation::DropSender => drop(sender.take()),
                Operation::DropReceiver => drop(receiver.take()),
            }
        }
        drop(sender);
        if let Some(mut receiver) = receiver {
            (0..=model.ring.len()).for_each(|_| model.receive(&mut receiver, true, 0));
        }
    }

    #[test]
    fn messages_of_every_kind_come_out_as_they_went_in(
        messages in proptest::collection::vec(any::<(u64, String, Option<(bool, Vec<u16>)>)>(), 0..20),
    ) {
        let (mut sender, mut receiver) = pipe().unwrap();
        for message in messages {
            sender.send(message.clone()).unwrap();
            assert_eq!(receiver.recv(), Ok(message));
        }
    }
}

/// Plain ones are read and written where they are, in one piece or two.
#[test]
fn plain_messages_go_around_the_end() {
    let (mut sender, mut receiver) = PipeBuilder::new().capacity(128).pipe::<[u64; 5]>().unwrap();
    for number in 0..100 {
        sender.try_send([number; 5]).unwrap();
        sender.try_send([number + 1; 5]).unwrap();
        assert_eq!(sender.try_send([0; 5]), Err(SendError::Full([0; 5])));
        assert_eq!(receiver.try_recv(), Ok([number; 5]));
        assert_eq!(receiver.try_recv(), Ok([number + 1; 5]));
    }
}

#[test]
fn the_largest_message_is_the_ring_less_eight() {
    let (mut sender, mut receiver) = PipeBuilder::new().capacity(4096).pipe::<Vec<u8>>().unwrap();
    assert_eq!((sender.capacity(), sender.largest(), receiver.largest()), (4096, 4088, 4088));
    for _ in 0..3 {
        sender.try_send(vec![7; 4080]).unwrap();
        assert_eq!(receiver.try_recv().unwrap(), [7; 4080]);
        sender.try_send(vec![1; 3]).unwrap();
        assert_eq!(receiver.try_recv().unwrap(), [1; 3]);
    }
    let too_large = sender.try_send(vec![7; 4081]);
    assert_eq!(too_large, Err(SendError::TooLarge { value: vec![7; 4081], limit: 4088 }));
}

#[test]
fn a_pipe_of_nothing_counts() {
    let (mut sender, mut receiver) = PipeBuilder::new().capacity(0).pipe::<()>().unwrap();
    assert_eq!((0..).take_while(|_| sender.try_send(()).is_ok()).count(), 8);
    assert_eq!((0..).take_while(|_| receiver.try_recv().is_ok()).count(), 8);
}

#[test]
fn sizes_that_cannot_be_are_refused() {
    let refused = |capacity| PipeBuilder::new().capacity(capacity).pipe::<[u64; 64]>().unwrap_err();
    for capacity in [0, 512, PipeBuilder::MAX_CAPACITY + 1, usize::MAX] {
        assert!(refused(capacity).is_limit(), "{capacity}");
    }
    assert!(PipeBuilder::new().capacity(520).pipe::<[u64; 64]>().is_ok());
}

#[test]
fn its_state_is_shown() {
    let (mut sender, receiver) = pipe::<u64>().unwrap();
    sender.send(1).unwrap();
    let pid = std::process::id();
    let state =
        format!("filled: 16, capacity: 65536, sender: {pid} (alive), receiver: {pid} (alive)");
    assert_eq!(format!("{sender:?}"), format!("PipeSender {{ {state}, .. }}"));
    assert_eq!(format!("{receiver:?}"), format!("PipeReceiver {{ {state}, .. }}"));
    drop(receiver);
    assert!(format!("{sender:?}").contains("receiver: nobody"));
}
