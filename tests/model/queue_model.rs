//! A queue beside a model of it. The fuzz target uses this file too.

use std::collections::VecDeque;
use std::time::Duration;

use killproof::channel::{Builder, Receiver, RecvError, SendError, Sender, Task};

/// Small, so that short runs wrap around and come to every limit.
pub const LEASES: usize = 3;
const INLINE: usize = 16;
const LARGEST: usize = 64;
const ENDS: usize = 3;
/// Room for the number that makes a message unlike the others.
const SMALLEST: usize = 2;

#[derive(Clone, Copy, Debug)]
pub enum Operation {
    /// A message of this many bytes.
    Send(usize),
    Receive,
    Lease,
    /// Finishes one of the tasks at hand.
    Done(usize),
    /// Gives one of the tasks at hand back.
    Return(usize),
    /// Leases a dead letter.
    Bury,
    CloneSender,
    DropSender,
    CloneReceiver,
    DropReceiver,
    Close,
}

impl Operation {
    /// Every pair of bytes is an operation; the frequent ones have many.
    pub fn of(code: u8, detail: u8) -> Operation {
        let detail = usize::from(detail);
        match code {
            0..=89 => Operation::Send(SMALLEST + detail % LARGEST),
            90..=99 => Operation::Bury,
            100..=149 => Operation::Receive,
            150..=189 => Operation::Lease,
            190..=214 => Operation::Done(detail),
            215..=239 => Operation::Return(detail),
            240..=243 => Operation::CloneSender,
            244..=247 => Operation::DropSender,
            248..=250 => Operation::CloneReceiver,
            251..=253 => Operation::DropReceiver,
            _ => Operation::Close,
        }
    }
}

type Message = Vec<u8>;

/// A message that a receiver could have.
#[derive(Clone, Debug, PartialEq)]
struct Sent {
    id: u64,
    attempts: u32,
    message: Message,
}

struct Model {
    capacity: usize,
    sent: u64,
    ring: VecDeque<Sent>,
    /// Given back, in whatever order they are to come again.
    returned: Vec<Sent>,
    /// Given back after the last attempt.
    letters: Vec<Sent>,
    most_attempts: u32,
    is_closed: bool,
}

struct Ends {
    senders: Vec<Sender<Message>>,
    /// Receive and go. Tasks borrow from another one, which stays.
    receivers: Vec<Receiver<Message>>,
}

/// Runs the operations on a queue and on the model, and compares at each step.
pub fn run(capacity: usize, most_attempts: u32, operations: impl IntoIterator<Item = Operation>) {
    let builder = Builder::new().capacity(capacity).inline(INLINE).largest(LARGEST);
    let builder = builder.leases(LEASES).participants(1).max_attempts(most_attempts);
    let (sender, receiver) = builder.queue::<Message>().unwrap();
    let mut ends = Ends { senders: vec![sender], receivers: Vec::new() };
    let mut tasks = Vec::new();
    let mut model = Model {
        capacity,
        sent: 0,
        ring: VecDeque::new(),
        returned: Vec::new(),
        letters: Vec::new(),
        most_attempts,
        is_closed: false,
    };
    for operation in operations {
        step(operation, &mut ends, &receiver, &mut tasks, &mut model);
        model.compare(&receiver);
        model.compare_join(&receiver, &tasks);
        ends.senders.iter().for_each(|sender| model.compare_sender(sender));
    }
    drain(ends, &receiver, tasks, model);
}

fn step<'a>(
    operation: Operation,
    ends: &mut Ends,
    receiver: &'a Receiver<Message>,
    tasks: &mut Vec<Task<'a, Message>>,
    model: &mut Model,
) {
    match operation {
        Operation::Send(len) => {
            if let Some(sender) = ends.senders.get(len % ENDS) {
                model.send(sender, len);
            }
        }
        Operation::Receive => {
            let other = ends.receivers.get(model.sent as usize % ENDS);
            let is_over = ends.senders.is_empty();
            model.receive(is_over, other.unwrap_or(receiver));
        }
        Operation::Lease => model.lease(ends.senders.is_empty(), receiver, tasks),
        Operation::Bury => model.bury(ends.senders.is_empty(), receiver, tasks),
        Operation::Done(which) if !tasks.is_empty() => {
            let task = tasks.swap_remove(which % tasks.len());
            let message = task.clone();
            assert_eq!(task.done(), message);
        }
        Operation::Return(which) if !tasks.is_empty() => {
            let task = tasks.swap_remove(which % tasks.len());
            model.comes_back(sent(&task));
        }
        Operation::CloneSender => {
            if let Some(sender) = ends.senders.first().filter(|_| ends.senders.len() < ENDS) {
                let clone = sender.clone();
                ends.senders.push(clone);
            }
        }
        Operation::DropSender => drop(ends.senders.pop()),
        Operation::CloneReceiver if ends.receivers.len() < ENDS => {
            ends.receivers.push(receiver.clone());
        }
        Operation::DropReceiver => drop(ends.receivers.pop()),
        Operation::Close => {
            receiver.close();
            model.is_closed = true;
        }
        Operation::Done(_) | Operation::Return(_) | Operation::CloneReceiver => {}
    }
}

fn sent(task: &Task<'_, Message>) -> Sent {
    Sent { id: task.id(), attempts: task.attempts(), message: Vec::clone(task) }
}

/// Everything comes out; then it is over.
fn drain(
    ends: Ends,
    receiver: &Receiver<Message>,
    tasks: Vec<Task<'_, Message>>,
    mut model: Model,
) {
    tasks.iter().map(sent).for_each(|sent| model.comes_back(sent));
    drop(tasks);
    drop(ends);
    model.compare(receiver);
    while !model.is_empty() {
        model.receive(true, receiver);
    }
    model.receive(true, receiver);
    let mut buried = Vec::new();
    while !model.letters.is_empty() {
        model.bury(true, receiver, &mut buried);
    }
    model.bury(true, receiver, &mut buried);
}

impl Model {
    fn is_empty(&self) -> bool {
        self.ring.is_empty() && self.returned.is_empty()
    }

    fn compare(&self, receiver: &Receiver<Message>) {
        assert_eq!(receiver.len(), self.ring.len() + self.returned.len());
        assert_eq!(receiver.is_empty(), self.is_empty());
        assert_eq!(receiver.is_full(), self.ring.len() == self.capacity);
        assert_eq!(receiver.is_closed(), self.is_closed);
        assert_eq!(receiver.capacity(), self.capacity);
        assert_eq!(receiver.dead_letters().len(), self.letters.len());
    }

    fn comes_back(&mut self, sent: Sent) {
        let is_spent = sent.attempts >= self.most_attempts;
        let place = if is_spent { &mut self.letters } else { &mut self.returned };
        place.push(sent);
    }

    /// All is done when nothing is there and no attempt is under way.
    fn compare_join(&self, receiver: &Receiver<Message>, tasks: &[Task<'_, Message>]) {
        let under_way = tasks.iter().any(|task| task.attempts() <= self.most_attempts);
        let joined = receiver.join_timeout(Duration::ZERO);
        match joined {
            Ok(()) => assert!(self.is_empty() && !under_way),
            Err(error) => assert!(error.is_timed_out() && (under_way || !self.is_empty())),
        }
    }

    fn compare_sender(&self, sender: &Sender<Message>) {
        assert_eq!(sender.len(), self.ring.len() + self.returned.len());
        assert_eq!(sender.is_empty(), self.is_empty());
        assert_eq!(sender.is_full(), self.ring.len() == self.capacity);
        assert_eq!(sender.is_closed(), self.is_closed);
    }

    fn send(&mut self, sender: &Sender<Message>, len: usize) {
        let message: Message = self.sent.to_ne_bytes().into_iter().cycle().take(len).collect();
        // A list's length takes eight bytes of its encoding.
        let is_too_large = len + 8 > LARGEST;
        let result = if len < LARGEST / 2 {
            sender.try_send(message.clone())
        } else {
            sender.send_timeout(message.clone(), Duration::ZERO)
        };
        match result {
            Ok(()) => {
                assert!(!self.is_closed && self.ring.len() < self.capacity && !is_too_large);
                self.ring.push_back(Sent { id: self.sent, attempts: 0, message });
                self.sent += 1;
            }
            Err(SendError::TooLarge { limit, .. }) => {
                assert!(is_too_large);
                assert_eq!(limit, LARGEST);
            }
            Err(SendError::Closed(_)) => assert!(self.is_closed),
            Err(SendError::Full(_)) => {
                assert!(!self.is_closed);
                assert_eq!(self.ring.len(), self.capacity);
            }
            Err(error) => panic!("{error:?}"),
        }
    }

    fn receive(&mut self, is_over: bool, receiver: &Receiver<Message>) {
        match receiver.try_recv() {
            Ok(message) => {
                let is_it = |sent: &Sent| sent.message == message;
                match self.returned.iter().position(is_it) {
                    Some(index) => drop(self.returned.swap_remove(index)),
                    None => {
                        assert_eq!(self.returned, [], "what came back comes first");
                        assert_eq!(self.ring.pop_front().map(|sent| sent.message), Some(message));
                    }
                }
            }
            Err(error) => self.nothing_there(is_over, &error),
        }
    }

    fn lease<'a>(
        &mut self,
        is_over: bool,
        receiver: &'a Receiver<Message>,
        tasks: &mut Vec<Task<'a, Message>>,
    ) {
        match receiver.try_lease() {
            Ok(task) => {
                let earlier = Sent { attempts: task.attempts() - 1, ..sent(&task) };
                match self.returned.iter().position(|returned| *returned == earlier) {
                    Some(index) => drop(self.returned.swap_remove(index)),
                    None => {
                        assert_eq!(self.returned, [], "what came back comes first");
                        assert_eq!(self.ring.pop_front(), Some(earlier));
                    }
                }
                tasks.push(task);
            }
            Err(RecvError::Failed(error)) => {
                assert!(error.is_limit(), "{error}");
                assert_eq!(tasks.len() + self.letters.len(), LEASES);
                assert!(self.returned.is_empty() && !self.ring.is_empty());
            }
            Err(error) => self.nothing_there(is_over, &error),
        }
    }

    fn bury<'a>(
        &mut self,
        is_over: bool,
        receiver: &'a Receiver<Message>,
        tasks: &mut Vec<Task<'a, Message>>,
    ) {
        match receiver.dead_letters().try_lease() {
            Ok(task) => {
                let earlier = Sent { attempts: task.attempts() - 1, ..sent(&task) };
                let index = self.letters.iter().position(|letter| *letter == earlier);
                self.letters.swap_remove(index.expect("a letter"));
                tasks.push(task);
            }
            // There may be some once what is there was tried.
            Err(RecvError::Empty) if !self.is_empty() => assert!(self.letters.is_empty()),
            Err(error) => {
                assert!(self.letters.is_empty());
                self.nothing_there(is_over, &error);
            }
        }
    }

    fn nothing_there(&self, is_over: bool, error: &RecvError) {
        assert!(self.is_empty(), "{error:?}");
        let expected = match (self.is_closed, is_over) {
            (true, _) => RecvError::Closed,
            (false, true) => RecvError::Disconnected,
            (false, false) => RecvError::Empty,
        };
        assert_eq!(*error, expected);
    }
}
