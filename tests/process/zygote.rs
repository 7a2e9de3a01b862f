//! Processes that a zygote forks: as good as one's own, until it dies.

use std::process::exit;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use killproof::Shared;
use killproof::process::{
    Child, JoinError, SpawnError, Zygote, active_children, current, join_all, spawn, terminate_all,
    wait_any,
};
use killproof::sync::{Event, Mutex, OrRecover};
use nix::sys::signal::{Signal, kill, raise};
use nix::sys::wait::wait;
use nix::unistd::Pid;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::common::case::Case;
use crate::common::child::{children, fork as parent_process, is_running};
use crate::detached::fds;
use crate::{case, case_saying, gate};

pub fn cases() -> Vec<Case> {
    vec![
        case("zygote::values", values),
        case("zygote::ends", ends),
        case("zygote::handles", handles),
        case("zygote::handles_beyond_its_limit", handles_beyond_its_limit),
        case("zygote::who_is_who", who_is_who),
        case("zygote::from_many_threads", from_many_threads),
        case("zygote::in_groups", in_groups),
        case("zygote::waiting", waiting),
        case("zygote::nothing_is_left", nothing_is_left),
        case("zygote::dead", dead),
        case("zygote::dead_after_a_value", dead_after_a_value),
        case("zygote::dies_with_its_owner", dies_with_its_owner),
        case("zygote::dropped", dropped),
        case("zygote::of_another_process", of_another_process),
        case("zygote::beside_threads_it_cannot_start", cannot_start),
        case_saying("zygote::killed_at_any_time", killed_at_any_time),
    ]
}

pub fn for_ever((): ()) {
    loop {
        thread::park();
    }
}

pub fn signal(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid.cast_signed()), signal).unwrap();
}

/// Returns when it stands still.
pub fn stop(pid: u32) {
    signal(pid, Signal::SIGSTOP);
    let stat = format!("/proc/{pid}/stat");
    while !std::fs::read_to_string(&stat).unwrap().contains(") T ") {
        thread::yield_now();
    }
}

fn values() {
    let zygote = Zygote::start().unwrap();
    assert_eq!(zygote.spawn(|n: u64| n + 1, 41).unwrap().join(), Ok(42));
    assert_eq!(zygote.spawn(|()| (), ()).unwrap().join(), Ok(()));
    fn reversed(list: Vec<String>) -> Vec<String> {
        list.into_iter().rev().collect()
    }
    for len in [0, 1, 10, 20_000] {
        let list: Vec<String> = (0..len).map(|n| n.to_string()).collect();
        let child = zygote.spawn(reversed, list.clone()).unwrap();
        assert_eq!(child.join(), Ok(reversed(list)));
    }
    let short = zygote.spawn(|long: Vec<u8>| long.len() as u64, vec![7; 1 << 20]);
    assert_eq!(short.unwrap().join(), Ok(1 << 20));
    let long = zygote.spawn(|len: u64| vec![7_u8; len as usize], 1 << 20);
    assert_eq!(long.unwrap().join(), Ok(vec![7; 1 << 20]));
}

fn ends() {
    let zygote = Zygote::start().unwrap();
    let panicked = zygote.spawn(|n: u8| -> u8 { panic!("boom {n}") }, 7).unwrap();
    let Err(JoinError::Panicked(message)) = panicked.join() else { panic!("no panic") };
    assert!(message.starts_with("boom 7, at "), "{message}");
    let exited = zygote.spawn(|code: i32| -> u8 { exit(code) }, 3).unwrap();
    assert_eq!(exited.join(), Err(JoinError::Exited(3)));
    for wanted in [Signal::SIGKILL, Signal::SIGABRT] {
        let raised = |number: i32| raise(Signal::try_from(number).unwrap()).unwrap_or_default();
        let mut child = zygote.spawn(raised, wanted as i32).unwrap();
        assert_eq!(child.join_timeout(Duration::MAX), Err(JoinError::Signalled(wanted as i32)));
        assert_eq!(child.exit_code(), Some(-(wanted as i32)));
    }
    let child = zygote.spawn(|()| 5_u8, ()).unwrap();
    while child.exit_code().is_none() {
        thread::yield_now();
    }
    assert_eq!((child.exit_code(), child.is_alive()), (Some(0), false));
    assert!(format!("{child:?}").ends_with("state: exited 0 }"), "{child:?}");
    assert_eq!(child.join(), Ok(5));
}

/// Handles that are younger than the zygote.
fn handles() {
    type Total = Shared<Mutex<u64>>;
    fn add(n: u64, total: Total) -> u64 {
        let mut total = total.lock().unwrap();
        *total += n;
        *total
    }
    let zygote = Zygote::start().unwrap();
    let total: Total = Shared::new(Mutex::new(0)).unwrap();
    let before = fds();
    for n in 1..=10 {
        assert_eq!(zygote.spawn_with(add, n, total.clone()).unwrap().join(), Ok(n * (n + 1) / 2));
    }
    assert_eq!(*total.lock().unwrap(), 55);
    assert!(fds() <= before + 1, "{} descriptors after {before}", fds());
    // Several in a tuple, and none.
    type Doors = (Event, Event, Shared<AtomicU32>);
    let through = |n: u32, (go, gone, count): Doors| {
        go.wait();
        count.fetch_add(n, Ordering::Relaxed);
        gone.set();
    };
    let doors = || Event::new().unwrap();
    let (go, gone, count) = (doors(), doors(), Shared::new(AtomicU32::new(3)).unwrap());
    let handles = (go.clone(), gone.clone(), count.clone());
    let child = zygote.spawn_with(through, 4, handles).unwrap();
    assert!(!gone.is_set());
    go.set();
    gone.wait();
    assert_eq!((child.join(), count.load(Ordering::Relaxed)), (Ok(()), 7));
    assert_eq!(zygote.spawn_with(|n: u8, ()| n, 7, ()).unwrap().join(), Ok(7));
    // A child that is killed with a lock leaves it abandoned to all others.
    let hold = |(), total: Total| {
        let _guard = total.lock().unwrap();
        for_ever(());
    };
    let child = zygote.spawn_with(hold, (), total.clone()).unwrap();
    while total.try_lock().is_ok() {
        thread::yield_now();
    }
    child.kill().unwrap();
    assert_eq!(child.join(), Err(JoinError::Signalled(9)));
    assert!(total.lock().or_recover(|total| *total = 1).is_ok());
    assert_eq!(zygote.spawn_with(add, 1, total.clone()).unwrap().join(), Ok(2));
}

/// Where the zygote may have no more descriptors, the order fails whole, and the next
/// one does not.
fn handles_beyond_its_limit() {
    let before = getrlimit(Resource::Nofile);
    let few = Rlimit { current: Some(fds() as u64 + 14), ..before };
    setrlimit(Resource::Nofile, few).unwrap();
    let zygote = Zygote::start().unwrap();
    setrlimit(Resource::Nofile, before).unwrap();
    type Six = (Event, Event, Event, Event, Event, Event);
    let event = || Event::new().unwrap();
    let six = || (event(), event(), event(), event(), event(), event());
    let refused = zygote.spawn_with(|(), _: (Six, Six)| (), (), (six(), six())).unwrap_err();
    assert!(matches!(refused, SpawnError::Failed(_)), "{refused:?}");
    assert_eq!(zygote.spawn(|n: u8| n, 7).unwrap().join(), Ok(7));
}

fn who_is_who() {
    let zygote = Zygote::start().unwrap();
    let first = |()| (current().name().to_owned(), current().parent(), current().is_daemon());
    let child = zygote.spawn(first, ()).unwrap();
    assert_eq!(child.name(), "Process-1");
    assert_eq!(child.join(), Ok(("Process-1".to_owned(), zygote.pid(), true)));
    let nested = |()| spawn(|| current().name().to_owned()).unwrap().join().unwrap();
    assert_eq!(zygote.spawn(nested, ()).unwrap().join().as_deref(), Ok("Process-1"));
    assert!(zygote.is_alive());
    let pids = children();
    assert_eq!(pids, [Pid::from_raw(zygote.pid().cast_signed())], "the others are its own");
}

fn from_many_threads() {
    let zygote = Zygote::start().unwrap();
    thread::scope(|scope| {
        for thread in 0..4_u32 {
            let zygote = &zygote;
            scope.spawn(move || {
                for round in 0..25_u32 {
                    assert!(matches!(spawn(|| ()), Err(SpawnError::Threads(_))));
                    let child = zygote.spawn(|(a, b): (u32, u32)| a * 1000 + b, (thread, round));
                    assert_eq!(child.unwrap().join(), Ok(thread * 1000 + round));
                }
            });
        }
    });
}

fn in_groups() {
    let zygote = Zygote::start().unwrap();
    let all: Vec<Child<()>> = (0..5).map(|_| zygote.spawn(for_ever, ()).unwrap()).collect();
    let names: Vec<String> = active_children().iter().map(|c| c.name().to_owned()).collect();
    let expected = ["Process-1", "Process-2", "Process-3", "Process-4", "Process-5"];
    assert_eq!(names, expected, "the zygote is not among them");
    assert_eq!(wait_any(&all, Some(Duration::from_millis(1))), Ok(None));
    all[3].kill().unwrap();
    assert_eq!(wait_any(&all, None), Ok(Some(3)));
    assert_eq!(terminate_all(&all, Duration::MAX), Ok(0));
    let ends = join_all(all);
    let of = |signal| Err(JoinError::Signalled(signal));
    assert_eq!(ends, [of(15), of(15), of(15), of(9), of(15)]);
}

fn waiting() {
    let zygote = Zygote::start().unwrap();
    let mut child = zygote.spawn(for_ever, ()).unwrap();
    assert_eq!(child.try_join(), Ok(None));
    assert_eq!(child.join_timeout(Duration::from_millis(3)), Ok(None));
    // Who is to say how it ended is stopped: that it did is known.
    stop(zygote.pid());
    child.kill().unwrap();
    while child.is_alive() {
        thread::yield_now();
    }
    assert_eq!(child.try_join(), Ok(None));
    assert_eq!((child.exit_code(), child.join_timeout(Duration::from_millis(3))), (None, Ok(None)));
    signal(zygote.pid(), Signal::SIGCONT);
    assert_eq!(child.join(), Err(JoinError::Signalled(9)));
}

fn fds_of(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

fn nothing_is_left() {
    let zygote = Zygote::start().unwrap();
    let inside = |()| (fds() as u64, active_children().len() as u64);
    let first = zygote.spawn(inside, ()).unwrap().join().unwrap();
    let before = (fds(), fds_of(zygote.pid()));
    for round in 0..100_u32 {
        let child = zygote.spawn(|n: u32| n, round).unwrap();
        if round % 2 == 0 { assert_eq!(child.join(), Ok(round)) } else { drop(child) }
    }
    let sibling = zygote.spawn(for_ever, ()).unwrap();
    let last = zygote.spawn(inside, ()).unwrap().join().unwrap();
    assert!(last.0 <= first.0, "{last:?} after {first:?}");
    sibling.kill().unwrap();
    assert_eq!(sibling.join(), Err(JoinError::Signalled(9)));
    // A zygote says how a child ended before it closes what it has of it; and those
    // that were dropped are kept here until they have ended.
    while fds_of(zygote.pid()) > before.1 || !active_children().is_empty() {
        thread::yield_now();
    }
    active_children();
    assert_eq!(fds(), before.0);
}

fn dead() {
    let zygote = Zygote::start().unwrap();
    let mut child = zygote.spawn(for_ever, ()).unwrap();
    assert_eq!(child.try_join(), Ok(None));
    signal(zygote.pid(), Signal::SIGKILL);
    assert_eq!(child.join_timeout(Duration::MAX), Err(JoinError::Lost));
    assert_eq!(child.exit_code(), None);
    for _ in 0..2 {
        let error = zygote.spawn(|()| (), ()).unwrap_err();
        assert_eq!(error, SpawnError::Zygote);
        assert!(error.to_string().contains("the zygote has ended"), "{error}");
    }
    assert!(!zygote.is_alive());
    let another = Zygote::start().unwrap();
    assert_eq!(another.spawn(|()| 1_u8, ()).unwrap().join(), Ok(1));
}

fn dead_after_a_value() {
    let zygote = Zygote::start().unwrap();
    let child = zygote.spawn(|()| "said".to_owned(), ()).unwrap();
    while child.is_alive() {
        thread::yield_now();
    }
    signal(zygote.pid(), Signal::SIGKILL);
    assert_eq!(child.join().as_deref(), Ok("said"));
}

fn dies_with_its_owner() {
    for owner_ends in [|| (), || raise(Signal::SIGKILL).unwrap_or_default()] {
        let owner = parent_process(move || {
            let zygote = Zygote::start().map_err(|error| error.to_string())?;
            for _ in 0..3 {
                drop(zygote.spawn(for_ever, ()).map_err(|error| error.to_string())?);
            }
            std::mem::forget(zygote);
            owner_ends();
            Ok(())
        });
        let ends = std::iter::from_fn(|| wait().ok()).count();
        assert_eq!(ends, 5, "the owner {}, a zygote and its three", owner.pid());
    }
}

fn dropped() {
    let zygote = Zygote::start().unwrap();
    let child = zygote.spawn(for_ever, ()).unwrap();
    let pid = Pid::from_raw(zygote.pid().cast_signed());
    drop(zygote);
    assert!(child.is_alive() && is_running(pid), "it has a child to see to");
    child.terminate().unwrap();
    assert_eq!(child.join(), Err(JoinError::Signalled(15)));
    while is_running(pid) {
        thread::yield_now();
    }
    assert!(active_children().is_empty());
}

fn of_another_process() {
    let zygote = Zygote::start().unwrap();
    let go = gate();
    let inner = go.clone();
    let child = spawn(move || {
        inner.pass();
        match zygote.spawn(|()| (), ()) {
            Err(SpawnError::Failed(error)) => error.is_not_owner(),
            _ => false,
        }
    });
    go.open();
    assert_eq!(child.unwrap().join(), Ok(true));
}

fn cannot_start() {
    let (release, wait) = std::sync::mpsc::channel::<()>();
    let thread = thread::spawn(move || wait.recv());
    assert_eq!(Zygote::start().unwrap_err(), SpawnError::Threads(2));
    drop(release);
    let _ = thread.join().unwrap();
}

/// Whatever the owner was doing, it is told, and nobody is left over.
fn killed_at_any_time() -> String {
    let (mut born, mut refused) = (0, 0);
    for round in 0..60_u32 {
        let zygote = Zygote::start().unwrap();
        let pid = zygote.pid();
        // In every other round it has had one child already.
        let first = AtomicU32::new(round % 2);
        thread::scope(|scope| {
            let first = &first;
            scope.spawn(move || {
                while first.load(Ordering::Relaxed) == 1 {
                    thread::yield_now();
                }
                for _ in 0..round * 3000 {
                    std::hint::spin_loop();
                }
                signal(pid, Signal::SIGKILL);
            });
            loop {
                match zygote.spawn(|n: u32| n, round) {
                    Ok(child) => {
                        born += 1;
                        first.store(0, Ordering::Relaxed);
                        match child.join() {
                            Ok(value) => assert_eq!(value, round),
                            Err(error) => {
                                assert!(matches!(error, JoinError::Lost | JoinError::Signalled(9)))
                            }
                        }
                    }
                    Err(SpawnError::Zygote) => break refused += 1,
                    Err(error) => panic!("{error}"),
                }
            }
        });
        drop(zygote);
    }
    assert!(born > 0 && refused == 60, "{born} born, {refused} told");
    format!("zygote::killed_at_any_time: {born} born, {refused} told")
}
