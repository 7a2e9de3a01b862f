//! Where a fork would not be safe, `spawn` refuses and says what to do.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use killproof::process::{Builder, JoinError, SpawnError, spawn, spawn_unchecked};
use killproof::sync::{Mutex, ReentrantMutex, RwLock, RwLockWriteGuard};
use killproof::{Error, Shared};

use crate::common::case::Case;
use crate::common::child::children;
use crate::{case, gate};

pub fn cases() -> Vec<Case> {
    vec![
        case("refusals::threads", threads),
        case("refusals::a_joined_thread_does_not_count", a_joined_thread_does_not_count),
        case("refusals::a_relay_of_threads", a_relay_of_threads),
        case("refusals::after_the_main_thread", after_the_main_thread),
        case("refusals::unchecked_beside_busy_threads", unchecked_beside_busy_threads),
        case("refusals::unchecked_beside_a_thread_in_its_hook", unchecked_beside_a_hook),
        case("refusals::a_live_guard", a_live_guard),
        case("refusals::a_live_guard_of_every_lock", a_live_guard_of_every_lock),
        case("refusals::a_leaked_guard", a_leaked_guard),
        #[cfg(feature = "tokio")]
        case("refusals::inside_a_runtime", inside_a_runtime),
        case("refusals::a_guard_leaked_by_an_ended_thread", a_guard_leaked_by_an_ended_thread),
    ]
}

fn threads() {
    let (release, wait) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        let _ = wait.recv();
    });
    let error = spawn(|| ()).unwrap_err();
    assert_eq!(error, SpawnError::Threads(2));
    let says = error.to_string();
    for advice in [
        "2 threads",
        "before the first thread",
        "#[tokio::main]",
        "spawn_unchecked",
        "harness = false",
    ] {
        assert!(says.contains(advice), "{says}");
    }
    assert_eq!(Builder::new().name("x").spawn(|| ()).unwrap_err(), SpawnError::Threads(2));
    assert_eq!(children(), []);

    // SAFETY: the other thread sleeps on a channel that the child does not use.
    let child = unsafe { spawn_unchecked(|| "unchecked".to_owned()) }.unwrap();
    assert_eq!(child.join().as_deref(), Ok("unchecked"));
    drop(release);
    thread.join().unwrap();
    assert_eq!(spawn(|| 1_u8).unwrap().join(), Ok(1));
}

/// With one thread; the child would register with its parent's epoll.
#[cfg(feature = "tokio")]
fn inside_a_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let (refused, unnamed) =
        runtime.block_on(async { (spawn(|| ()).unwrap_err(), Builder::new().spawn(|| ())) });
    assert_eq!((&refused, unnamed.unwrap_err()), (&SpawnError::Runtime, SpawnError::Runtime));
    let says = refused.to_string();
    for advice in ["before the runtime", "Zygote", "spawn_unchecked"] {
        assert!(says.contains(advice), "{says}");
    }
    assert_eq!(children(), []);
    let entered = runtime.enter();
    assert_eq!(spawn(|| ()).unwrap_err(), SpawnError::Runtime);
    drop(entered);
    assert_eq!(spawn(|| 1_u8).unwrap().join(), Ok(1));
}

/// It may still be on its way out of the kernel when `join` returns.
fn a_joined_thread_does_not_count() {
    for round in 0..200_u32 {
        let threads: Vec<_> = (0..4).map(|_| thread::spawn(|| ())).collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(spawn(move || round).unwrap().join(), Ok(round));
    }
}

/// At each moment there are two at least. To look at one after the other can miss them all.
fn a_relay_of_threads() {
    static GOES_ON: AtomicBool = AtomicBool::new(true);
    fn hop() {
        if GOES_ON.load(Ordering::Relaxed) {
            thread::spawn(hop);
        }
    }
    thread::spawn(hop);
    for _ in 0..20 {
        let refused = spawn(|| ()).map(|child| child.join());
        assert!(matches!(refused, Err(SpawnError::Threads(2..))), "{refused:?}");
    }
    GOES_ON.store(false, Ordering::Relaxed);
    while spawn(|| ()).is_err() {}
}

/// It stays in the kernel's count until the process ends, and runs no code any more.
fn after_the_main_thread() {
    let child = spawn(|| -> () {
        thread::spawn(|| {
            let main = format!("/proc/self/task/{}/stat", std::process::id());
            while !std::fs::read_to_string(&main).unwrap().contains(") Z ") {
                thread::yield_now();
            }
            let answer = spawn(|| 7_u8).map(|child| child.join());
            std::process::exit(if answer == Ok(Ok(7)) { 7 } else { 1 })
        });
        // SAFETY: ends this thread, whose frames nobody refers to.
        unsafe { libc::syscall(libc::SYS_exit, 0) };
        unreachable!();
    });
    assert_eq!(child.unwrap().join(), Err(JoinError::Exited(7)));
}

/// A crash report takes its time, and the lock that it holds is held in the child for ever.
fn unchecked_beside_a_hook() {
    let (entered, leave) = (gate(), gate());
    let (its_entered, its_leave) = (entered.clone(), leave.clone());
    std::panic::set_hook(Box::new(move |_| {
        its_entered.open();
        its_leave.pass();
    }));
    let reporting = thread::spawn(|| panic!("slowly"));
    entered.pass();
    // SAFETY: the child uses nothing.
    let child = unsafe { spawn_unchecked(|| 2_u8) }.unwrap();
    assert_eq!(child.join(), Ok(2));
    // SAFETY: likewise; what this crate does in it does not ask for the hook.
    let child = unsafe { spawn_unchecked(|| spawn(|| 3_u8).unwrap().join().unwrap()) };
    assert_eq!(child.unwrap().join(), Ok(3));
    leave.open();
    assert!(reporting.join().is_err());
    // SAFETY: the child panics, and nobody is inside the hook any more.
    let child = unsafe { spawn_unchecked(|| -> u8 { panic!("loudly") }) }.unwrap();
    assert_eq!(child.join(), Err(JoinError::Panicked("loudly".to_owned())));
}

/// Threads that print, allocate and spawn, at any moment of which a fork may
/// happen: the child has its own use of all three.
fn unchecked_beside_busy_threads() {
    let stop = gate();
    let busy: Vec<_> = (0..3)
        .map(|_| {
            let stop = stop.clone();
            thread::spawn(move || {
                while !stop.is_open() {
                    use std::io::Write;
                    // Held most of the time, by one or the other.
                    let mut out = std::io::stdout().lock();
                    let _err = std::io::stderr().lock();
                    for _ in 0..100 {
                        out.write_all(b"").unwrap();
                        std::thread::yield_now();
                    }
                    drop(vec![0_u8; 1000]);
                    // SAFETY: the child only returns.
                    let child = unsafe { spawn_unchecked(|| ()) }.unwrap();
                    child.join().unwrap();
                }
            })
        })
        .collect();
    for round in 0..20_u32 {
        let child = move || {
            eprint!("");
            print!("");
            // SAFETY: this process has one thread, and no guards.
            let inner = unsafe { spawn_unchecked(|| 1_u32) }.unwrap();
            round + inner.join().unwrap()
        };
        // SAFETY: the child uses the allocator, stdout, stderr and this crate.
        let child = unsafe { spawn_unchecked(child) }.unwrap();
        assert_eq!(child.join(), Ok(round + 1));
    }
    stop.open();
    for thread in busy {
        thread.join().unwrap();
    }
}

fn a_live_guard() {
    let mutex = Shared::new(Mutex::new(0_u32)).unwrap();
    let guard = mutex.lock().unwrap();
    let error = spawn(|| ()).unwrap_err();
    assert_eq!(error, SpawnError::Loans(1));
    assert!(error.to_string().contains("drop them first"), "{error}");
    drop(guard);
    let inner = mutex.clone();
    let child = spawn(move || -> Result<u32, String> {
        let mut guard = inner.lock().map_err(|error| Error::from(error).to_string())?;
        *guard += 1;
        Ok(*guard)
    });
    assert_eq!(child.unwrap().join(), Ok(Ok(1)));
    assert_eq!(*mutex.lock().unwrap(), 1);
}

fn a_live_guard_of_every_lock() {
    let rwlock = Shared::new(RwLock::new(0_u32)).unwrap();
    let reentrant = Shared::new(ReentrantMutex::new(0_u32)).unwrap();
    let on_loan = || match spawn(|| ()) {
        Ok(child) => child.join().map(|()| 0).unwrap(),
        Err(SpawnError::Loans(count)) => count,
        Err(error) => panic!("{error}"),
    };
    let readers = (rwlock.read().unwrap(), rwlock.read().unwrap());
    assert_eq!(on_loan(), 2);
    drop(readers);
    let writer = rwlock.write().unwrap();
    assert_eq!(on_loan(), 1);
    let reader = RwLockWriteGuard::downgrade(writer);
    assert_eq!(on_loan(), 1);
    drop(reader);
    let (outer, inner) = (reentrant.lock().unwrap(), reentrant.lock().unwrap());
    assert_eq!(on_loan(), 2);
    drop((outer, inner));
    assert_eq!(on_loan(), 0);
    let (sender, receiver) = killproof::channel::queue::<Vec<u8>>(2).unwrap();
    let reservation = sender.reserve(1000).unwrap();
    assert_eq!(on_loan(), 1);
    assert!(reservation.commit().is_ok());
    assert_eq!(on_loan(), 0);
    let received = receiver.recv_ref().unwrap();
    assert_eq!(on_loan(), 1);
    drop(received);
    assert_eq!(on_loan(), 0);
}

fn a_leaked_guard() {
    let mutex = Box::leak(Box::new(Shared::new(Mutex::new(0_u32)).unwrap()));
    std::mem::forget(mutex.lock().unwrap());
    assert_eq!(spawn(|| ()).unwrap_err(), SpawnError::Loans(1));
}

fn a_guard_leaked_by_an_ended_thread() {
    let mutex = Shared::new(Mutex::new(0_u32)).unwrap();
    thread::spawn(move || std::mem::forget(mutex.lock().unwrap())).join().unwrap();
    assert_eq!(spawn(|| ()).unwrap_err(), SpawnError::Loans(1));
}
