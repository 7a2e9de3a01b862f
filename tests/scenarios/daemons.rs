//! What users of Python's daemons have suffered from, and must not find here.

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use killproof::Shared;
use killproof::process::{Builder, SpawnError, spawn};
use killproof::sync::Semaphore;
use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, wait};

use crate::common::case::Case;
use crate::common::child::{children, fork, is_running, until};
use crate::common::mapped::{Gate, Mapped};
use crate::{STUCK, expect, finish, kill, scenario};

pub fn cases() -> Vec<Case> {
    vec![
        scenario(
            "complaint_15_daemons_do_not_survive_a_killed_parent",
            complaint_15_daemons_do_not_survive_a_killed_parent,
        ),
        scenario("complaint_16_daemons_may_have_children", complaint_16_daemons_may_have_children),
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
    let may_end = Arc::new(Mapped::new(Gate::default()));
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
