//! Processes of several threads each, at every lock at once, killed at random.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use killproof::Shared;

use crate::common::case::Case;
use crate::common::child::{Child, fork, until};
use crate::common::mapped::Mapped;
use crate::common::random::Random;
use crate::locks::{Locks, Way, locks};
use crate::{STUCK, expect, kill, scenario};

const PROCESSES: usize = 4;
const THREADS: usize = 3;
const KILLS: usize = 100;
const WAYS: [Way; 7] =
    [Way::Mutex, Way::Again, Way::Write, Way::Read, Way::ReadAlone, Way::Permit, Way::Permits];

pub fn cases() -> Vec<Case> {
    vec![scenario("locks, threads and processes mixed, killed at random", killed_at_random)]
}

/// How often each way was taken to its end.
type Completed = [AtomicU64; WAYS.len()];

fn killed_at_random() -> Result<String, String> {
    let locks = locks()?;
    let completed = Mapped::new([const { AtomicU64::new(0) }; WAYS.len()]);
    let process = |seed| fork(|| run(&locks, &completed, seed));
    let mut processes: Vec<Child> = (0..PROCESSES as u64).map(process).collect();
    let mut random = Random::new(1);
    for round in 0..KILLS {
        thread::sleep(Duration::from_micros(random.below(3000)));
        let victim = random.below(PROCESSES as u64) as usize;
        kill(&processes[victim]);
        processes[victim] = process((PROCESSES + round) as u64);
        // Everybody goes on: each way is completed once more.
        let before = counts(&completed);
        let go_on = || counts(&completed).iter().zip(before).all(|(now, then)| *now > then);
        if round % 10 == 0 && !until(Instant::now() + STUCK, go_on) {
            let shown = WAYS.map(|way| way.shown(&locks));
            return Err(format!("they hang after {} kills: {shown:#?}", round + 1));
        }
    }
    processes.iter().for_each(kill);

    let deaths = ((KILLS + PROCESSES) * THREADS) as u64;
    for (way, completed) in WAYS.into_iter().zip(counts(&completed)) {
        // Takes what the dead left behind, if they did.
        way.hold(&locks, Some(STUCK), || ()).map_err(|error| format!("{way:?}: {error}"))?;
        let value = way.value(&locks)?;
        expect("the halves", value[0], value[1])?;
        if way.changes() {
            let least = completed + 1;
            let is_right = (least..=least + deaths).contains(&value[0]);
            expect(&format!("{way:?}: {value:?}, completed {completed}"), is_right, true)?;
        }
    }
    Ok(format!("ok, {KILLS} kills, {WAYS:?} {:?} times", counts(&completed)))
}

fn counts(completed: &Completed) -> [u64; WAYS.len()] {
    std::array::from_fn(|way| completed[way].load(Ordering::Acquire))
}

fn run(locks: &Shared<Locks>, completed: &Completed, seed: u64) -> Result<(), String> {
    thread::scope(|scope| {
        for thread in 0..THREADS as u64 {
            scope.spawn(move || work(locks, completed, Random::new(seed * 8 + thread)));
        }
    });
    Err("they work for ever".into())
}

fn work(locks: &Locks, completed: &Completed, mut random: Random) {
    loop {
        let way = random.below(WAYS.len() as u64) as usize;
        let timeout = match random.below(3) {
            0 => Some(Duration::from_micros(random.below(300))),
            1 => Some(Duration::MAX),
            _ => None,
        };
        let stays = random.one_in(40);
        let held = || {
            if stays {
                thread::sleep(Duration::from_micros(50));
            }
        };
        match WAYS[way].hold(locks, timeout, held) {
            Ok(_) => _ = completed[way].fetch_add(1, Ordering::AcqRel),
            Err(error) => assert!(error.is_timed_out(), "{error}"),
        }
    }
}
