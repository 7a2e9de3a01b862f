//! What becomes of a pool when its keeper or its owner is killed, or a worker stopped.

#![allow(unsafe_code)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use killproof::Shared;
use killproof::pool::{Pool, PoolError, TaskError};
use nix::sys::signal::{Signal, raise};
use nix::sys::wait::wait;
use nix::unistd::{ForkResult, fork};

use crate::case;
use crate::common::case::Case;
use crate::common::child::fork as parent_process;
use crate::common::fds;
use crate::family::{all_workers, gone, keeper, send};

pub fn cases() -> Vec<Case> {
    vec![
        case("ends::keeper_killed", keeper_killed),
        case("ends::owner_killed", owner_killed),
        case("ends::worker_stopped", worker_stopped),
        case("ends::keeper_stopped", keeper_stopped),
        case("ends::nothing_is_left", nothing_is_left),
        case("ends::in_a_forked_child", in_a_forked_child),
        case("ends::retried", retried),
    ]
}

fn for_ever() {
    loop {
        thread::park();
    }
}

fn keeper_killed() {
    let pool = Pool::new(2, |n: u32| {
        if n > 100 {
            for_ever();
        }
        n
    });
    let pool = pool.unwrap();
    let before = pool.apply_async(1);
    before.wait();
    let waiting: Vec<_> = (100..120).map(|n| pool.apply_async(n)).collect();
    let keeper = keeper();
    let workers = all_workers(keeper, 2);
    send(keeper, Signal::SIGKILL);
    workers.into_iter().for_each(gone);
    assert_eq!(before.get(), Ok(1), "what was finished is finished");
    for (n, result) in (100..).zip(waiting) {
        let result = result.get();
        assert!(result == Err(TaskError::Keeper) || n == 100 && result == Ok(100), "{result:?}");
    }
    assert_eq!(pool.apply(1), Err(TaskError::Keeper));
    pool.close();
    assert_eq!(pool.join(), Err(PoolError::Keeper));
    assert_eq!(Pool::new(1, |n: u32| n).unwrap().apply(2), Ok(2), "another one");
}

fn owner_killed() {
    for owner_ends in [|| (), || raise(Signal::SIGKILL).unwrap_or_default()] {
        let owner = parent_process(move || {
            let pool = Pool::new(3, |(): ()| for_ever()).map_err(|error| error.to_string())?;
            all_workers(keeper(), 3);
            drop(pool.apply_async(()));
            std::mem::forget(pool);
            owner_ends();
            Ok(())
        });
        let ends = std::iter::from_fn(|| wait().ok()).count();
        assert_eq!(ends, 5, "the owner {}, a keeper and its three", owner.pid());
    }
}

fn worker_stopped() {
    let pool = Pool::new(2, |n: u32| n).unwrap();
    let workers = all_workers(keeper(), 2);
    pool.map(0..10).unwrap();
    send(workers[0], Signal::SIGSTOP);
    for _ in 0..3 {
        assert_eq!(pool.map(0..20).unwrap(), Vec::from_iter(0..20));
    }
    send(workers[0], Signal::SIGCONT);
    assert_eq!(pool.map(0..20).unwrap(), Vec::from_iter(0..20));
    pool.close();
    pool.join().unwrap();
}

/// Who is dead is not replaced while it is; the living work on, and nothing is lost.
fn keeper_stopped() {
    let pool = Pool::new(2, |n: u32| n).unwrap();
    let keeper = keeper();
    let workers = all_workers(keeper, 2);
    pool.map(0..10).unwrap();
    send(keeper, Signal::SIGSTOP);
    send(workers[0], Signal::SIGKILL);
    gone(workers[0]);
    assert_eq!(pool.map(0..20).unwrap(), Vec::from_iter(0..20));
    send(keeper, Signal::SIGCONT);
    all_workers(keeper, 2);
    assert_eq!(pool.map(0..20).unwrap(), Vec::from_iter(0..20));
}

fn nothing_is_left() {
    let before = fds::open();
    for round in 0..10 {
        let pool = Pool::new(2, |n: u32| n).unwrap();
        assert_eq!(pool.map(0..5).unwrap(), Vec::from_iter(0..5));
        if round % 2 == 0 {
            pool.close();
            pool.join().unwrap();
        }
    }
    // One is the lifeline, which stays.
    assert!(fds::open() <= before + 1, "{} after {before}", fds::open());
}

fn in_a_forked_child() {
    let pool = Pool::new(1, |n: u32| n).unwrap();
    let result = pool.apply_async(5);
    // SAFETY: this process has one thread.
    match unsafe { fork() }.unwrap() {
        ForkResult::Child => {
            let is_refused =
                |error| matches!(error, TaskError::Failed(error) if error.is_not_owner());
            let refused = is_refused(pool.apply(1).unwrap_err()) && pool.terminate().is_err();
            drop((pool, result));
            // SAFETY: nothing of the parent's is to be dropped here.
            unsafe { libc::_exit(i32::from(!refused)) }
        }
        ForkResult::Parent { child } => {
            let end = nix::sys::wait::waitpid(child, None).unwrap();
            assert_eq!(end, nix::sys::wait::WaitStatus::Exited(child, 0));
        }
    }
    assert_eq!((pool.apply(1), result.get()), (Ok(1), Ok(5)));
}

fn retried() {
    let runs = Shared::new([const { AtomicU32::new(0) }; 20]).unwrap();
    let its_runs = runs.clone();
    let pool = Pool::builder().processes(3).retries(1).build(move |n: u32| {
        let earlier = its_runs[n as usize].fetch_add(1, Ordering::Relaxed);
        // One dies of it once, one each time.
        if n == 3 && earlier == 0 || n == 7 {
            raise(Signal::SIGKILL).unwrap();
        }
        n
    });
    let results = pool.unwrap().map_each(0..20);
    for (n, result) in (0..20).zip(results) {
        let wanted = if n == 7 { Err(TaskError::Signalled(9)) } else { Ok(n) };
        assert_eq!(result, wanted);
        let times = if n == 3 || n == 7 { 2 } else { 1 };
        assert_eq!(runs[n as usize].load(Ordering::Relaxed), times, "task {n}");
    }
}
