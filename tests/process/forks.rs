//! The bare fork: both sides go on from it.
#![allow(unsafe_code)]

use killproof::process::{Child, Fork, JoinError, current, fork, spawn};
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
    ]
}

/// Forks; the child runs `body` and exits with what that returns.
fn forked(body: impl FnOnce() -> i32) -> Child<()> {
    // SAFETY: one thread, no guards, and the child ends right here.
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
