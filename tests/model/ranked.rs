//! Queues in another order than that of arrival, beside a list that is searched.

use std::time::Duration;

use killproof::channel::{Builder, Key, Receiver, RecvError, SendError, Sender, Task, lifo};
use proptest::prelude::{any, proptest};

const LEASES: usize = 2;

type Message<K> = (K, u32);

struct Model<K> {
    capacity: usize,
    /// In the order in which they were sent.
    inside: Vec<Message<K>>,
    returned: Vec<Message<K>>,
    first: fn(&[Message<K>]) -> Option<usize>,
}

fn smallest<K: Key + Ord>(inside: &[Message<K>]) -> Option<usize> {
    (0..inside.len()).min_by_key(|index| inside[*index].0)
}

fn latest<K>(inside: &[Message<K>]) -> Option<usize> {
    inside.len().checked_sub(1)
}

impl<K: Key + PartialEq + std::fmt::Debug> Model<K> {
    /// Takes out of the model what was received.
    fn takes(&mut self, message: Message<K>) {
        match self.returned.iter().position(|returned| *returned == message) {
            Some(index) => drop(self.returned.swap_remove(index)),
            None => {
                assert_eq!(self.returned, [], "what came back comes first");
                let first = (self.first)(&self.inside).expect("something is there");
                assert_eq!(self.inside.remove(first), message);
            }
        }
    }

    fn step<'a>(
        &mut self,
        code: u8,
        message: Message<K>,
        (sender, receiver): (&Sender<Message<K>>, &'a Receiver<Message<K>>),
        tasks: &mut Vec<Task<'a, Message<K>>>,
    ) {
        match code {
            0..=119 => match sender.try_send(message) {
                Ok(()) => self.inside.push(message),
                Err(error) => {
                    assert_eq!(error, SendError::Full(message));
                    assert_eq!(self.inside.len(), self.capacity);
                }
            },
            120..=169 => match receiver.try_recv() {
                Ok(message) => self.takes(message),
                Err(error) => assert_eq!((error, self.len()), (RecvError::Empty, 0)),
            },
            170..=209 => match receiver.try_lease() {
                Ok(task) => {
                    self.takes(*task);
                    tasks.push(task);
                }
                Err(RecvError::Failed(error)) => {
                    assert!(error.is_limit() && tasks.len() == LEASES && !self.inside.is_empty());
                }
                Err(error) => assert_eq!((error, self.len()), (RecvError::Empty, 0)),
            },
            210..=232 => drop(tasks.pop().map(Task::done)),
            _ => {
                if let Some(task) = tasks.pop() {
                    self.returned.push(*task);
                }
            }
        }
        assert_eq!([sender.len(), receiver.len()], [self.len(); 2]);
        assert_eq!(sender.is_full(), self.inside.len() == self.capacity);
        let is_done = self.len() == 0 && tasks.is_empty();
        assert_eq!(receiver.join_timeout(Duration::ZERO).is_ok(), is_done);
    }

    fn len(&self) -> usize {
        self.inside.len() + self.returned.len()
    }
}

/// Keys of few values, so that many are equal.
fn run<K: Key + PartialEq + std::fmt::Debug>(
    (sender, receiver): (Sender<Message<K>>, Receiver<Message<K>>),
    first: fn(&[Message<K>]) -> Option<usize>,
    key: fn(u8) -> K,
    codes: &[(u8, u8)],
) {
    let capacity = sender.capacity();
    let mut model = Model { capacity, inside: Vec::new(), returned: Vec::new(), first };
    let mut tasks = Vec::new();
    for (number, (code, detail)) in (0..).zip(codes) {
        model.step(*code, (key(*detail), number), (&sender, &receiver), &mut tasks);
    }
    model.returned.extend(tasks.iter().map(|task| **task));
    drop(tasks);
    drop(sender);
    receiver.iter().for_each(|message| model.takes(message));
    assert_eq!(model.len(), 0);
}

proptest! {
    #[test]
    fn the_smallest_key_comes_first(
        capacity in 1_usize..6,
        codes in proptest::collection::vec(any::<(u8, u8)>(), 0..200),
    ) {
        let builder = Builder::new().capacity(capacity).leases(LEASES);
        run(builder.clone().priority().unwrap(), smallest, |detail| i64::from(detail % 5) - 2, &codes);
        run(builder.priority().unwrap(), smallest, |detail| detail % 3, &codes);
    }

    #[test]
    fn the_latest_comes_first(
        capacity in 1_usize..6,
        codes in proptest::collection::vec(any::<(u8, u8)>(), 0..200),
    ) {
        let builder = Builder::new().capacity(capacity).leases(LEASES);
        run(builder.lifo().unwrap(), latest, |detail| detail, &codes);
    }
}

#[test]
fn a_message_of_any_size_has_a_key() {
    let builder = Builder::new().capacity(3).inline(16).largest(1000);
    let (sender, receiver) = builder.priority::<u8, Vec<u8>>().unwrap();
    sender.send_many([(2, vec![2; 900]), (3, vec![3]), (1, vec![1; 500])]).unwrap();
    drop(sender);
    let keys: Vec<(u8, usize)> = receiver.iter().map(|(key, bytes)| (key, bytes.len())).collect();
    assert_eq!(keys, [(1, 500), (2, 900), (3, 1)]);
}

#[test]
fn a_queue_by_rank_has_a_limit_of_its_own() {
    let most = Builder::MAX_RANKED_CAPACITY;
    assert!(lifo::<u8>(most).is_ok());
    assert!(lifo::<u8>(most + 1).map(drop).unwrap_err().is_limit());
    assert!(Builder::new().capacity(most + 1).queue::<u8>().is_ok());
}
