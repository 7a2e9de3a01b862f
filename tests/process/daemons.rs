//! Daemons: they end when the process that spawned them ends, and not before.
#![allow(unsafe_code)]

use std::os::unix::process::CommandExt;
use std::process::{Command, abort, exit};
use std::thread;

use killproof::process::{Builder, Child, Fork, SpawnError, current, fork, spawn};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, raise};
use nix::sys::wait::{WaitStatus, wait, waitpid};
use nix::unistd::{ForkResult, Pid};

use crate::common::case::Case;
use crate::common::child::{children, fork as parent_process, is_running};
use crate::detached::{fds, fds_after_a_child};
use crate::{case, gate};

pub fn cases() -> Vec<Case> {
    vec![
        case("daemons::however_the_parent_ends", however_the_parent_ends),
        case("daemons::not_with_the_forking_thread", not_with_the_forking_thread),
        case("daemons::whoever_else_was_forked", whoever_else_was_forked),
        case("daemons::a_stopped_one", a_stopped_one),
        case("daemons::of_a_daemon", of_a_daemon),
        case("daemons::may_have_children_or_not", may_have_children_or_not),
        case("daemons::return_values_like_others", return_values_like_others),
        case("daemons::of_a_bare_fork", of_a_bare_fork),
        case("daemons::two_hundred_in_a_row", two_hundred_in_a_row),
    ]
}

fn daemon() -> Builder {
    Builder::new().daemon(true)
}

fn for_ever() {
    loop {
        thread::park();
    }
}

/// The ends of everybody who comes to this process, once there is nobody left.
fn all_ends() -> Vec<WaitStatus> {
    let mut ends = Vec::new();
    loop {
        match wait() {
            Ok(end) => ends.push(end),
            Err(Errno::EINTR) => {}
            Err(_) => return ends,
        }
    }
}

fn killed(ends: &[WaitStatus]) -> usize {
    ends.iter().filter(|end| matches!(end, WaitStatus::Signaled(_, Signal::SIGKILL, _))).count()
}

fn however_the_parent_ends() {
    let ways: [fn() -> Result<(), String>; 5] = [
        || Ok(()),
        || exit(0),
        || abort(),
        || raise(Signal::SIGKILL).map_err(|errno| errno.to_string()),
        || Err(Command::new("true").exec().to_string()),
    ];
    for way in ways {
        let parent = parent_process(move || {
            let begun = gate();
            let inner = begun.clone();
            let child = daemon().spawn(move || {
                inner.open();
                for_ever();
            });
            child.map(drop).map_err(|error| error.to_string())?;
            begun.pass();
            way()
        });
        let ends = all_ends();
        let of_parent = ends.iter().filter(|end| end.pid() == Some(parent.pid())).count();
        assert_eq!((ends.len(), of_parent), (2, 1), "{ends:?}");
        assert!(killed(&ends) >= 1, "{ends:?}");
    }
}

/// `PR_SET_PDEATHSIG` would end them all.
fn not_with_the_forking_thread() {
    let go = gate();
    let inner = go.clone();
    let spawned = thread::spawn(move || {
        // SAFETY: the other thread waits to join this one.
        unsafe { daemon().spawn_unchecked(move || inner.pass()) }
    });
    let child = spawned.join().unwrap().unwrap();
    // Whatever its end was to do, it has done by the time it cannot be found.
    while std::fs::read_dir("/proc/self/task").unwrap().count() > 1 {
        thread::yield_now();
    }
    assert!(child.is_alive());
    go.open();
    assert_eq!(child.join(), Ok(()));
}

/// Siblings that live on, whichever way they were forked, do not keep it alive.
fn whoever_else_was_forked() {
    let (begun, go) = (gate(), gate());
    let inner = (begun.clone(), go.clone());
    let parent = parent_process(move || {
        let (begun, go) = inner;
        let first = daemon().spawn(for_ever).map_err(|error| error.to_string())?;
        drop(first);
        let pass = go.clone();
        spawn(move || pass.pass()).map_err(|error| error.to_string())?;
        // SAFETY: one thread, and the child uses nothing of its parent's but a page.
        if let ForkResult::Child = unsafe { nix::unistd::fork() }.map_err(|e| e.to_string())? {
            go.pass();
            exit(0);
        }
        let open = begun.clone();
        let second = daemon().spawn(move || {
            open.open();
            for_ever();
        });
        drop(second.map_err(|error| error.to_string())?);
        for_ever();
        Ok(())
    });
    begun.pass();
    parent.kill();
    // Both daemons and the parent: the siblings come later.
    let mut ends = Vec::new();
    while ends.len() < 3 {
        ends.push(wait().unwrap());
    }
    assert_eq!(killed(&ends), 3, "{ends:?}");
    let left = children();
    assert_eq!(left.len(), 2);
    assert!(left.into_iter().all(is_running));
    go.open();
    assert_eq!(killed(&all_ends()), 0);
}

fn a_stopped_one() {
    let parent = parent_process(|| {
        let begun = gate();
        let inner = begun.clone();
        let child = daemon().spawn(move || {
            inner.open();
            for_ever();
        });
        let child = child.map_err(|error| error.to_string())?;
        begun.pass();
        let pid = Pid::from_raw(child.pid().cast_signed());
        kill(pid, Signal::SIGSTOP).map_err(|errno| errno.to_string())
    });
    let ends = all_ends();
    assert_eq!((ends.len(), killed(&ends)), (2, 1), "{:?}, {ends:?}", parent.pid());
}

/// Each ends with its own parent, and so a whole tree with its root.
fn of_a_daemon() {
    let begun = gate();
    let inner = begun.clone();
    let parent = parent_process(move || {
        let child = daemon().may_have_children(true).spawn(move || {
            let grandchild = Builder::new().spawn(move || {
                assert!(current().is_daemon(), "a daemon's child, and nothing was said");
                inner.open();
                for_ever();
            });
            drop(grandchild.unwrap());
            for_ever();
        });
        drop(child.map_err(|error| error.to_string())?);
        for_ever();
        Ok(())
    });
    begun.pass();
    parent.kill();
    let ends = all_ends();
    assert_eq!((ends.len(), killed(&ends)), (3, 3), "{ends:?}");
}

fn spawned(child: Result<Child<()>, SpawnError>) -> Result<(), String> {
    child.map_err(|error| error.to_string())?.join().map_err(|error| error.to_string())
}

fn may_have_children_or_not() {
    let have_one = || spawned(spawn(|| ()));
    let refused = daemon().spawn(have_one).unwrap().join().unwrap().unwrap_err();
    assert!(refused.contains("daemonic processes are not allowed to have children"), "{refused}");
    assert!(refused.contains("may_have_children(true)"), "{refused}");
    let unchecked = || {
        // SAFETY: one thread, no guards.
        let child = unsafe { Builder::new().spawn_unchecked(|| ()) };
        child.unwrap_err() == SpawnError::Daemon
    };
    assert_eq!(daemon().spawn(unchecked).unwrap().join(), Ok(true));
    // SAFETY: the only thread, and no guards.
    let from_unchecked = unsafe { daemon().spawn_unchecked(unchecked) };
    assert_eq!(from_unchecked.unwrap().join(), Ok(true), "where the lock was held across the fork");

    let allowed = daemon().may_have_children(true).spawn(have_one);
    assert_eq!(allowed.unwrap().join(), Ok(Ok(())));
    let other = Builder::new().may_have_children(false).spawn(have_one);
    assert!(other.unwrap().join().unwrap().is_err(), "it may be said of anybody");
    assert_eq!(spawn(have_one).unwrap().join(), Ok(Ok(())));
    assert!(!current().is_daemon());
}

fn return_values_like_others() {
    let child = daemon().name("ticker").spawn(|| (current().name().to_owned(), 7_u32));
    assert_eq!(child.unwrap().join(), Ok(("ticker".to_owned(), 7)));
    let never = gate();
    let child = daemon().spawn(move || never.pass()).unwrap();
    child.terminate().unwrap();
    assert_eq!(
        child.join().unwrap_err().to_string(),
        "the process was ended by signal 15 (SIGTERM)"
    );
}

/// The bare fork is bare: its child is no daemon, even in one.
fn of_a_bare_fork() {
    let bare = || {
        // SAFETY: one thread, no guards, and the child exits.
        match unsafe { fork() }.unwrap() {
            Fork::Parent(child) => child.join().is_ok(),
            Fork::Child => exit(i32::from(current().is_daemon())),
        }
    };
    assert_eq!(daemon().spawn(bare).unwrap().join(), Ok(true));
}

fn two_hundred_in_a_row() {
    assert_eq!(daemon().spawn(|| ()).unwrap().join(), Ok(()));
    let before = fds_after_a_child();
    for round in 0..200_u32 {
        let inside = daemon().spawn(move || (round, fds())).unwrap().join().unwrap();
        assert_eq!(inside.0, round);
        assert!(inside.1 <= before + 2, "{inside:?}, {before}");
    }
    assert_eq!(fds(), before, "one write end for all of them");
    assert_eq!(waitpid(None, None), Err(Errno::ECHILD));
}
