//! `RwLock`: who may be inside together, and who is told of what.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use killproof::Shared;
use killproof::sync::{Guard, LockError, OrRecover, RwLock, RwLockReadGuard, RwLockWriteGuard};
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};

/// Fewer than there are threads, so that the limit is reached.
const READERS: usize = 2;
const THREADS: usize = 3;

type Lock = RwLock<u64, READERS>;
type Reader<'a> = RwLockReadGuard<'a, u64, READERS>;
type Writer<'a> = RwLockWriteGuard<'a, u64, READERS>;

#[derive(Clone, Debug)]
enum Operation {
    Read,
    /// Reads; if told, puts this in first.
    ReadRecovered(u64),
    Write(u64),
    WriteRecovered(u64),
    Downgrade,
    /// Lets go of the guard taken last.
    Leave,
    /// Panics with the write guard in hand, having set this.
    Panic(u64),
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Value(u64),
    Refused,
    Deadlock,
    Abandoned(u64),
    Nothing,
}

fn operations() -> impl Strategy<Value = Vec<(usize, Operation)>> {
    let operation = prop_oneof![
        4 => Just(Operation::Read),
        1 => any::<u64>().prop_map(Operation::ReadRecovered),
        2 => any::<u64>().prop_map(Operation::Write),
        1 => any::<u64>().prop_map(Operation::WriteRecovered),
        1 => Just(Operation::Downgrade),
        6 => Just(Operation::Leave),
        1 => any::<u64>().prop_map(Operation::Panic),
    ];
    proptest::collection::vec((0..THREADS, operation), 0..60)
}

/// One thread's guards.
#[derive(Default)]
struct Guards<'a> {
    readers: Vec<Reader<'a>>,
    writer: Option<Writer<'a>>,
}

impl<'a> Guards<'a> {
    fn perform(&mut self, lock: &'a Lock, operation: Operation) -> Seen {
        match operation {
            Operation::Read => {
                let (seen, guard) = sort(lock.try_read(), |guard| **guard);
                self.readers.extend(guard);
                seen
            }
            Operation::ReadRecovered(value) => {
                let result = lock.read_timeout(Duration::ZERO).or_recover(|old| *old = value);
                let (seen, guard) = sort(result, |guard| **guard);
                self.readers.extend(guard);
                seen
            }
            Operation::Write(value) => {
                let (seen, guard) = sort(lock.try_write(), |guard| **guard);
                self.keep(guard, value);
                seen
            }
            Operation::WriteRecovered(value) => {
                let result = lock.write_timeout(Duration::ZERO).or_recover(|old| *old = value);
                let (seen, guard) = sort(result, |guard| **guard);
                self.keep(guard, value);
                seen
            }
            Operation::Downgrade => {
                self.readers.extend(self.writer.take().map(RwLockWriteGuard::downgrade));
                Seen::Nothing
            }
            Operation::Leave => {
                if self.readers.pop().is_none() {
                    self.writer = None;
                }
                Seen::Nothing
            }
            Operation::Panic(value) => {
                if let Some(mut guard) = self.writer.take() {
                    // Without the hook, which would print.
                    let panicked = catch_unwind(AssertUnwindSafe(move || {
                        *guard = value;
                        resume_unwind(Box::new("with the guard in hand"));
                    }));
                    assert!(panicked.is_err());
                }
                Seen::Nothing
            }
        }
    }

    fn keep(&mut self, guard: Option<Writer<'a>>, value: u64) {
        if let Some(mut guard) = guard {
            *guard = value;
            self.writer = Some(guard);
        }
    }
}

fn sort<G: Guard<Value = u64>>(
    result: Result<G, LockError<G>>,
    look: impl FnOnce(&G) -> u64,
) -> (Seen, Option<G>) {
    match result {
        Ok(guard) => (Seen::Value(look(&guard)), Some(guard)),
        Err(LockError::Abandoned(abandoned)) => {
            assert_eq!(abandoned.pid(), std::process::id());
            (Seen::Abandoned(abandoned.get()), None)
        }
        Err(LockError::WouldBlock | LockError::TimedOut) => (Seen::Refused, None),
        Err(LockError::Deadlock) => (Seen::Deadlock, None),
        Err(error) => panic!("{error:?}"),
    }
}

#[derive(Default)]
struct Model {
    value: u64,
    is_abandoned: bool,
    readers: [usize; THREADS],
    writer: Option<usize>,
}

impl Model {
    fn perform(&mut self, thread: usize, operation: &Operation) -> Seen {
        match *operation {
            Operation::Read => self.read(thread, None),
            Operation::ReadRecovered(value) => self.read(thread, Some(value)),
            Operation::Write(value) => self.write(thread, value, None),
            Operation::WriteRecovered(value) => self.write(thread, value, Some(value)),
            Operation::Downgrade => {
                if self.writer == Some(thread) {
                    self.writer = None;
                    self.readers[thread] += 1;
                }
                Seen::Nothing
            }
            Operation::Leave => {
                if self.readers[thread] > 0 {
                    self.readers[thread] -= 1;
                } else if self.writer == Some(thread) {
                    self.writer = None;
                }
                Seen::Nothing
            }
            Operation::Panic(value) => {
                if self.writer == Some(thread) {
                    self.writer = None;
                    (self.value, self.is_abandoned) = (value, true);
                }
                Seen::Nothing
            }
        }
    }

    fn read(&mut self, thread: usize, repair: Option<u64>) -> Seen {
        let inside = self.readers.iter().filter(|depth| **depth > 0).count();
        if self.writer.is_some() || self.readers[thread] == 0 && inside == READERS {
            return Seen::Refused;
        }
        if let Some(told) = self.told(repair) {
            return told;
        }
        self.readers[thread] += 1;
        Seen::Value(self.value)
    }

    fn write(&mut self, thread: usize, value: u64, repair: Option<u64>) -> Seen {
        if self.writer.is_some() || self.readers.iter().any(|depth| *depth > 0) {
            return Seen::Refused;
        }
        if let Some(told) = self.told(repair) {
            return told;
        }
        self.writer = Some(thread);
        Seen::Value(std::mem::replace(&mut self.value, value))
    }

    /// Whoever is told and does not repair gets nothing.
    fn told(&mut self, repair: Option<u64>) -> Option<Seen> {
        match repair {
            None if self.is_abandoned => return Some(Seen::Abandoned(self.value)),
            Some(value) if self.is_abandoned => (self.value, self.is_abandoned) = (value, false),
            _ => {}
        }
        None
    }
}

/// A thread that does as it is told, and keeps its guards.
fn serve(lock: &Lock, orders: Receiver<Operation>, answers: &Sender<Seen>) {
    let mut guards = Guards::default();
    for operation in orders {
        answers.send(guards.perform(lock, operation)).expect("somebody asked");
    }
}

proptest! {
    #[test]
    fn an_rwlock_has_readers_or_a_writer(operations in operations()) {
        let lock = Shared::new(Lock::with_readers(0)).unwrap();
        let lock: &Lock = &lock;
        let mut model = Model::default();
        thread::scope(|scope| {
            let (answer, answers) = channel();
            let threads: Vec<Sender<Operation>> = (0..THREADS)
                .map(|_| {
                    let (order, orders) = channel();
                    let answer = answer.clone();
                    scope.spawn(move || serve(lock, orders, &answer));
                    order
                })
                .collect();
            for (thread, operation) in operations {
                let expected = model.perform(thread, &operation);
                threads[thread].send(operation).expect("it serves");
                assert_eq!(answers.recv().expect("it answers"), expected);
            }
        });
        assert_eq!(*lock.read().or_recover(|_| ()).unwrap(), model.value);
    }
}
