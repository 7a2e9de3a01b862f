//! `ReentrantMutex`: how deep it is locked, and who is told of what.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;
use std::time::Duration;

use killproof::Shared;
use killproof::sync::{LockError, OrRecover, ReentrantMutex, ReentrantMutexGuard};
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};

#[derive(Clone, Debug)]
enum Operation {
    Lock,
    /// Locks; if told, puts this in first.
    LockRecovered(u64),
    /// By the guard taken last.
    Set(u64),
    Update(u64),
    Unlock,
    /// Panics with the guard taken last in hand.
    Panic,
    /// Another thread tries.
    Other,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let operation = prop_oneof![
        4 => Just(Operation::Lock),
        2 => any::<u64>().prop_map(Operation::LockRecovered),
        2 => any::<u64>().prop_map(Operation::Set),
        2 => any::<u64>().prop_map(Operation::Update),
        4 => Just(Operation::Unlock),
        1 => Just(Operation::Panic),
        1 => Just(Operation::Other),
    ];
    proptest::collection::vec(operation, 0..60)
}

#[derive(Default)]
struct Model {
    value: u64,
    depth: usize,
    /// A guard was dropped in a panic since the lock was last free.
    is_spoilt: bool,
    /// Whoever locks next from outside is told.
    is_abandoned: bool,
}

impl Model {
    fn unlock(&mut self) {
        self.depth -= 1;
        if self.depth == 0 {
            self.is_abandoned = std::mem::take(&mut self.is_spoilt);
        }
    }
}

type Mutex = ReentrantMutex<u64>;
type Guard<'a> = ReentrantMutexGuard<'a, u64>;

fn step<'a>(
    mutex: &'a Mutex,
    model: &mut Model,
    guards: &mut Vec<Guard<'a>>,
    operation: Operation,
) {
    match operation {
        Operation::Lock => match mutex.try_lock() {
            Ok(guard) => {
                assert!(model.depth > 0 || !model.is_abandoned);
                assert_eq!(guard.get(), model.value);
                model.depth += 1;
                guards.push(guard);
            }
            Err(LockError::Abandoned(abandoned)) => {
                assert!(model.depth == 0 && model.is_abandoned);
                assert_eq!((abandoned.pid(), abandoned.get()), (std::process::id(), model.value));
                assert!(matches!(mutex.lock(), Err(LockError::Deadlock)));
                assert!(matches!(mutex.try_lock(), Err(LockError::WouldBlock)));
            }
            Err(error) => panic!("{error:?}"),
        },
        Operation::LockRecovered(value) => {
            let result = mutex.lock_timeout(Duration::ZERO);
            guards.push(result.or_recover(|inside| *inside = value).unwrap());
            if model.depth == 0 && model.is_abandoned {
                (model.value, model.is_abandoned) = (value, false);
            }
            model.depth += 1;
        }
        Operation::Set(value) => {
            if let Some(guard) = guards.last() {
                guard.set(value);
                model.value = value;
            }
        }
        Operation::Update(more) => {
            if let Some(guard) = guards.last() {
                guard.update(|value| value.wrapping_add(more));
                model.value = model.value.wrapping_add(more);
            }
        }
        Operation::Unlock => {
            if guards.pop().is_some() {
                model.unlock();
            }
        }
        Operation::Panic => {
            let Some(guard) = guards.pop() else { return };
            // Without the hook, which would print.
            let panicked = catch_unwind(AssertUnwindSafe(move || {
                let _guard = guard;
                resume_unwind(Box::new("with the guard in hand"));
            }));
            assert!(panicked.is_err());
            model.is_spoilt = true;
            model.unlock();
        }
        Operation::Other => thread::scope(|scope| {
            let other = scope.spawn(|| match mutex.try_lock() {
                Ok(guard) => {
                    assert!(model.depth == 0 && !model.is_abandoned);
                    assert_eq!(guard.get(), model.value);
                }
                Err(LockError::Abandoned(_)) => assert!(model.depth == 0 && model.is_abandoned),
                Err(LockError::WouldBlock) => assert!(model.depth > 0),
                Err(error) => panic!("{error:?}"),
            });
            other.join().unwrap();
        }),
    }
}

proptest! {
    #[test]
    fn a_reentrant_mutex_counts(operations in operations()) {
        let mutex = Shared::new(Mutex::new(0)).unwrap();
        let (mut model, mut guards) = (Model::default(), Vec::new());
        for operation in operations {
            step(&mutex, &mut model, &mut guards, operation);
            assert_eq!(guards.len(), model.depth);
        }
        // In the order in which they were taken, which is nobody's usual one.
        for guard in guards {
            assert_eq!(guard.get(), model.value);
        }
        assert_eq!(mutex.lock().or_recover(|_| ()).unwrap().get(), model.value);
    }
}

#[test]
fn it_shows_its_owner_and_its_depth() {
    let mutex = Shared::new(Mutex::new(0)).unwrap();
    let _outer = mutex.lock().unwrap();
    let _inner = mutex.lock().unwrap();
    let shown = format!("{mutex:?}");
    let wanted = format!("owner: {} (alive), depth: 2", std::process::id());
    assert!(shown.contains(&wanted), "{shown}");
}

#[test]
fn outside_shared_memory_it_says_so() {
    let mutex = Mutex::new(0);
    assert!(killproof::Error::from(mutex.lock().unwrap_err()).is_unplaced());
    assert_eq!(format!("{mutex:?}"), "ReentrantMutex(unplaced)");
}

/// Not every pattern of bytes is a `bool`: all that can be done is to write over it.
#[test]
fn what_cannot_be_repaired_is_replaced() {
    let mutex = Shared::new(ReentrantMutex::new(false)).unwrap();
    let panics = || {
        let _guard = mutex.lock().unwrap();
        resume_unwind(Box::new("with the guard in hand"));
    };
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    let Err(LockError::Abandoned(abandoned)) = mutex.lock() else { panic!("not abandoned") };
    let guard = abandoned.replace(true);
    assert!(guard.get() && mutex.lock().unwrap().get());
}

/// A guard that outlives most of its thread is still that thread's.
#[test]
fn a_thread_at_its_end_knows_its_own_guard() {
    struct Last(&'static Mutex, Guard<'static>);
    impl Drop for Last {
        fn drop(&mut self) {
            self.1.set(self.0.try_lock().expect("this thread has it").get() + 1);
        }
    }
    thread_local!(static LAST: std::cell::OnceCell<Last> = const { std::cell::OnceCell::new() });

    let mutex: &'static Shared<Mutex> = Box::leak(Box::new(Shared::new(Mutex::new(0)).unwrap()));
    let thread = thread::spawn(|| {
        // Registered before the locals of the crate, so dropped after them.
        LAST.with(|_| ());
        let last = Last(mutex, mutex.lock().unwrap());
        LAST.with(|place| _ = place.set(last));
    });
    thread.join().unwrap();
    assert_eq!(mutex.lock().unwrap().get(), 1);
}

/// Destructors of a thread's locals run when it has no locals to be told by.
#[test]
fn threads_at_their_end_are_told_apart() {
    struct Locks(std::sync::Arc<Shared<Mutex>>);
    impl Drop for Locks {
        fn drop(&mut self) {
            for _ in 0..1000 {
                let outer = self.0.lock().unwrap();
                let inner = self.0.lock().unwrap();
                inner.set(inner.get() + 1);
                drop(inner);
                outer.set(outer.get() + 1);
            }
        }
    }
    thread_local!(static LAST: std::cell::OnceCell<Locks> = const { std::cell::OnceCell::new() });

    let mutex = std::sync::Arc::new(Shared::new(Mutex::new(0)).unwrap());
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let mutex = mutex.clone();
            thread::spawn(move || {
                // Registered first, so dropped last.
                LAST.with(|last| _ = last.set(Locks(mutex.clone())));
                drop(mutex.lock().unwrap());
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(mutex.lock().unwrap().get(), 4 * 2 * 1000);
}
