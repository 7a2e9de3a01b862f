//! However a process ends, whoever joins it is told.

use std::panic;
use std::process::exit;

use killproof::process::{Child, JoinError, spawn};
use nix::sys::signal::{Signal, raise};

use crate::common::case::Case;
use crate::{case, case_saying, gate};

pub fn cases() -> Vec<Case> {
    vec![
        case("ends::panic_with_message_and_place", panic_with_message_and_place),
        case("ends::panics_without_either", panics_without_either),
        case("ends::panic_in_a_destructor", panic_in_a_destructor),
        case("ends::panic_caught_before", panic_caught_before),
        case("ends::panic_in_a_panic", panic_in_a_panic),
        case("ends::exit_codes", exit_codes),
        case("ends::signals", signals),
        case_saying("ends::killed_at_any_time", killed_at_any_time),
        case("ends::kill_after_the_end", kill_after_the_end),
        case("ends::value_taken_once", value_taken_once),
        case("ends::debug", debug),
    ]
}

fn message<T: killproof::Message + std::fmt::Debug>(child: Child<T>) -> String {
    match child.join() {
        Err(JoinError::Panicked(message)) => message,
        other => panic!("{other:?}"),
    }
}

/// What the last panic of a process would be on stderr is of no interest.
fn hush() {
    panic::set_hook(Box::new(|_| {}));
}

fn panic_with_message_and_place() {
    hush();
    let line = line!() + 1;
    let child = spawn(|| -> u8 { panic!("boom {}", 7) }).unwrap();
    let told = message(child);
    let start = format!("boom 7, at {}:{line}:", file!());
    assert!(told.starts_with(&start), "{told}");

    let mut child = spawn(|| -> u8 { panic!("again") }).unwrap();
    while child.is_alive() {
        std::thread::yield_now();
    }
    assert_eq!(child.exit_code(), Some(101));
    assert!(matches!(child.try_join(), Err(JoinError::Panicked(_))));
    assert_eq!(child.exit_code(), Some(101), "reaped by now, and still known");
    assert!(matches!(child.join(), Err(JoinError::Panicked(_))));
}

fn panics_without_either() {
    hush();
    let any = spawn(|| panic::panic_any(5_u8)).unwrap();
    assert!(message::<()>(any).starts_with("a panic without a message, at "));
    let quiet = spawn(|| panic::resume_unwind(Box::new("quiet"))).unwrap();
    assert_eq!(message::<()>(quiet), "quiet", "no hook ran, so nobody knows where");
}

fn panic_in_a_destructor() {
    struct Bad;
    impl Drop for Bad {
        fn drop(&mut self) {
            // In the parent it is dropped too.
            if std::process::id() != PARENT.load(std::sync::atomic::Ordering::Relaxed) {
                panic!("dropped");
            }
        }
    }
    static PARENT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    hush();
    PARENT.store(std::process::id(), std::sync::atomic::Ordering::Relaxed);
    let bad = Bad;
    let child = spawn(move || {
        let _bad = bad;
        5_u8
    });
    assert!(message(child.unwrap()).starts_with("dropped, at "));
}

fn panic_caught_before() {
    hush();
    let child = spawn(|| {
        let _ = panic::catch_unwind(|| panic!("earlier"));
        panic::resume_unwind(Box::new("later"))
    });
    assert_eq!(message::<()>(child.unwrap()), "later", "not with the place of the earlier");
}

/// A process spawned by a destructor while a panic unwinds.
fn panic_in_a_panic() {
    struct Spawns;
    impl Drop for Spawns {
        fn drop(&mut self) {
            assert!(std::thread::panicking());
            assert_eq!(spawn(|| 6_u8).unwrap().join(), Ok(6));
            let child = spawn(|| panic::resume_unwind(Box::new("inner"))).unwrap();
            assert_eq!(message::<()>(child), "inner");
        }
    }
    hush();
    let caught = panic::catch_unwind(|| {
        let _spawns = Spawns;
        panic!("outer");
    });
    assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"outer"));
}

fn exit_codes() {
    for code in [0, 1, 3, 255] {
        let mut child = spawn(move || -> u8 { exit(code) }).unwrap();
        while child.exit_code().is_none() {
            std::thread::yield_now();
        }
        assert_eq!(child.exit_code(), Some(code));
        assert_eq!(child.try_join(), Err(JoinError::Exited(code)));
        assert_eq!(child.exit_code(), Some(code));
        assert_eq!(child.join(), Err(JoinError::Exited(code)));
    }
    let mut returns = spawn(|| 9_u8).unwrap();
    while returns.exit_code().is_none() {
        std::thread::yield_now();
    }
    assert_eq!(returns.exit_code(), Some(0));
    assert_eq!(returns.try_join(), Ok(Some(9)), "asking did not take the value away");
}

fn signals() {
    let never = gate();
    for (signal, by_handle) in [(9, true), (15, true), (9, false), (6, false)] {
        let never = never.clone();
        let child = spawn(move || {
            if !by_handle {
                let _ = raise(Signal::try_from(signal).unwrap());
            }
            never.pass();
        });
        let mut child = child.unwrap();
        match (signal, by_handle) {
            (9, true) => child.kill().unwrap(),
            (15, true) => child.terminate().unwrap(),
            _ => {}
        }
        let told = child.join_timeout(std::time::Duration::MAX);
        assert_eq!(told, Err(JoinError::Signalled(signal)));
        assert_eq!(child.exit_code(), Some(-signal));
        assert!(child.join().unwrap_err().to_string().contains(&format!("signal {signal} (SIG")));
    }
}

/// It has returned or it has not; half a value is neither.
fn killed_at_any_time() -> String {
    let mut returned = 0;
    const ROUNDS: usize = 300;
    for round in 0..ROUNDS {
        let len = if round % 2 == 0 { 100 } else { 100_000 };
        let value = move || vec![round as u8; len];
        let child = spawn(value).unwrap();
        for _ in 0..round * 80 {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        match child.join() {
            Ok(bytes) => {
                assert_eq!(bytes, value());
                returned += 1;
            }
            Err(error) => assert_eq!(error, JoinError::Signalled(9)),
        }
    }
    format!("ends::killed_at_any_time: {returned} of {ROUNDS} had returned")
}

fn kill_after_the_end() {
    let mut child = spawn(|| 1_u8).unwrap();
    while child.is_alive() {
        std::thread::yield_now();
    }
    child.kill().expect("a zombie");
    assert_eq!(child.try_join(), Ok(Some(1)));
    child.kill().expect("nobody");
    child.terminate().expect("nobody");
    assert_eq!(child.exit_code(), Some(0));
}

fn value_taken_once() {
    let mut child = spawn(|| 1_u8).unwrap();
    assert_eq!(child.join_timeout(std::time::Duration::MAX), Ok(Some(1)));
    assert_eq!(child.try_join(), Err(JoinError::Taken));
    assert_eq!(child.join(), Err(JoinError::Taken));
}

fn debug() {
    let go = gate();
    let inner = go.clone();
    let child = spawn(move || inner.pass()).unwrap();
    let (pid, started) = (child.pid(), format!("{child:?}"));
    assert_eq!(started, format!("Child {{ name: \"Process-1\", pid: {pid}, state: running }}"));
    go.open();
    while child.is_alive() {
        std::thread::yield_now();
    }
    assert!(format!("{child:?}").ends_with("state: exited 0 }"), "{child:?}");
    assert_eq!(child.join(), Ok(()));

    let killed = spawn(|| raise(Signal::SIGKILL).unwrap_or_default()).unwrap();
    while killed.is_alive() {
        std::thread::yield_now();
    }
    assert!(format!("{killed:?}").ends_with("state: signalled 9 }"), "{killed:?}");
}
