//! Sleepers are woken, also through another mapping of the same memory.
//!
//! One memory file mapped twice: a pointer stored in it or a futex private to an
//! address would show here. A sleeper's slices would make up for a lost wake, so
//! CI runs these once more without slices, where it would hang.
#![allow(unsafe_code)]

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::thread;
use std::time::Duration;

use killproof::channel::{PipeBuilder, RecvError, SendError, pipe, queue};
use killproof::sync::{
    AcquireError, Barrier, Broken, Condvar, Event, LockError, Mutex, OnceLock, ReentrantMutex,
    RwLock, RwLockWriteGuard, Semaphore,
};
use killproof::{Shareable, Shared, select, shareable};

/// The same value at another address.
fn mapped_again<T: Shareable>(shared: &Shared<T>) -> Shared<T> {
    // SAFETY: nothing is written through the descriptor.
    let fd = unsafe { shared.as_fd() }.try_clone_to_owned().unwrap();
    // SAFETY: the region of a live `Shared<T>`, changed through `T` alone.
    let again = unsafe { Shared::<T>::open(fd) }.unwrap();
    assert_ne!(&raw const **shared, &raw const *again);
    again
}

/// Runs `sleep` in a thread and, once that sleeps in the kernel, `wake` here.
fn once_asleep<R: Send>(sleep: impl FnOnce() -> R + Send, wake: impl FnOnce()) -> R {
    let tid = AtomicI32::new(0);
    thread::scope(|scope| {
        let sleeper = scope.spawn(|| {
            tid.store(rustix::thread::gettid().as_raw_nonzero().get(), Ordering::Release);
            sleep()
        });
        while !is_asleep(tid.load(Ordering::Acquire)) {
            thread::yield_now();
        }
        wake();
        sleeper.join().unwrap()
    })
}

/// Whether a thread of this process sleeps: field 3 of its stat.
fn is_asleep(tid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/self/task/{tid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('S'))
}

#[test]
fn a_lock_excludes_and_wakes_through_another_mapping() {
    let here = Shared::new(Mutex::new(1_u64)).unwrap();
    let there = mapped_again(&here);
    let mut guard = here.lock().unwrap();
    assert!(matches!(there.try_lock(), Err(LockError::WouldBlock)));
    assert!(matches!(there.lock(), Err(LockError::Deadlock)), "the same thread");
    *guard += 1;
    let seen = once_asleep(|| *there.lock().unwrap(), || drop(guard));
    assert_eq!(seen, 2);
    *there.lock().unwrap() = 7;
    assert_eq!(*here.lock().unwrap(), 7);
}

#[test]
fn an_abandoned_lock_is_so_through_another_mapping() {
    let here = Shared::new(Mutex::new(1_u64)).unwrap();
    let there = mapped_again(&here);
    let panicked = thread::scope(|scope| {
        let panics = || {
            let _guard = here.lock().unwrap();
            std::panic::resume_unwind(Box::new("with the guard in hand"));
        };
        scope.spawn(panics).join()
    });
    assert!(panicked.is_err());
    let Err(LockError::Abandoned(abandoned)) = there.lock() else { panic!("not abandoned") };
    drop(abandoned.replace(3));
    assert_eq!(*here.lock().unwrap(), 3);
}

#[test]
fn readers_and_writers_wake_each_other_through_another_mapping() {
    let here = Shared::new(RwLock::<u64, 1>::with_readers(1)).unwrap();
    let there = mapped_again(&here);
    let mut writer = here.write().unwrap();
    assert!(matches!(there.try_read(), Err(LockError::WouldBlock)));
    *writer += 1;
    let read = once_asleep(|| *there.read().unwrap(), || drop(writer));
    assert_eq!(read, 2);
    let reader = here.read().unwrap();
    once_asleep(|| *there.write().unwrap() = 3, || drop(reader));
    let writer = here.write().unwrap();
    once_asleep(|| *there.write().unwrap() += 1, || drop(writer));
    // The only share.
    let reader = here.read().unwrap();
    let read = once_asleep(|| *there.read().unwrap(), || drop(reader));
    assert_eq!(read, 4);
    let writer = here.write().unwrap();
    let reader =
        once_asleep(|| *there.read().unwrap(), || drop(RwLockWriteGuard::downgrade(writer)));
    assert_eq!(reader, 4);
}

#[test]
fn a_reentrant_lock_wakes_at_its_last_unlock_through_another_mapping() {
    let here = Shared::new(ReentrantMutex::new(1_u64)).unwrap();
    let there = mapped_again(&here);
    let outer = here.lock().unwrap();
    let inner = there.lock().unwrap();
    inner.set(2);
    let wake = || {
        drop(outer);
        thread::sleep(Duration::from_millis(1));
        inner.set(3);
        drop(inner);
    };
    // A guard stays in its thread, so the sleeper is the other one.
    assert_eq!(once_asleep(|| there.lock().unwrap().get(), wake), 3);
}

#[test]
fn a_permit_is_one_through_both_mappings() {
    let here = Shared::new(Semaphore::new(1)).unwrap();
    let there = mapped_again(&here);
    let permit = here.acquire().unwrap();
    assert_eq!((here.available(), there.available()), (0, 0));
    assert_eq!(there.try_acquire().unwrap_err(), AcquireError::WouldBlock);
    let got = once_asleep(|| there.acquire().map(drop), || permit.release());
    assert_eq!(got, Ok(()));
    assert_eq!((here.available(), there.available()), (1, 1));
}

#[test]
fn an_event_wakes_who_waits_even_if_cleared_at_once() {
    let event = Event::new().unwrap();
    let flash = || {
        event.set();
        event.clear();
    };
    once_asleep(|| event.wait(), flash);
    assert!(!event.is_set());
    assert!(once_asleep(|| event.wait_timeout(Duration::MAX), || event.set()));
}

/// The tokens come before the flag: who is woken by one shall not sleep for a slice.
#[test]
fn an_event_that_is_being_set_is_selected() {
    const ROUNDS: u32 = 2000;
    let [ask, answer] = [Event::new(), Event::new()].map(Result::unwrap);
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..ROUNDS {
                ask.wait();
                ask.clear();
                answer.set();
            }
        });
        for _ in 0..ROUNDS {
            ask.set();
            assert_eq!(select(&[&answer], None).unwrap(), Some(0));
            answer.clear();
        }
    });
}

#[test]
fn a_message_wakes_a_receiver_and_room_a_sender() {
    let (sender, receiver) = queue::<u32>(1).unwrap();
    assert_eq!(once_asleep(|| receiver.recv(), || sender.send(1).unwrap()), Ok(1));
    sender.send(2).unwrap();
    let sent = once_asleep(|| sender.send(3), || assert_eq!(receiver.recv(), Ok(2)));
    assert_eq!((sent, receiver.recv()), (Ok(()), Ok(3)));
}

#[test]
fn a_task_that_comes_back_wakes_a_receiver() {
    let (sender, receiver) = queue::<u32>(1).unwrap();
    sender.send(1).unwrap();
    let task = receiver.lease().unwrap();
    assert_eq!(once_asleep(|| receiver.recv(), || drop(task)), Ok(1));
}

#[test]
fn the_end_of_a_queue_wakes_both_sides() {
    let (sender, receiver) = queue::<u32>(1).unwrap();
    let closed = once_asleep(|| receiver.recv(), || sender.close());
    assert_eq!(closed, Err(RecvError::Closed));

    let (sender, receiver) = queue::<u32>(1).unwrap();
    let alone = once_asleep(|| receiver.recv(), || drop(sender));
    assert_eq!(alone, Err(RecvError::Disconnected));

    let (sender, receiver) = queue::<u32>(1).unwrap();
    sender.send(1).unwrap();
    let closed = once_asleep(|| sender.send(2), || receiver.close());
    assert_eq!(closed, Err(SendError::Closed(2)));

    let (sender, receiver) = queue::<u32>(1).unwrap();
    sender.send(1).unwrap();
    let alone = once_asleep(|| sender.send(2), || drop(receiver));
    assert_eq!(alone, Err(SendError::Disconnected(2)));
}

shareable! {
    struct Door { open: Mutex<u8>, moved: Condvar }
}

#[test]
fn a_notification_wakes_through_another_mapping() {
    let here = Shared::new(Door { open: Mutex::new(0), moved: Condvar::new() }).unwrap();
    let there = mapped_again(&here);
    let wait = || there.moved.wait(there.open.lock().unwrap()).map(drop).is_ok();
    // The waiter, once asleep, has given the lock back.
    assert!(once_asleep(wait, || here.moved.notify_one()));
    assert!(once_asleep(wait, || here.moved.notify_all()));
    let wait_while = || {
        let guard = there.open.lock().unwrap();
        *there.moved.wait_while(guard, |open| *open == 0).unwrap()
    };
    let open = || {
        *here.open.lock().unwrap() = 1;
        here.moved.notify_one();
    };
    assert_eq!(once_asleep(wait_while, open), 1);
}

#[test]
fn a_barrier_wakes_through_another_mapping() {
    let here = Shared::new(Barrier::new(2)).unwrap();
    let there = mapped_again(&here);
    let (mut ours, mut its) = (here.party().unwrap(), there.party().unwrap());
    assert!(there.party().unwrap_err().is_limit());
    let through = once_asleep(|| its.wait().is_ok(), || assert!(ours.wait().is_ok()));
    assert!(through);
    let aborted = once_asleep(|| its.wait(), || here.abort().unwrap());
    assert_eq!(aborted, Err(Broken::Aborted(std::process::id())));
    here.reset();
    assert_eq!(once_asleep(|| its.wait(), || there.reset()), Err(Broken::Reset));
    let left = once_asleep(|| its.wait(), || drop(ours));
    assert_eq!(left, Err(Broken::Left(std::process::id())));
}

#[test]
fn a_value_that_is_set_wakes_through_another_mapping() {
    let here = Shared::new(OnceLock::new()).unwrap();
    let there = mapped_again(&here);
    let may_end = AtomicBool::new(false);
    thread::scope(|scope| {
        let makes = scope.spawn(|| {
            here.get_or_init(|| {
                while !may_end.load(Ordering::Acquire) {
                    thread::yield_now();
                }
                7_u64
            })
        });
        while !format!("{there:?}").contains("state: begun") {
            thread::yield_now();
        }
        assert_eq!(there.get(), None);
        let end = || may_end.store(true, Ordering::Release);
        assert_eq!(once_asleep(|| there.get_or_init(|| 8).copied(), end), Ok(7));
        assert_eq!(makes.join().unwrap(), Ok(&7));
    });
}

#[test]
fn a_receiver_is_woken_by_a_message_and_by_the_end_of_the_stream() {
    let (mut sender, mut receiver) = pipe::<u64>().unwrap();
    assert_eq!(once_asleep(|| receiver.recv(), || sender.send(7).unwrap()), Ok(7));
    assert_eq!(once_asleep(|| receiver.recv(), || drop(sender)), Err(RecvError::Disconnected));
}

#[test]
fn a_sender_is_woken_by_room_and_by_the_end_of_its_receiver() {
    let (mut sender, mut receiver) = PipeBuilder::new().capacity(64).pipe::<[u64; 7]>().unwrap();
    sender.send([1; 7]).unwrap();
    let sent = once_asleep(|| sender.send([2; 7]), || assert_eq!(receiver.recv(), Ok([1; 7])));
    assert_eq!(sent, Ok(()));
    let sent = once_asleep(|| sender.send([3; 7]), || drop(receiver));
    assert_eq!(sent, Err(SendError::Disconnected([3; 7])));
}
