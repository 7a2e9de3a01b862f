//! Handles that are dropped leave no zombies and no descriptors.

use std::time::{Duration, Instant};

use killproof::process::spawn;
use nix::unistd::Pid;

use crate::common::case::Case;
use crate::common::child::{children, is_running, until};
use crate::common::{self};
use crate::{case, gate};

pub fn cases() -> Vec<Case> {
    vec![
        case("detached::reaped_at_the_next_call", reaped_at_the_next_call),
        case("detached::reaped_at_once_if_ended", reaped_at_once_if_ended),
        case("detached::two_hundred_in_a_row", two_hundred_in_a_row),
        case("detached::goes_on_when_the_parent_is_killed", goes_on_when_the_parent_is_killed),
        case("detached::forgotten_by_a_plain_fork", forgotten_by_a_plain_fork),
    ]
}

pub fn fds() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// The descriptors there are once a child has left its page for the next one.
pub fn fds_after_a_child() -> usize {
    assert_eq!(spawn(|| ()).unwrap().join(), Ok(()));
    fds()
}

/// Waits until `pid` is a zombie, or gone.
fn wait_for_end(pid: u32) {
    let ended = || !is_running(Pid::from_raw(pid as i32));
    assert!(until(Instant::now() + Duration::from_secs(60), ended));
}

fn reaped_at_the_next_call() {
    let before = fds_after_a_child();
    let go = gate();
    let inner = go.clone();
    let child = spawn(move || inner.pass()).unwrap();
    let pid = child.pid();
    drop(child);
    go.open();
    wait_for_end(pid);
    assert_eq!(children(), [Pid::from_raw(pid as i32)], "a zombie, as nobody called");
    let other = spawn(|| ()).unwrap();
    assert_eq!(children(), [Pid::from_raw(other.pid() as i32)]);
    assert_eq!(other.join(), Ok(()));
    drop(go);
    assert_eq!(fds(), before);
}

fn reaped_at_once_if_ended() {
    let child = spawn(|| ()).unwrap();
    wait_for_end(child.pid());
    drop(child);
    assert_eq!(children(), []);
}

fn two_hundred_in_a_row() {
    let before = fds_after_a_child();
    for round in 0..200_u32 {
        let mut child = spawn(move || round.to_string()).unwrap();
        match round % 3 {
            0 => assert_eq!(child.join(), Ok(round.to_string())),
            1 => assert_eq!(child.join_timeout(Duration::MAX), Ok(Some(round.to_string()))),
            _ => drop(child),
        }
    }
    for pid in children() {
        wait_for_end(pid.as_raw() as u32);
    }
    assert_eq!(spawn(|| ()).unwrap().join(), Ok(()));
    assert_eq!(children(), []);
    assert_eq!(fds(), before);
}

fn goes_on_when_the_parent_is_killed() {
    let (begun, go, done) = (gate(), gate(), gate());
    let shared = (begun.clone(), go.clone(), done.clone());
    let parent = common::child::fork(move || {
        let (begun, go, done) = shared;
        let never = gate();
        let child = spawn(move || {
            begun.open();
            go.pass();
            done.open();
        });
        let _child = child.map_err(|error| error.to_string())?;
        never.pass();
        Ok(())
    });
    begun.pass();
    drop(parent);
    go.open();
    done.pass();
}

fn forgotten_by_a_plain_fork() {
    let never = gate();
    let inner = never.clone();
    let running = spawn(move || inner.pass()).unwrap();
    let (handle, pid) = (running.pid(), Pid::from_raw(running.pid() as i32));
    drop(running);
    // Not this crate's fork.
    let before = fds();
    let child = common::child::fork(move || {
        let shared = fds();
        assert_eq!(killproof::process::current().name(), "main");
        assert_eq!(fds(), shared - 1, "the parent's detached child was closed here");
        let own = spawn(|| ()).map_err(|error| error.to_string())?;
        assert_eq!(own.name(), "Process-1", "names start again");
        own.join().map_err(|error| error.to_string())
    });
    let deadline = Instant::now() + Duration::from_secs(60);
    assert_eq!(child.finish(deadline), Some(Ok(())));
    drop(child);
    assert_eq!(fds(), before);
    // And the parent has not forgotten it.
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
    wait_for_end(handle);
    assert_eq!(spawn(|| ()).unwrap().join(), Ok(()));
    assert_eq!(children(), []);
}
