//! Queues in another order than that of arrival, beside a list that is searched.

use std::time::Duration;

use killproof::channel::{Builder, Key, Receiver, RecvError, SendError, Sender, Task, lifo};
use proptest::prelude::{any, proptest};

const LEASES: usize = 2;

type Message<K> = (K, u32);

struct Model<K> {
    capacity: usize,
    /// In the order in which they were sent, which is that of their numbers.
    inside: Vec<Message<K>>,
    returned: Vec<Message<K>>,
    first: fn(&[Message<K>]) -> Option<Message<K>>,
}

fn smallest<K: Key + Ord>(messages: &[Message<K>]) -> Option<Message<K>> {
    messages.iter().copied().min()
}

fn latest<K: Key>(messages: &[Message<K>]) -> Option<Message<K>> {
    messages.iter().copied().max_by_key(|(_, number)| *number)
}

impl<K: Key + Ord + std::fmt::Debug> Model<K> {
    /// Takes out of the model what was received.
    fn takes(&mut self, message: Message<K>) {
        let all = [&self.inside[..], &self.returned].concat();
        assert_eq!((self.first)(&all), Some(message));
        self.forget(message);
    }

    /// The same by a lease, while `held` others are held.
    fn leases(&mut self, message: Message<K>, held: usize) {
        let all = [&self.inside[..], &self.returned].concat();
        let first = (self.first)(&all).expect("something is there");
        let has_room = held + self.returned.len() < LEASES;
        let expected = if has_room || self.returned.contains(&first) {
            Some(first)
        } else {
            (self.first)(&self.returned)
        };
        assert_eq!(expected, Some(message));
        self.forget(message);
    }

    fn forget(&mut self, message: Message<K>) {
        self.inside.retain(|other| *other != message);
        self.returned.retain(|other| *other != message);
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
                    self.leases(*task, tasks.len());
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
fn run<K: Key + Ord + std::fmt::Debug>(
    (sender, receiver): (Sender<Message<K>>, Receiver<Message<K>>),
    first: fn(&[Message<K>]) -> Option<Message<K>>,
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

/// A message that is given back competes with what was sent meanwhile.
#[test]
fn a_worker_gives_back_in_favour_of_a_more_urgent_one() {
    let (sender, receiver) = Builder::new().capacity(4).leases(LEASES).priority().unwrap();
    sender.send_many([(900, 1), (800, 2), (900, 3)]).unwrap();
    let [first, second] = [receiver.lease().unwrap(), receiver.lease().unwrap()];
    assert_eq!([*first, *second], [(800, 2), (900, 1)]);
    drop([second, first]);
    sender.send((1, 4)).unwrap();
    let (order, attempts): (Vec<(i32, u32)>, Vec<u32>) = std::iter::from_fn(|| {
        let task = receiver.try_lease().ok()?;
        let attempts = task.attempts();
        Some((task.done(), attempts))
    })
    .unzip();
    // For the first there is no lease left; all others are in order.
    assert_eq!(order, [(800, 2), (1, 4), (900, 1), (900, 3)]);
    assert_eq!(attempts, [2, 1, 2, 1]);
}

#[test]
fn what_is_given_back_is_received_in_its_place() {
    let (sender, receiver) = lifo(4).unwrap();
    sender.send_many([1, 2]).unwrap();
    drop(receiver.lease().unwrap());
    sender.send(3).unwrap();
    assert_eq!(receiver.try_iter().collect::<Vec<i32>>(), [3, 2, 1]);
    let (sender, receiver) = Builder::new().priority().unwrap();
    sender.send_many([(9, 'a'), (9, 'b')]).unwrap();
    drop(receiver.lease().unwrap());
    sender.send_many([(5, 'c'), (9, 'd')]).unwrap();
    let order: Vec<(u8, char)> = receiver.try_iter().collect();
    assert_eq!(order, [(5, 'c'), (9, 'a'), (9, 'b'), (9, 'd')]);
}
