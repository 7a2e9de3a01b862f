//! Records of the lives of processes: `cargo test --features log --test log`
#![allow(unsafe_code)]

#[path = "../common/mod.rs"]
mod common;

use std::collections::HashMap;
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use common::case::case;
use common::mapped::{Gate, gate};
use killproof::pool::{Pool, TaskError};
use killproof::process::{
    Builder, SpawnError, Stdio, Zygote, log_to_stderr, spawn, spawn_unchecked,
};
use log::{Level, LevelFilter, Log, Metadata, Record};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

fn main() {
    common::case::run(vec![
        case("log::a_life", a_life),
        case("log::the_level", the_level),
        case("log::long_and_broken_lines", long_and_broken_lines),
        case("log::of_a_zygote_and_of_a_pool", of_a_zygote_and_of_a_pool),
        case("log::another_logger", another_logger),
        case("log::another_logger_beside_threads", another_logger_beside_threads),
        case("log::a_logger_that_starts_threads", a_logger_that_starts_threads),
        case(
            "complaint_12_lines_are_whole_and_no_lock_is_inherited",
            complaint_12_lines_are_whole_and_no_lock_is_inherited,
        ),
    ]);
}

/// What `body` writes to stderr, in a process of its own.
fn said(body: impl FnOnce() + Send + 'static) -> String {
    let builder = Builder::new().name("main").stderr(Stdio::piped());
    let mut program = builder.spawn(body).unwrap();
    let mut said = String::new();
    program.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    program.join().unwrap();
    said
}

fn ours(level: LevelFilter) {
    log_to_stderr(level).unwrap();
}

fn a_life() {
    let never = gate();
    let said = said(move || {
        ours(LevelFilter::Info);
        let child = spawn(|| log::info!("at work")).unwrap();
        let first = child.pid();
        child.join().unwrap();
        let killed = Builder::new().name("worker").spawn(move || never.pass()).unwrap();
        let second = killed.pid();
        killed.kill().unwrap();
        let _ = killed.join();
        let exits = spawn(|| -> () { std::process::exit(3) }).unwrap();
        let third = exits.pid();
        let _ = exits.join();
        log::info!("{first} {second} {third}");
    });
    let lines: Vec<&str> = said.lines().collect();
    let [first, second, third] = lines[lines.len() - 2].split(' ').collect::<Vec<_>>()[1..] else {
        panic!("{said}")
    };
    let of = |name: &str| -> Vec<&str> {
        lines.iter().filter(|line| line.contains(name)).copied().collect()
    };
    assert_eq!(
        of("/Process-1]"),
        [
            "[INFO/Process-1] child process running",
            "[INFO/Process-1] at work",
            "[INFO/Process-1] process exiting with exitcode 0",
        ]
    );
    assert_eq!(
        of("] Process-1,"),
        [format!("[INFO/main] Process-1, pid {first}, exited with code 0")]
    );
    assert_eq!(of("] Process-1 "), [format!("[INFO/main] Process-1 started, pid {first}")]);
    assert_eq!(
        of("] worker"),
        [
            format!("[INFO/main] worker started, pid {second}"),
            format!("[WARN/main] worker, pid {second}, was killed by signal 9 (SIGKILL)"),
        ]
    );
    assert_eq!(
        of("] Process-2,"),
        [format!("[WARN/main] Process-2, pid {third}, exited with code 3")]
    );
}

fn the_level() {
    let said = said(|| {
        ours(LevelFilter::Warn);
        spawn(|| ()).unwrap().join().unwrap();
        let exits = spawn(|| -> () { std::process::exit(3) }).unwrap();
        let _ = exits.join();
        assert!(log_to_stderr(LevelFilter::Info).is_err(), "there is one already");
    });
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("[WARN/main] Process-2, pid "), "{said}");
}

fn long_and_broken_lines() {
    let said = said(|| {
        ours(LevelFilter::Error);
        log::error!("one\ntwo");
        log::error!("{}", "\u{e4}".repeat(5000));
        log::error!("after");
    });
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!((lines[0], lines[2]), ("[ERROR/main] one two", "[ERROR/main] after"));
    assert!((4090..4096).contains(&lines[1].len()), "{}", lines[1].len());
    assert!(lines[1].ends_with('\u{e4}'));
}

/// Each is told of by whoever forked it, and by whoever learns how it ended.
fn of_a_zygote_and_of_a_pool() {
    let said = said(|| {
        ours(LevelFilter::Info);
        let zygote = Zygote::start().unwrap();
        zygote.spawn(|()| log::info!("at work"), ()).unwrap().join().unwrap();
        let pool = Pool::new(1, |n: u32| {
            log::info!("task {n}");
            if n == 7 {
                std::process::abort();
            }
        });
        let pool = pool.unwrap();
        assert_eq!(pool.map_each([7, 8]), [Err(TaskError::Signalled(6)), Ok(())]);
        pool.close();
        pool.join().unwrap();
    });
    for wanted in [
        "[INFO/main] zygote started, pid ",
        "[INFO/main] Process-1 started, pid ",
        "[INFO/Process-1] child process running",
        "[INFO/Process-1] at work",
        "[INFO/Process-1] process exiting with exitcode 0",
        "[INFO/main] pool started, pid ",
        "[INFO/pool] child process running",
        "[INFO/pool] worker-1 started, pid ",
        "[INFO/worker-1] task 7",
        "[INFO/worker-1] task 8",
        "[INFO/pool] process exiting with exitcode 0",
    ] {
        assert!(said.lines().any(|line| line.starts_with(wanted)), "{wanted}\n{said}");
    }
    let told = said.lines().filter(|line| {
        line.starts_with("[WARN/pool] worker-1, pid ")
            && line.ends_with(", was killed by signal 6 (SIGABRT)")
    });
    assert_eq!(told.count(), 1, "{said}");
    let told = said.lines().filter(|line| line.contains("] Process-1, pid "));
    assert!(told.eq(said.lines().filter(|line| line.starts_with("[INFO/main] Process-1, "))));
}

/// Remembers, behind a lock.
struct Remembers(Mutex<Vec<String>>);

static REMEMBERS: Remembers = Remembers(Mutex::new(Vec::new()));

impl Log for Remembers {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        // As loggers do, it asks who it is.
        let name = killproof::process::current().name().to_owned();
        let mut lines = self.0.lock().unwrap();
        lines.push(format!("{name}: {} {}", record.target(), record.args()));
    }

    fn flush(&self) {}
}

fn remembered() -> Vec<String> {
    REMEMBERS.0.lock().unwrap().clone()
}

fn set_remembers() {
    log::set_logger(&REMEMBERS).unwrap();
    log::set_max_level(Level::Info.to_level_filter());
}

fn another_logger() {
    set_remembers();
    let inside = spawn(remembered).unwrap().join().unwrap();
    let last = inside.last().unwrap();
    assert_eq!(last, "Process-1: killproof::process child process running");
    drop(spawn(|| ()).unwrap());
    while !remembered().last().unwrap().contains("exited with code 0") {
        // Logs the ends of the detached.
        killproof::process::active_children();
        thread::yield_now();
    }
    let ends = remembered().iter().filter(|line| line.contains("exited")).count();
    assert_eq!(ends, 2, "{:?}", remembered());
}

/// The lock is held by a thread that the child does not have.
fn another_logger_beside_threads() {
    set_remembers();
    let (held, over) = (Arc::new(AtomicBool::new(false)), Arc::new(Gate::default()));
    let of_thread = (Arc::clone(&held), Arc::clone(&over));
    let holder = thread::spawn(move || {
        let _lines = REMEMBERS.0.lock().unwrap();
        of_thread.0.store(true, Ordering::Release);
        of_thread.1.pass();
    });
    while !held.load(Ordering::Acquire) {
        thread::yield_now();
    }
    // The parent's own record waits for the lock, so it is silent here.
    log::set_max_level(LevelFilter::Off);
    let loud = || log::set_max_level(LevelFilter::Info);
    // SAFETY: the child returns, and logs nothing itself.
    let child = unsafe { spawn_unchecked(|| 7_u8) }.unwrap();
    assert_eq!(child.join(), Ok(7));
    // SAFETY: as above; its own child is what this crate has to say something of.
    let child = unsafe {
        spawn_unchecked(move || {
            loud();
            spawn(|| 8_u8).unwrap().join().unwrap()
        })
    };
    assert_eq!(child.unwrap().join(), Ok(8));
    over.open();
    holder.join().unwrap();
}

/// What `spawn` has to say of an end comes before it counts the threads.
fn a_logger_that_starts_threads() {
    struct Starts;
    impl Log for Starts {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn log(&self, record: &Record<'_>) {
            if record.level() == Level::Warn {
                thread::spawn(|| {
                    loop {
                        thread::park();
                    }
                });
            }
        }
        fn flush(&self) {}
    }
    log::set_logger(&Starts).unwrap();
    log::set_max_level(LevelFilter::Warn);
    let goes = gate();
    let waits = Arc::clone(&goes);
    let child = spawn(move || -> () {
        waits.pass();
        std::process::abort()
    });
    let child = child.unwrap();
    let pid = Pid::from_raw(child.pid().cast_signed());
    drop(child);
    goes.open();
    waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).unwrap();
    let refused = spawn(|| ()).map(|child| child.join());
    assert!(matches!(refused, Err(SpawnError::Threads(2))), "{refused:?}");
}

/// Threads log and print all the time; whoever is forked in the middle of that logs
/// too, and nobody hangs or breaks another's line.
fn complaint_12_lines_are_whole_and_no_lock_is_inherited() {
    const THREADS: usize = 3;
    const LINES: usize = 50;
    let said = said(|| {
        ours(LevelFilter::Warn);
        let over = Arc::new(AtomicBool::new(false));
        let busy: Vec<_> = (0..THREADS)
            .map(|number| {
                let over = Arc::clone(&over);
                thread::spawn(move || {
                    while !over.load(Ordering::Relaxed) {
                        log::error!("thread {number} {}", "t".repeat(200));
                        let _both = (std::io::stdout().lock(), std::io::stderr().lock());
                    }
                })
            })
            .collect();
        for round in 0..20 {
            let talk = move || {
                for line in 0..LINES {
                    log::warn!("round {round} line {line} {}", "c".repeat(1000));
                }
            };
            // SAFETY: the child uses the allocator and this crate's logger.
            let child = unsafe { Builder::new().name("talker").spawn_unchecked(talk) };
            child.unwrap().join().unwrap();
        }
        over.store(true, Ordering::Relaxed);
        busy.into_iter().for_each(|thread| thread.join().unwrap());
    });
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for line in said.lines() {
        let (head, tail) = line.rsplit_once(' ').unwrap();
        match head.strip_prefix("[WARN/talker] ") {
            Some(_) => assert_eq!(tail, "c".repeat(1000), "{line}"),
            None => {
                assert!(head.starts_with("[ERROR/main] thread "), "{line}");
                assert_eq!(tail, "t".repeat(200), "{line}");
            }
        }
        *seen.entry(&head[..13]).or_default() += 1;
    }
    assert_eq!(seen["[WARN/talker]"], 20 * LINES);
}
