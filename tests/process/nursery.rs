//! A zygote among signals, and how the ends of its children get to its owner.

use std::path::PathBuf;
use std::process::exit;
use std::time::Duration;

use killproof::process::{JoinError, Zygote, active_children, join_all, terminate_all, wait_any};
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

use crate::case;
use crate::common::case::Case;
use crate::zygote::{for_ever, signal, stop};

pub fn cases() -> Vec<Case> {
    vec![
        case("nursery::signals_for_everybody", signals_for_everybody),
        case("nursery::children_hear_what_the_owner_did", children_hear),
        case("nursery::terminate_all_active", terminate_all_active),
        case("nursery::active_and_dropped", active_and_dropped),
        case("nursery::told_before_it_is_reaped", told_before_it_is_reaped),
        case("nursery::said_is_said", said_is_said),
    ]
}

fn names() -> Vec<String> {
    active_children().iter().map(|child| child.name().to_owned()).collect()
}

/// For it and the children that are forked from here on: kept until they ask.
fn block(signal: Signal) {
    SigSet::from(signal).thread_block().unwrap();
}

/// Ctrl-C, a terminal that is closed, a service that is stopped.
fn signals_for_everybody() {
    let zygote = Zygote::start().unwrap();
    let child = zygote.spawn(for_ever, ()).unwrap();
    for sent in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGUSR1]
    {
        signal(zygote.pid(), sent);
        assert_eq!(zygote.spawn(|n: u8| n, 5).unwrap().join(), Ok(5), "after {sent}");
    }
    assert!(zygote.is_alive() && child.is_alive());
    child.terminate().unwrap();
    assert_eq!(child.join(), Err(JoinError::Signalled(15)));
}

fn heard_not() -> Vec<i32> {
    let mask = SigSet::thread_get_mask().unwrap();
    mask.iter().map(|signal| signal as i32).collect()
}

fn children_hear() {
    let before = heard_not();
    let zygote = Zygote::start().unwrap();
    assert_eq!(heard_not(), before);
    assert_eq!(zygote.spawn(|()| heard_not(), ()).unwrap().join().as_ref(), Ok(&before));
    let mut only = SigSet::from(Signal::SIGUSR2);
    only.add(Signal::SIGTERM);
    let earlier = only.thread_swap_mask(SigmaskHow::SIG_SETMASK).unwrap();
    let zygote = Zygote::start().unwrap();
    earlier.thread_set_mask().unwrap();
    let child = zygote.spawn(|()| heard_not(), ()).unwrap();
    assert_eq!(child.join(), Ok(only.iter().map(|signal| signal as i32).collect()));
}

/// Workers say goodbye when they are asked to end: nobody ends them sooner.
fn terminate_all_active() {
    block(Signal::SIGTERM);
    let zygote = Zygote::start().unwrap();
    let goodbye = |()| {
        SigSet::from(Signal::SIGTERM).wait().unwrap();
        exit(7)
    };
    let workers: Vec<_> = (0..3).map(|_| zygote.spawn(goodbye, ()).unwrap()).collect();
    assert_eq!(terminate_all(&active_children(), Duration::MAX), Ok(0));
    let ends: Vec<Result<(), _>> = join_all(workers);
    assert_eq!(ends, vec![Err(JoinError::Exited(7)); 3]);
    assert!(zygote.is_alive());
}

fn active_and_dropped() {
    let zygote = Zygote::start().unwrap();
    drop(zygote.spawn(for_ever, ()).unwrap());
    let kept = zygote.spawn(for_ever, ()).unwrap();
    assert_eq!(names(), ["Process-1", "Process-2"]);
    let active = active_children();
    active[0].kill().unwrap();
    assert_eq!(wait_any(&active, None), Ok(Some(0)));
    assert_eq!(names(), ["Process-2"]);
    kept.kill().unwrap();
    assert_eq!(kept.join(), Err(JoinError::Signalled(9)));
    assert!(names().is_empty());
}

/// At no step of the zygote's is the child gone, and nobody can say how it ended.
fn told_before_it_is_reaped() {
    let zygote = Zygote::start().unwrap();
    let child = zygote.spawn(for_ever, ()).unwrap();
    let traced = Pid::from_raw(zygote.pid().cast_signed());
    ptrace::seize(traced, Options::PTRACE_O_TRACESYSGOOD).unwrap();
    ptrace::interrupt(traced).unwrap();
    child.kill().unwrap();
    let entry = PathBuf::from(format!("/proc/{}", child.pid()));
    loop {
        waitpid(traced, None).unwrap();
        // In this order: it stands still.
        let (is_there, code) = (entry.exists(), child.exit_code());
        assert!(is_there || code == Some(-9), "reaped, and not told");
        if !is_there {
            break;
        }
        ptrace::syscall(traced, None).unwrap();
    }
    ptrace::detach(traced, None).unwrap();
    assert_eq!(child.join(), Err(JoinError::Signalled(9)));
}

/// A value that is there needs no word of the zygote's.
fn said_is_said() {
    block(Signal::SIGUSR1);
    let zygote = Zygote::start().unwrap();
    let when_asked = |n: u32| {
        SigSet::from(Signal::SIGUSR1).wait().unwrap();
        n
    };
    let mut child = zygote.spawn(when_asked, 7).unwrap();
    stop(zygote.pid());
    assert_eq!(child.try_join(), Ok(None));
    signal(child.pid(), Signal::SIGUSR1);
    assert_eq!(wait_any(&[&child], None), Ok(Some(0)));
    assert_eq!(child.try_join(), Ok(Some(7)));
    assert_eq!(child.try_join(), Err(JoinError::Taken));
    assert_eq!(child.exit_code(), None, "of which nothing is known yet");
    signal(zygote.pid(), Signal::SIGCONT);
    while child.exit_code().is_none() {
        std::thread::yield_now();
    }
    assert_eq!(child.exit_code(), Some(0));
}
