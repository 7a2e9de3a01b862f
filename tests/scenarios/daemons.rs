//! What users of Python's daemons have suffered from, and must not find here.
#![allow(unsafe_code)]

use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use killproof::Shared;
use killproof::process::{
    Builder, JoinError, SpawnError, Stdio, Zygote, spawn, terminate_all, wait_any,
};
use killproof::sync::{Event, Semaphore};
use nix::errno::Errno;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::wait::{WaitStatus, wait};

use crate::common::case::Case;
use crate::common::child::{children, fork, is_running, until};
use crate::common::mapped::{Gate, Mapped, gate};
use crate::{STUCK, expect, fall_asleep, finish, kill, scenario};

pub fn cases() -> Vec<Case> {
    vec![
        scenario(
            "complaint_15_daemons_do_not_survive_a_killed_parent",
            complaint_15_daemons_do_not_survive_a_killed_parent,
        ),
        scenario("complaint_11_a_program_with_threads_spawns", complaint_11_with_threads),
        scenario("complaint_16_daemons_may_have_children", complaint_16_daemons_may_have_children),
        scenario(
            "complaint_21_a_group_is_ended_at_ctrl_c",
            complaint_21_a_group_is_ended_at_ctrl_c,
        ),
        scenario(
            "complaint_22_join_waits_for_the_child_alone",
            complaint_22_join_waits_for_the_child_alone,
        ),
    ]
}

fn for_ever() {
    loop {
        thread::park();
    }
}

/// The owner of ten workers is killed: they go with it, though another child of
/// its, forked among them, goes on.
fn complaint_15_daemons_do_not_survive_a_killed_parent() -> Result<String, String> {
    const DAEMONS: usize = 10;
    let begun = Shared::new(Semaphore::with_capacity(0)).map_err(|e| e.to_string())?;
    let begun: Shared<Semaphore<{ DAEMONS + 1 }>> = begun;
    let may_end = gate();
    let owner = fork(|| {
        let failed = |error: SpawnError| error.to_string();
        for number in 0..=DAEMONS {
            let (begun, may_end) = (begun.clone(), Arc::clone(&may_end));
            let is_daemon = number != DAEMONS / 2;
            let work = move || {
                begun.add_permits(1).unwrap();
                if is_daemon { for_ever() } else { may_end.pass() }
            };
            drop(Builder::new().daemon(is_daemon).spawn(work).map_err(failed)?);
        }
        for_ever();
        Ok(())
    });
    let all = begun.acquire_many(DAEMONS + 1).map_err(|e| e.to_string())?;
    kill(&owner);
    for _ in 0..DAEMONS {
        let end = loop {
            match wait() {
                Err(Errno::EINTR) => {}
                end => break end.map_err(|errno| errno.to_string())?,
            }
        };
        if !matches!(end, WaitStatus::Signaled(_, Signal::SIGKILL, _)) {
            return Err(format!("a daemon: {end:?}"));
        }
    }
    let left = children().into_iter().filter(|pid| is_running(*pid)).count();
    expect("who is no daemon and goes on", left, 1)?;
    may_end.open();
    let gone = until(Instant::now() + STUCK, || !children().into_iter().any(is_running));
    drop(all);
    expect("all gone", gone, true).map(|()| String::new())
}

/// Threads that hold locks all the time do not deadlock anybody's child: the bare
/// way is refused, and a zygote from before them has no thread to wait for.
fn complaint_11_with_threads() -> Result<String, String> {
    static BUSY: Mutex<u64> = Mutex::new(0);
    let program = fork(|| {
        let zygote = Zygote::start().map_err(|e| e.to_string())?;
        let over = Gate::default();
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !over.is_open() {
                        *BUSY.lock().unwrap() += 1;
                    }
                });
            }
            let result = (0..50_u64).try_for_each(|round| {
                let refused = matches!(spawn(|| ()), Err(SpawnError::Threads(_)));
                expect("refused", refused, true)?;
                let locks = |round: u64| *BUSY.lock().unwrap() + round;
                let child = zygote.spawn(locks, round).map_err(|e| e.to_string())?;
                expect("its own copy of the lock", child.join(), Ok(round))
            });
            over.open();
            result
        })
    });
    finish("the program", &program).map(|()| String::new())
}

/// To end with one's parent is one thing, to have children another.
fn complaint_16_daemons_may_have_children() -> Result<String, String> {
    let parent = fork(|| {
        let nested =
            || spawn(|| 6 * 7).map_err(|e| e.to_string())?.join().map_err(|e| e.to_string());
        let daemon = || Builder::new().daemon(true);
        let text = |e: SpawnError| e.to_string();
        let refused = daemon().spawn(nested).map_err(text)?.join().map_err(|e| e.to_string())?;
        let words = "daemonic processes are not allowed to have children";
        expect("refused", refused.is_err_and(|error| error.contains(words)), true)?;
        let allowed = daemon().may_have_children(true).spawn(nested).map_err(text)?;
        expect("allowed", allowed.join().map_err(|e| e.to_string())?, Ok(42))
    });
    finish("the parent", &parent).map(|()| String::new())
}

/// A wait without a timeout comes back at Ctrl-C, by an event in the handler, and
/// everybody is ended, the deaf too.
fn complaint_21_a_group_is_ended_at_ctrl_c() -> Result<String, String> {
    static INTERRUPTED: OnceLock<Event> = OnceLock::new();
    extern "C" fn interrupt(_: i32) {
        INTERRUPTED.get().expect("set before the handler").set();
    }
    let ready = Mapped::new(Gate::default());
    let program = fork(|| {
        INTERRUPTED.get_or_init(|| Event::new().expect("an event"));
        let action =
            SigAction::new(SigHandler::Handler(interrupt), SaFlags::SA_RESTART, SigSet::empty());
        // SAFETY: `Event::set` is async-signal-safe.
        unsafe { sigaction(Signal::SIGINT, &action) }.map_err(|e| e.to_string())?;
        let deaf = Shared::new(Semaphore::new(0)).map_err(|e| e.to_string())?;
        let mut workers = Vec::new();
        for number in 0..4 {
            let deaf = deaf.clone();
            let worker = spawn(move || {
                let mut ignored = SigSet::from(Signal::SIGINT);
                if number == 0 {
                    ignored.add(Signal::SIGTERM);
                }
                ignored.thread_block().unwrap();
                deaf.add_permits(1).unwrap();
                for_ever();
            });
            workers.push(worker.map_err(|e| e.to_string())?);
        }
        let _all = deaf.acquire_many(4).map_err(|e| e.to_string())?;
        ready.open();
        let interrupted = INTERRUPTED.get().expect("set above");
        let mut waited: Vec<&dyn AsFd> = workers.iter().map(|worker| worker as &dyn AsFd).collect();
        waited.push(interrupted);
        expect("woken by", wait_any(&waited, None), Ok(Some(4)))?;
        let killed = terminate_all(&workers, Duration::from_millis(50));
        // On a busy machine those that hear may not come to it in time.
        expect("the deaf one had to be killed", killed.is_ok_and(|killed| killed >= 1), true)?;
        let alive = workers.iter().filter(|worker| worker.is_alive()).count();
        expect("alive", alive, 0)?;
        expect("the deaf one", workers.swap_remove(0).join(), Err(JoinError::Signalled(9)))
    });
    fall_asleep(&program, &ready)?;
    program.send(rustix::process::Signal::INT);
    finish("the program", &program).map(|()| String::new())
}

/// A grandchild that has everything of the child's open does not hold up its
/// join; how the child ended is known in every thread, before and after.
fn complaint_22_join_waits_for_the_child_alone() -> Result<String, String> {
    let never = gate();
    let program = fork(|| {
        let inner = Arc::clone(&never);
        let child = Builder::new().stdout(Stdio::null()).spawn(move || {
            let grandchild = spawn(move || inner.pass()).unwrap();
            let pid = grandchild.pid();
            (pid, std::process::id())
        });
        let mut child = child.map_err(|e| e.to_string())?;
        let joined = thread::spawn(move || {
            let value = child.join_timeout(Duration::MAX);
            (value, child.exit_code(), child)
        });
        let (value, code, child) = joined.join().map_err(|_| "a panic".to_owned())?;
        expect("the exit code in the thread that joined", code, Some(0))?;
        expect("and in another", child.exit_code(), Some(0))?;
        let (grandchild, pid) = value.map_err(|e| e.to_string())?.ok_or("no value")?;
        expect("the child", pid, child.pid())?;
        let runs = is_running(nix::unistd::Pid::from_raw(grandchild.cast_signed()));
        expect("the grandchild runs", runs, true)
    });
    let result = finish("the program", &program).map(|()| String::new());
    never.open();
    result
}
