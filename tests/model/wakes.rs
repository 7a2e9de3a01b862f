//! Sleepers are woken, also through another mapping of the same memory.
//!
//! One memory file mapped twice: a pointer stored in it or a futex private to an
//! address would show here. A sleeper's slices would make up for a lost wake, so
//! CI runs these once more without slices, where it would hang.
#![allow(unsafe_code)]

use std::fs;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;
use std::time::Duration;

use killproof::channel::{RecvError, SendError, queue};
use killproof::sync::{AcquireError, Event, LockError, Mutex, Semaphore};
use killproof::{Shareable, Shared};

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
