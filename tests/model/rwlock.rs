//! `RwLock`: refusals, repairs, and what it says of itself.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;
use std::time::Duration;

use killproof::Shared;
use killproof::sync::{LockError, OrRecover, RwLock};

#[test]
fn a_thread_may_read_while_it_reads_and_nothing_else() {
    let lock = Shared::new(RwLock::new(1)).unwrap();
    let first = lock.read().unwrap();
    let second = lock.read().unwrap();
    assert!(matches!(lock.write(), Err(LockError::Deadlock)));
    drop(first);
    assert!(matches!(lock.write(), Err(LockError::Deadlock)));
    drop(second);
    let writer = lock.write().unwrap();
    assert!(matches!(lock.read(), Err(LockError::Deadlock)));
    assert!(matches!(lock.write(), Err(LockError::Deadlock)));
    assert!(matches!(lock.try_read(), Err(LockError::WouldBlock)));
    assert!(matches!(lock.write_timeout(Duration::ZERO), Err(LockError::TimedOut)));
    drop(writer);
}

#[test]
fn a_reader_past_the_limit_waits_for_another_to_leave() {
    let lock = Shared::new(RwLock::<u64, 1>::with_readers(1)).unwrap();
    let reader = lock.read().unwrap();
    thread::scope(|scope| {
        let waits = scope.spawn(|| *lock.read().unwrap());
        let refused = scope.spawn(|| matches!(lock.try_read(), Err(LockError::WouldBlock)));
        assert!(refused.join().unwrap());
        drop(reader);
        assert_eq!(waits.join().unwrap(), 1);
    });
}

#[test]
fn a_writer_that_gives_up_lets_readers_in() {
    let lock = Shared::new(RwLock::new(1_u64)).unwrap();
    let reader = lock.read().unwrap();
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let timed_out = lock.write_timeout(Duration::from_millis(100));
            assert!(matches!(timed_out, Err(LockError::TimedOut)));
        });
        // By another thread: this one may read on.
        let is_held_back = || matches!(lock.try_read(), Err(LockError::WouldBlock));
        while !scope.spawn(is_held_back).join().unwrap() && !writer.is_finished() {}
        assert_eq!(*lock.read().unwrap(), 1, "this one may read on");
        assert_eq!(scope.spawn(|| *lock.read().unwrap()).join().unwrap(), 1);
        writer.join().unwrap();
    });
    drop(reader);
}

/// Not every pattern of bytes is a `bool`: all that can be done is to write over it.
#[test]
fn what_cannot_be_repaired_is_replaced() {
    let lock = Shared::new(RwLock::new(false)).unwrap();
    let leave = || {
        let panics = || {
            let _guard = lock.write().unwrap();
            resume_unwind(Box::new("with the guard in hand"));
        };
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    };
    leave();
    let Err(LockError::Abandoned(abandoned)) = lock.read() else { panic!("not abandoned") };
    let reader = abandoned.replace(true);
    assert!(*reader && *lock.read().unwrap());
    drop(reader);
    leave();
    let Err(LockError::Abandoned(abandoned)) = lock.write() else { panic!("not abandoned") };
    assert!(!*abandoned.replace(false));
    assert!(!*lock.read().unwrap());
}

#[test]
fn a_repair_that_panics_leaves_the_lock_abandoned() {
    let lock = Shared::new(RwLock::new(1_u32)).unwrap();
    let write_and_panic = || {
        let _guard = lock.write().or_recover(|_| resume_unwind(Box::new("in the repair")));
        resume_unwind(Box::new("with the guard in hand"));
    };
    let read_and_panic = || {
        let _guard = lock.read().or_recover(|_| resume_unwind(Box::new("in the repair")));
    };
    assert!(catch_unwind(AssertUnwindSafe(write_and_panic)).is_err());
    assert!(catch_unwind(AssertUnwindSafe(write_and_panic)).is_err());
    assert!(catch_unwind(AssertUnwindSafe(read_and_panic)).is_err());
    assert!(matches!(lock.read(), Err(LockError::Abandoned(_))));
    assert_eq!(*lock.write().or_recover(|value| *value += 1).unwrap(), 2);
    assert_eq!(*lock.read().unwrap(), 2);
}

#[test]
fn it_shows_who_is_inside() {
    let lock = Shared::new(RwLock::new(1_u8)).unwrap();
    let pid = std::process::id();
    let reader = lock.read().unwrap();
    let shown = format!("{:?}", *lock);
    let wanted =
        format!("RwLock {{ writer: nobody, readers: [{pid} (alive)], abandoned: false, .. }}");
    assert_eq!(shown, wanted);
    drop(reader);
    let _writer = lock.write().unwrap();
    let wanted = format!("RwLock {{ writer: {pid} (alive), readers: [], abandoned: false, .. }}");
    assert_eq!(format!("{:?}", *lock), wanted);
}

#[test]
fn outside_shared_memory_it_says_so() {
    let lock = RwLock::new(1_u8);
    assert!(killproof::Error::from(lock.read().unwrap_err()).is_unplaced());
    assert!(killproof::Error::from(lock.write().unwrap_err()).is_unplaced());
    assert!(killproof::Error::from(lock.try_read().unwrap_err()).is_unplaced());
    assert_eq!(format!("{lock:?}"), "RwLock(unplaced)");
}
