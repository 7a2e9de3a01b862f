//! What users of Python's processes, locks and queues suffer from, and must not find
//! here. Those of pools are in `tests/pool/complaints.rs`, those about daemons and
//! Ctrl-C in `tests/scenarios/daemons.rs`, and the one about logging in `tests/log`.

#![allow(unsafe_code)]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use killproof::channel::{self, RecvError};
use killproof::process::{Child, JoinError, spawn};
use killproof::sync::{AcquireError, Barrier, Broken, Condvar, Event, LockError, Mutex, Semaphore};
use killproof::{Shared, shareable};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, raise, sigaction};

use crate::case;
use crate::common::case::Case;

pub fn cases() -> Vec<Case> {
    vec![
        case("complaint_03_a_lock_whose_holder_dies", dead_holder),
        case("complaint_04_a_queue_whose_receiver_is_killed", dead_receiver),
        case("complaint_05_join_before_the_queue_is_read", joined_before_read),
        case("complaint_06_lengths_are_exact", exact_lengths),
        case("complaint_07_waiters_that_were_killed", dead_waiters),
        case("complaint_08_set_and_clear_release_who_waited", set_and_clear),
        case("complaint_09_set_in_a_signal_handler", set_in_a_handler),
        case("complaint_10_a_barrier_with_a_dead_party", dead_party),
        case("complaint_13_memory_is_there_while_somebody_has_it", memory_stays),
        case("complaint_14_no_memory_has_a_name", nothing_is_left),
    ]
}

fn for_ever() {
    loop {
        thread::park();
    }
}

fn killed<T: killproof::Message + std::fmt::Debug + PartialEq>(child: Child<T>) {
    child.kill().unwrap();
    assert_eq!(child.join(), Err(JoinError::Signalled(9)));
}

/// A child that has done this, and goes on to sleep.
fn after(act: impl FnOnce() + Send + 'static) -> Child<()> {
    let done = Event::new().unwrap();
    let its_done = done.clone();
    let child = spawn(move || {
        act();
        its_done.set();
        for_ever();
    });
    let child = child.unwrap();
    done.wait();
    child
}

fn dead_holder() {
    let lock = Shared::new(Mutex::new(1_u32)).unwrap();
    let seats: Shared<Semaphore> = Shared::new(Semaphore::new(1)).unwrap();
    let (its_lock, its_seats) = (lock.clone(), seats.clone());
    killed(after(move || {
        std::mem::forget(its_lock.lock().unwrap());
        std::mem::forget(its_seats.acquire().unwrap());
    }));
    let Err(LockError::Abandoned(abandoned)) = lock.lock() else { panic!("not told") };
    assert_eq!(*abandoned.replace(2), 2);
    assert_eq!(*lock.lock().unwrap(), 2);
    assert!(seats.acquire().is_ok());
    assert!(!matches!(seats.try_acquire(), Err(AcquireError::WouldBlock)));
}

fn dead_receiver() {
    let (jobs, todo) = channel::queue::<Vec<u8>>(4).unwrap();
    // One that waits inside, and one that has a message in its hands.
    let its_todo = todo.clone();
    let waits = spawn(move || drop(its_todo.recv())).unwrap();
    killed(waits);
    jobs.send(vec![1; 100_000]).unwrap_err();
    jobs.send(vec![1; 50_000]).unwrap();
    let its_todo = todo.clone();
    killed(after(move || std::mem::forget(its_todo.lease().unwrap())));
    jobs.send(vec![2]).unwrap();
    assert_eq!(todo.len(), 2);
    // What it had comes back once somebody has nothing else to do.
    let first = todo.lease().unwrap();
    assert_eq!((first.len(), first.attempts()), (1, 1));
    first.done();
    let back = todo.lease().unwrap();
    assert_eq!((back.len(), back.attempts()), (50_000, 2));
    back.done();
    assert_eq!(todo.recv_timeout(Duration::from_millis(1)), Err(RecvError::Empty));
    // All who could send are dead: whoever waits is told.
    let last = after(move || {
        jobs.send(vec![3]).unwrap();
        std::mem::forget(jobs);
    });
    assert_eq!(todo.recv(), Ok(vec![3]));
    killed(last);
    assert_eq!(todo.recv(), Err(RecvError::Disconnected));
}

/// What was sent is there when `send` returns: no thread is left that would have to be
/// drained, so the sender ends, and is joined, before anybody reads.
fn joined_before_read() {
    let builder = channel::Builder::new().capacity(2).largest(2 << 20);
    let (results, inbox) = builder.queue::<Vec<u8>>().unwrap();
    let worker = spawn(move || {
        results.send(vec![7; 1 << 20]).unwrap();
        vec![8_u8; 1 << 20]
    });
    assert_eq!(worker.unwrap().join(), Ok(vec![8; 1 << 20]));
    assert_eq!(inbox.recv(), Ok(vec![7; 1 << 20]));
}

fn exact_lengths() {
    let (sender, receiver) = channel::queue::<u32>(200).unwrap();
    for sent in 1..=200 {
        sender.send(7).unwrap();
        assert_eq!((sender.len(), receiver.len(), receiver.is_empty()), (sent, sent, false));
    }
    assert!(sender.is_full());
    for left in (0..200).rev() {
        assert_eq!(receiver.try_recv(), Ok(7));
        assert_eq!((receiver.len(), receiver.is_empty()), (left, left == 0));
    }
}

shareable! {
    struct Office { visitors: Mutex<u32>, changed: Condvar }
}

fn dead_waiters() {
    let event = Event::new().unwrap();
    let office = Office { visitors: Mutex::new(0), changed: Condvar::new() };
    let office = Shared::new(office).unwrap();
    for _ in 0..3 {
        let its_event = event.clone();
        killed(spawn(move || its_event.wait()).unwrap());
        let its_office = office.clone();
        let waits = spawn(move || {
            let mut visitors = its_office.visitors.lock().unwrap();
            *visitors += 1;
            drop(its_office.changed.wait(visitors));
        });
        // It has let go of the lock, and so it waits.
        while *office.visitors.lock().unwrap() != 1 {
            thread::yield_now();
        }
        killed(waits.unwrap());
        *office.visitors.lock().unwrap() = 0;
        office.changed.notify_one();
        office.changed.notify_all();
    }
    event.set();
    assert!(event.is_set());
}

/// A wait that began before the `set` returns true, though the flag is clear again.
fn set_and_clear() {
    let event = Event::new().unwrap();
    for _ in 0..20 {
        let its_event = event.clone();
        let child = spawn(move || its_event.wait_timeout(Duration::from_secs(3600))).unwrap();
        let stat = format!("/proc/{}/stat", child.pid());
        while !std::fs::read_to_string(&stat).unwrap().contains(") S ") {
            thread::yield_now();
        }
        // It may have slept before it came to wait; then it waits for the next.
        while child.is_alive() {
            event.set();
            event.clear();
        }
        assert_eq!(child.join(), Ok(true));
    }
}

static RUNG: OnceLock<Event> = OnceLock::new();

extern "C" fn ring(_: i32) {
    if let Some(event) = RUNG.get() {
        event.set();
    }
}

/// Also where the signal comes in the middle of a `wait` or a `set` of the same event.
fn set_in_a_handler() {
    let event = RUNG.get_or_init(|| Event::new().unwrap());
    let action = SigAction::new(SigHandler::Handler(ring), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler does what a handler may: `set` says so.
    unsafe { sigaction(Signal::SIGUSR1, &action) }.unwrap();
    raise(Signal::SIGUSR1).unwrap();
    event.wait();
    event.clear();
    let parent = nix::unistd::getpid();
    let raises = spawn(move || {
        for _ in 0..200 {
            nix::sys::signal::kill(parent, Signal::SIGUSR1).unwrap();
            thread::yield_now();
        }
    });
    let raises = raises.unwrap();
    while raises.is_alive() {
        event.set();
        event.wait();
        event.clear();
    }
    raises.join().unwrap();
}

fn dead_party() {
    let meeting: Shared<Barrier> = Shared::new(Barrier::new(2)).unwrap();
    let (mut mine, its) = (meeting.party().unwrap(), meeting.party().unwrap());
    let child = after(move || std::mem::forget(its));
    let pid = child.pid();
    killed(child);
    assert_eq!(mine.wait().unwrap_err(), Broken::Died(pid));
}

/// Nobody destroys what others use: neither the end of who made it, nor a kill.
fn memory_stays() {
    let count = Shared::new(AtomicU32::new(1)).unwrap();
    for _ in 0..3 {
        let its_count = count.clone();
        killed(after(move || {
            its_count.fetch_add(1, Ordering::Relaxed);
        }));
    }
    let last = spawn(move || count.fetch_add(1, Ordering::Relaxed)).unwrap();
    assert_eq!(last.join(), Ok(4));
}

/// All memory is without a name, so that a killed process can leave none behind.
fn nothing_is_left() {
    let held = (channel::queue::<u32>(4).unwrap(), Shared::new(Mutex::new(0_u8)).unwrap());
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let shared: Vec<&str> = maps.lines().filter(|line| line.contains(" rw-s ")).collect();
    assert!(shared.len() >= 2, "{maps}");
    for line in shared {
        assert!(line.contains("/memfd:") && line.ends_with("(deleted)"), "{line}");
    }
    drop(held);
}
