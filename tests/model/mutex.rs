//! `Mutex`: values, and who is told of what.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use killproof::Shared;
use killproof::sync::{LockError, Mutex, MutexGuard, OrRecover};
use proptest::prelude::{Strategy, any, prop_oneof, proptest};

#[derive(Clone, Debug)]
enum Operation {
    Set(u64),
    /// While it is held, every way to lock it again.
    LockTwice,
    /// Panics with the guard in hand, having set this.
    Panic(u64),
    Replace(u64),
    Recover(u64),
    /// Lets go of an abandoned lock as it is.
    LeaveUnrepaired,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let operation = prop_oneof![
        any::<u64>().prop_map(Operation::Set),
        proptest::strategy::Just(Operation::LockTwice),
        any::<u64>().prop_map(Operation::Panic),
        any::<u64>().prop_map(Operation::Replace),
        any::<u64>().prop_map(Operation::Recover),
        proptest::strategy::Just(Operation::LeaveUnrepaired),
    ];
    proptest::collection::vec(operation, 0..40)
}

struct Model {
    value: u64,
    is_abandoned: bool,
}

proptest! {
    #[test]
    fn a_mutex_is_a_value_that_may_be_abandoned(
        first in any::<u64>(),
        operations in operations(),
    ) {
        let mutex = Shared::new(Mutex::new(first)).unwrap();
        let mut model = Model { value: first, is_abandoned: false };
        for operation in operations {
            model.step(&mutex, operation);
        }
        assert_eq!(*mutex.lock().or_recover(|_| ()).unwrap(), model.value);
    }
}

impl Model {
    /// Locks, by one of three ways that must all say the same.
    fn lock<'a>(
        &self,
        mutex: &'a Mutex<u64>,
    ) -> Result<MutexGuard<'a, u64>, LockError<MutexGuard<'a, u64>>> {
        let result = match self.value % 3 {
            0 => mutex.lock(),
            1 => mutex.try_lock(),
            _ => mutex.lock_timeout(Duration::ZERO),
        };
        match &result {
            Ok(guard) => assert_eq!((**guard, false), (self.value, self.is_abandoned)),
            Err(LockError::Abandoned(abandoned)) => {
                assert_eq!(abandoned.pid(), std::process::id());
                assert_eq!((abandoned.get(), true), (self.value, self.is_abandoned));
            }
            Err(error) => panic!("{error:?}"),
        }
        result
    }

    fn step(&mut self, mutex: &Mutex<u64>, operation: Operation) {
        let result = self.lock(mutex);
        match operation {
            Operation::Set(value) => {
                // Whoever was told has to say what it does about it.
                if let Ok(mut guard) = result {
                    *guard = value;
                    self.value = value;
                }
            }
            Operation::LockTwice => {
                assert!(matches!(mutex.try_lock(), Err(LockError::WouldBlock)));
                let timed_out = mutex.lock_timeout(Duration::ZERO);
                assert!(matches!(timed_out, Err(LockError::TimedOut)), "{timed_out:?}");
                drop(timed_out);
                assert!(matches!(mutex.lock(), Err(LockError::Deadlock)));
            }
            Operation::Panic(value) => {
                let mut guard = match result {
                    Ok(guard) => guard,
                    Err(LockError::Abandoned(abandoned)) => abandoned.replace(self.value),
                    Err(error) => panic!("{error:?}"),
                };
                // Without the hook, which would print.
                let panicked = catch_unwind(AssertUnwindSafe(move || {
                    *guard = value;
                    resume_unwind(Box::new("with the guard in hand"));
                }));
                assert!(panicked.is_err());
                *self = Model { value, is_abandoned: true };
            }
            Operation::Replace(value) => {
                if let Err(LockError::Abandoned(abandoned)) = result {
                    assert_eq!(*abandoned.replace(value), value);
                    *self = Model { value, is_abandoned: false };
                }
            }
            Operation::Recover(value) => {
                let was_abandoned = self.is_abandoned;
                let mut was_asked = false;
                let guard = result.or_recover(|inside| {
                    was_asked = true;
                    *inside = value;
                });
                drop(guard.unwrap());
                assert_eq!(was_asked, was_abandoned);
                if was_abandoned {
                    *self = Model { value, is_abandoned: false };
                }
            }
            Operation::LeaveUnrepaired => drop(result),
        }
    }
}

#[test]
fn a_repair_that_panics_leaves_the_lock_abandoned() {
    let mutex = Shared::new(Mutex::new(1_u32)).unwrap();
    let lock_and_panic = || {
        let _guard = mutex.lock().or_recover(|_| resume_unwind(Box::new("in the repair")));
        resume_unwind(Box::new("with the guard in hand"));
    };
    for _ in 0..2 {
        assert!(catch_unwind(AssertUnwindSafe(lock_and_panic)).is_err());
        assert!(matches!(mutex.lock(), Err(LockError::Abandoned(_))));
    }
}

#[test]
fn a_guard_taken_during_a_panic_says_nothing_about_the_value() {
    struct Locks<'a>(&'a Mutex<u32>);
    impl Drop for Locks<'_> {
        fn drop(&mut self) {
            *self.0.lock().unwrap() += 1;
        }
    }
    let mutex = Shared::new(Mutex::new(1_u32)).unwrap();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _locks = Locks(&mutex);
        resume_unwind(Box::new("before the lock is taken"));
    }));
    assert!(panicked.is_err());
    assert_eq!(*mutex.lock().unwrap(), 2);
}

#[test]
fn it_shows_who_holds_it() {
    let mutex = Shared::new(Mutex::new(1_u32)).unwrap();
    assert_eq!(format!("{:?}", *mutex), "Mutex { owner: nobody, abandoned: false, .. }");
    let guard = mutex.lock().unwrap();
    let shown = format!("{:?}", *mutex);
    let wanted = format!("owner: {} (alive)", std::process::id());
    assert!(shown.contains(&wanted), "{shown}");
    drop(guard);
}

#[test]
fn outside_shared_memory_it_says_so() {
    let mutex = Mutex::new(1_u32);
    assert!(killproof::Error::from(mutex.lock().unwrap_err()).is_unplaced());
    assert_eq!(format!("{mutex:?}"), "Mutex(unplaced)");
}
