//! The bare fork: both sides go on from it.
#![allow(unsafe_code)]

use killproof::Shared;
use killproof::process::{Child, Fork, JoinError, current, fork, spawn};
use killproof::sync::{LockError, Mutex, ReentrantMutex, RwLock, RwLockWriteGuard};
use nix::sys::signal::{Signal, raise};

use crate::common::case::Case;
use crate::{case, gate};

pub fn cases() -> Vec<Case> {
    vec![
        case("forks::both_sides", both_sides),
        case("forks::a_child_knows_itself", a_child_knows_itself),
        case("forks::the_status_is_the_value", the_status_is_the_value),
        case("forks::a_fork_returns_from_a_closure", a_fork_returns_from_a_closure),
        case("forks::nested_spawns", nested_spawns),
        case("forks::copies_of_guards_change_nothing", copies_of_guards_change_nothing),
    ]
}

/// What can be done with a guard beside dropping it, done by a child with its copy.
fn copies_of_guards_change_nothing() {
    let mutex = Shared::new(Mutex::new(1_u8)).unwrap();
    let its = mutex.clone();
    spawn(move || std::mem::forget(its.lock())).unwrap().join().unwrap();
    let Err(LockError::Abandoned(abandoned)) = mutex.lock() else { panic!("{mutex:?}") };
    let lock = Shared::new(RwLock::new(1_u8)).unwrap();
    let writer = lock.write().unwrap();
    let (plain, twice) = (Shared::new(Mutex::new(1_u8)), Shared::new(ReentrantMutex::new(1_u8)));
    let (plain, twice) = (plain.unwrap(), twice.unwrap());

    let (mut kept_abandoned, mut kept_writer) = (Some(abandoned), Some(writer));
    let mut kept_plain = Some(plain.lock().unwrap());
    let mut kept_twice = Some((twice.lock().unwrap(), twice.lock().unwrap()));
    let child = forked(|| {
        drop((kept_plain.take(), kept_twice.take()));
        drop(kept_abandoned.take().map(|copy| copy.recover(|_| ())));
        drop(kept_writer.take().map(RwLockWriteGuard::downgrade));
        0
    });
    assert_eq!(child.join(), Ok(()));

    let mine = format!("owner: {} (alive)", current().pid());
    assert!(format!("{plain:?}").contains(&mine), "{plain:?}");
    assert!(format!("{twice:?}").contains(&(mine + ", depth: 2")), "{twice:?}");
    drop((kept_plain, kept_twice));
    let free = (format!("{plain:?}"), format!("{twice:?}"));
    assert!(free.0.contains("owner: nobody") && free.1.contains("owner: nobody"), "{free:?}");
    drop(kept_abandoned);
    assert!(matches!(mutex.try_lock(), Err(LockError::Abandoned(_))), "{mutex:?}");
    let shown = format!("{lock:?}");
    assert!(
        shown.contains(&format!("writer: {} (alive), readers: []", current().pid())),
        "{shown}"
    );
    drop(kept_writer);
    assert_eq!(*lock.try_write().unwrap(), 1);
}

/// Forks; the child runs `body` and exits with what that returns.
fn forked(body: impl FnOnce() -> i32) -> Child<()> {
    // SAFETY: one thread; the child ends right here, and its copies of guards free nothing.
    match unsafe { fork() }.unwrap() {
        Fork::Parent(child) => child,
        Fork::Child => std::process::exit(body()),
    }
}

fn both_sides() {
    let (there, here) = (gate(), gate());
    let child = forked(|| {
        there.open();
        here.pass();
        0
    });
    there.pass();
    here.open();
    assert_eq!(child.join(), Ok(()));
}

fn a_child_knows_itself() {
    let parent = current();
    let child = forked(|| {
        let me = current();
        let known = me.name() == "Process-1" && me.parent() == parent.pid();
        // Its stamp works, and so does whatever rests on it.
        let spawned = spawn(|| current().parent()).unwrap().join();
        i32::from(!(known && spawned == Ok(me.pid())))
    });
    assert_eq!(child.name(), "Process-1");
    assert_ne!(child.pid(), parent.pid());
    assert_eq!(child.join(), Ok(()));
}

fn the_status_is_the_value() {
    assert_eq!(forked(|| 4).join(), Err(JoinError::Exited(4)));
    let killed = forked(|| {
        let _ = raise(Signal::SIGKILL);
        0
    });
    assert_eq!(killed.join(), Err(JoinError::Signalled(9)));
}

/// Of two processes that return from one closure, the spawned one is heard.
fn a_fork_returns_from_a_closure() {
    for _ in 0..20 {
        let child = spawn(|| {
            let spawned = current().pid();
            // SAFETY: one thread, no guards; both sides only return.
            if let Fork::Parent(child) = unsafe { fork() }.unwrap() {
                child.join().unwrap();
            }
            (spawned, current().pid())
        });
        let child = child.unwrap();
        let pid = child.pid();
        assert_eq!(child.join(), Ok((pid, pid)));
    }
}

fn nested_spawns() {
    let depth = |level: u32| -> u32 {
        fn deeper(level: u32) -> u32 {
            match level {
                0 => 0,
                _ => 1 + spawn(move || deeper(level - 1)).unwrap().join().unwrap(),
            }
        }
        deeper(level)
    };
    assert_eq!(depth(8), 8);
}
