//! Several children at once.

use std::os::fd::AsFd;
use std::time::Duration;

use killproof::process::{
    Builder, Child, JoinError, active_children, join_all, spawn, terminate_all, wait_any,
};
use nix::sys::signal::{SigSet, Signal, kill, raise};
use nix::unistd::Pid;

use crate::common::case::Case;
use crate::common::child::children;
use crate::detached::{fds, fds_after_a_child};
use crate::{case, gate};

pub fn cases() -> Vec<Case> {
    vec![
        case("group::active_children", active),
        case("group::active_is_each_processs_own", active_is_each_processs_own),
        case("group::join_all", join_everybody),
        case("group::wait_any", whoever_is_first),
        case("group::wait_any_of_none", of_none),
        case("group::terminate_all", terminate_everybody),
        case("group::terminate_all_of_the_deaf", terminate_the_deaf),
    ]
}

fn for_ever() {
    loop {
        std::thread::park();
    }
}

fn names() -> Vec<String> {
    active_children().iter().map(|child| child.name().to_owned()).collect()
}

fn active() {
    let before = fds_after_a_child();
    assert!(active_children().is_empty());
    let go = gate();
    let wait = || {
        let go = go.clone();
        move || go.pass()
    };
    let first = spawn(wait()).unwrap();
    drop(Builder::new().name("forgotten").spawn(wait()).unwrap());
    let third = spawn(wait()).unwrap();
    assert_eq!(names(), ["Process-2", "forgotten", "Process-3"]);
    let all = active_children();
    assert_eq!(all[0].pid(), first.pid());
    assert!(all.iter().all(|child| child.is_alive()));
    third.kill().unwrap();
    assert_eq!(third.join(), Err(JoinError::Signalled(9)));
    assert_eq!(names(), ["Process-2", "forgotten"]);
    go.open();
    assert_eq!(first.join(), Ok(()));
    assert_eq!(wait_any(&all[1..2], None), Ok(Some(0)));
    assert!(!all[1].is_alive());
    assert!(names().is_empty());
    assert_eq!(children(), [], "to ask reaps the detached");
    for child in &all {
        child.terminate().expect("nobody is there");
        child.kill().expect("nobody is there");
    }
    drop((all, go));
    assert_eq!(fds(), before);
}

fn active_is_each_processs_own() {
    let never = gate();
    let sibling = spawn(move || never.pass()).unwrap();
    let child = spawn(|| {
        let before = names();
        drop(Builder::new().name("grandchild").daemon(true).spawn(for_ever).unwrap());
        (before, names())
    });
    assert_eq!(child.unwrap().join(), Ok((vec![], vec!["grandchild".to_owned()])));
    sibling.kill().unwrap();
}

fn join_everybody() {
    let values = (0..10_u32).map(|n| {
        spawn(move || {
            if n == 4 {
                std::process::exit(4)
            }
            n
        })
        .unwrap()
    });
    let joined = join_all(values.collect::<Vec<_>>());
    for (n, value) in joined.into_iter().enumerate() {
        let expected = if n == 4 { Err(JoinError::Exited(4)) } else { Ok(n as u32) };
        assert_eq!(value, expected);
    }
    assert_eq!(join_all(Vec::<Child<u8>>::new()), []);
}

fn whoever_is_first() {
    let gates: Vec<_> = (0..5).map(|_| gate()).collect();
    let mut left: Vec<(usize, Child<u32>)> = Vec::new();
    for (index, gate) in gates.iter().enumerate() {
        let gate = gate.clone();
        let child = spawn(move || {
            gate.pass();
            index as u32
        });
        left.push((index, child.unwrap()));
    }
    for index in [3, 0, 4, 1, 2] {
        let handles: Vec<&Child<u32>> = left.iter().map(|(_, child)| child).collect();
        assert_eq!(wait_any(&handles, Some(Duration::from_millis(1))), Ok(None));
        gates[index].open();
        let first = wait_any(&handles, None).unwrap().unwrap();
        let (number, child) = left.remove(first);
        assert_eq!((number, child.join()), (index, Ok(index as u32)));
    }
}

fn of_none() {
    assert_eq!(wait_any::<Child<()>>(&[], None), Ok(None));
    let (text, number) = (spawn(String::new).unwrap(), spawn(|| 1_u8).unwrap());
    let different: [&dyn AsFd; 2] = [&text, &number];
    assert!(wait_any(&different, None).unwrap().is_some());
    assert_eq!(terminate_all::<Child<()>>(&[], Duration::MAX), Ok(0));
}

fn terminate_everybody() {
    let all: Vec<_> = (0..5).map(|_| spawn(for_ever).unwrap()).collect();
    let stopped = spawn(for_ever).unwrap();
    kill(Pid::from_raw(stopped.pid().cast_signed()), Signal::SIGSTOP).unwrap();
    let stat = format!("/proc/{}/stat", stopped.pid());
    while !std::fs::read_to_string(&stat).unwrap().contains(") T ") {
        std::thread::yield_now();
    }
    assert_eq!(terminate_all(&[&stopped], Duration::from_millis(5)), Ok(1), "cannot hear");
    assert_eq!(stopped.join(), Err(JoinError::Signalled(9)));
    assert_eq!(terminate_all(&all, Duration::MAX), Ok(0));
    for child in all {
        assert!(!child.is_alive());
        assert_eq!(child.join(), Err(JoinError::Signalled(15)));
    }
}

fn terminate_the_deaf() {
    let deaf = gate();
    let inner = deaf.clone();
    let child = spawn(move || {
        SigSet::from(Signal::SIGTERM).thread_block().unwrap();
        inner.open();
        for_ever();
    });
    let heard = spawn(|| raise(Signal::SIGTERM).unwrap_or_default());
    let all = [child.unwrap(), heard.unwrap()];
    deaf.pass();
    // Or the grace might be over before it has begun.
    wait_any(&[&all[1]], None).unwrap();
    assert_eq!(terminate_all(&all, Duration::from_millis(20)), Ok(1));
    let ends = join_all(all);
    assert_eq!(ends, [Err(JoinError::Signalled(9)), Err(JoinError::Signalled(15))]);
    assert!(active_children().is_empty());
}
