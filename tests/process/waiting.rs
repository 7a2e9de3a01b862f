//! Waiting: not at all, for a while, for ever, and through interruptions.

use std::time::{Duration, Instant};

use killproof::process::spawn;
use nix::sys::signal::{Signal, kill, raise};
use nix::unistd::Pid;

use crate::common::case::Case;
use crate::common::child::until;
use crate::common::interruptions;
use crate::{case, gate};

pub fn cases() -> Vec<Case> {
    vec![
        case("waiting::for_various_times", for_various_times),
        case("waiting::try_join", try_join),
        case("waiting::stopped_and_continued", stopped_and_continued),
        case("waiting::poll_on_the_handle", poll_on_the_handle),
        case("waiting::join_through_signals", join_through_signals),
        case("waiting::in_a_sibling", in_a_sibling),
    ]
}

fn for_various_times() {
    let go = gate();
    let inner = go.clone();
    let mut child = spawn(move || {
        inner.pass();
        11_u64
    })
    .unwrap();
    assert_eq!(child.join_timeout(Duration::ZERO), Ok(None));
    let before = Instant::now();
    assert_eq!(child.join_timeout(Duration::from_millis(3)), Ok(None));
    assert!(before.elapsed() >= Duration::from_millis(3));
    assert!(child.is_alive());
    assert_eq!(child.exit_code(), None);
    go.open();
    assert_eq!(child.join_timeout(Duration::MAX), Ok(Some(11)));
    assert!(!child.is_alive());
}

fn try_join() {
    let go = gate();
    let inner = go.clone();
    let mut child = spawn(move || inner.pass()).unwrap();
    assert_eq!(child.try_join(), Ok(None));
    go.open();
    let joined = loop {
        match child.try_join() {
            Ok(None) => std::thread::yield_now(),
            joined => break joined,
        }
    };
    assert_eq!(joined, Ok(Some(())));
}

fn stopped_and_continued() {
    let mut child = spawn(|| {
        let _ = raise(Signal::SIGSTOP);
        7_u8
    })
    .unwrap();
    let stat = format!("/proc/{}/stat", child.pid());
    let is_stopped = || std::fs::read_to_string(&stat).unwrap().contains(") T ");
    assert!(until(Instant::now() + Duration::from_secs(60), is_stopped));
    assert!(child.is_alive(), "stopped is not dead");
    assert_eq!(child.try_join(), Ok(None));
    assert_eq!(child.join_timeout(Duration::from_millis(2)), Ok(None));
    kill(Pid::from_raw(child.pid() as i32), Signal::SIGCONT).unwrap();
    assert_eq!(child.join(), Ok(7));
}

fn poll_on_the_handle() {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let go = gate();
    let inner = go.clone();
    let child = spawn(move || inner.pass()).unwrap();
    let ready = |timeout: Option<&Timespec>| {
        poll(&mut [PollFd::new(&child, PollFlags::IN)], timeout).unwrap()
    };
    assert_eq!(ready(Some(&Timespec::default())), 0);
    go.open();
    assert_eq!(ready(None), 1);
    assert_eq!(child.join(), Ok(()));
}

fn join_through_signals() {
    interruptions::start(Duration::from_millis(1));
    for round in 0..20_u32 {
        let enough = interruptions::count() + 10;
        let child = spawn(move || {
            // The timer is the parent's alone; its handler counts for both.
            while interruptions::count() < enough {
                std::thread::yield_now();
            }
            round
        });
        let mut child = child.unwrap();
        if round % 2 == 0 {
            assert_eq!(child.join(), Ok(round));
        } else {
            assert_eq!(child.join_timeout(Duration::from_secs(3600)), Ok(Some(round)));
        }
    }
}

/// A handle that moved into another process can wait there and gets the value;
/// how the process ended only its parent is told.
fn in_a_sibling() {
    let first = spawn(|| 20_u64).unwrap();
    let second = spawn(move || first.join().map_err(|error| error.to_string())).unwrap();
    assert_eq!(second.join(), Ok(Ok(20)));

    let never = gate();
    let killed = spawn(move || never.pass()).unwrap();
    killed.kill().unwrap();
    let second = spawn(move || killed.join().map_err(|error| error.to_string())).unwrap();
    let told = second.join().unwrap().unwrap_err();
    assert_eq!(told, "the process ended, and somebody else was told how");
}
