//! Workers killed at random while tasks run: every task has one end, and runs no more
//! often than it may.

use std::env;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use killproof::pool::{Pool, TaskError};
use killproof::{Shared, process};
use nix::sys::signal::Signal;

use crate::case_saying;
use crate::common::case::Case;
use crate::common::random::Random;
use crate::family::{keeper, send, workers};

const TASKS: usize = 256;
/// Of the one case that counts them.
const MANY: usize = 100_000;

pub fn cases() -> Vec<Case> {
    vec![
        case_saying("chaos::killed_at_random", || chaos(0)),
        case_saying("chaos::killed_at_random_and_tried_again", || chaos(3)),
        Case::new("chaos::each_of_many_once", Duration::from_secs(600) * rounds(), || {
            Ok((0..rounds()).map(|_| each_once()).collect::<Vec<_>>().join("\n"))
        }),
    ]
}

/// How often the one case that counts them is to do so.
fn rounds() -> u32 {
    let rounds = env::var("KILLPROOF_CHAOS_ROUNDS").ok();
    rounds.and_then(|rounds| rounds.parse().ok()).unwrap_or(1)
}

fn seconds() -> u64 {
    let seconds = env::var("KILLPROOF_STRESS_SECONDS").ok();
    seconds.and_then(|seconds| seconds.parse().ok()).unwrap_or(1)
}

/// Kills a worker of the pool that was made last every few milliseconds.
fn killer() -> process::Child<()> {
    let keeper = keeper();
    let killer = process::Builder::new().daemon(true).spawn(move || -> () {
        let mut random = Random::new(u64::from(std::process::id()));
        loop {
            thread::sleep(Duration::from_micros(random.below(4000)));
            let workers = workers(keeper);
            if let Some(worker) = workers.get(random.below(workers.len().max(1) as u64) as usize) {
                send(*worker, Signal::SIGKILL);
            }
        }
    });
    killer.unwrap()
}

/// Without retries: what has a result ran once, and what died with its worker once or not
/// at all. A hundred thousand where `KILLPROOF_STRESS_SECONDS` is set, else fewer; and
/// once more where the killer hit nobody at work.
fn each_once() -> String {
    let count = if env::var_os("KILLPROOF_STRESS_SECONDS").is_some() { MANY } else { MANY / 20 };
    let runs = Shared::new([const { AtomicU32::new(0) }; MANY]).unwrap();
    let its_runs = runs.clone();
    let pool = Pool::builder().processes(4).build(move |n: u32| {
        its_runs[n as usize].fetch_add(1, Ordering::Relaxed);
        // Long enough to be killed in.
        let until = Instant::now() + Duration::from_micros(20);
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        n + 1
    });
    let pool = pool.unwrap();
    let killer = killer();
    let (mut done, mut died) = (0, 0);
    while died == 0 {
        // Of an earlier round nothing is under way.
        runs.iter().for_each(|runs| runs.store(0, Ordering::Relaxed));
        done = 0;
        for (n, result) in (0..count as u32).zip(pool.imap(0..count as u32)) {
            let runs = runs[n as usize].load(Ordering::Relaxed);
            match result {
                Ok(value) => {
                    assert_eq!((value, runs), (n + 1, 1), "task {n}");
                    done += 1;
                }
                Err(TaskError::Signalled(9)) => {
                    assert!(runs <= 1, "task {n} ran {runs} times");
                    died += 1;
                }
                Err(error) => panic!("{error:?}"),
            }
        }
    }
    killer.kill().unwrap();
    assert_eq!(done + died, count);
    // Nor did any run once more after it was told of.
    pool.close();
    pool.join().unwrap();
    let twice = runs.iter().filter(|runs| runs.load(Ordering::Relaxed) > 1).count();
    assert_eq!(twice, 0);
    format!("chaos, each once: {done} tasks done, {died} died with their workers")
}

fn chaos(retries: u32) -> String {
    let runs = Shared::new([const { AtomicU32::new(0) }; TASKS]).unwrap();
    let its_runs = runs.clone();
    let pool = Pool::builder().processes(4).depth(3).retries(retries).build(move |n: u32| {
        its_runs[n as usize].fetch_add(1, Ordering::Relaxed);
        let until = Instant::now() + Duration::from_micros(u64::from(n % 7) * 150);
        while Instant::now() < until {
            thread::yield_now();
        }
        // Long ones lie in blocks.
        (n, vec![n as u8; n as usize * 5])
    });
    let pool = pool.unwrap();
    let killer = killer();
    let end = Instant::now() + Duration::from_secs(seconds());
    // And until the killer has hit somebody at work.
    let (mut done, mut died, mut again) = (0_u32, 0_u32, 0_u32);
    while Instant::now() < end || died + again == 0 {
        runs.iter().for_each(|runs| runs.store(0, Ordering::Relaxed));
        for (n, result) in (0..TASKS as u32).zip(pool.map_each(0..TASKS as u32)) {
            let runs = runs[n as usize].load(Ordering::Relaxed);
            match result {
                Ok(value) => {
                    assert_eq!(value, (n, vec![n as u8; n as usize * 5]));
                    assert!((1..=retries + 1).contains(&runs), "{runs} runs");
                    done += 1;
                    again += runs - 1;
                }
                Err(TaskError::Signalled(9)) => {
                    // Killed before it was begun, or in it.
                    assert!(runs <= retries + 1, "{runs} runs");
                    died += 1;
                }
                Err(error) => panic!("{error:?}"),
            }
        }
    }
    killer.kill().unwrap();
    assert_eq!(pool.map(0..9).unwrap().len(), 9);
    pool.close();
    pool.join().unwrap();
    format!(
        "chaos with {retries} retries: {done} tasks done after {again} runs more, {died} died \
         with their workers"
    )
}
