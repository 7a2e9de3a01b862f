//! Pools against Python's, and against forked loops with a fixed split.
//!
//! ```text
//! cargo bench --bench pool [-- PART-OF-A-NAME ..]
//! ```
//!
//! Where there is no `python3`, its lines say so. Its time is measured inside it, by
//! `time.perf_counter`, and so without its start.

mod common;

use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use common::compare::{FEW, Unit, compare, header, is_quick};
use common::workers::Worker;
use killproof::pool::Pool;

/// Workers of either side.
const WORKERS: usize = 2;

fn main() {
    header("pool");
    let tiny = if is_quick() { 1000 } else { 100_000 };
    against_python("pool/tiny-one-by-one/python", tiny, 1, Some(1));
    // Python chooses a quarter of each worker's share where no chunk is given; a pool here
    // chooses none, and is given the same.
    let chunk = (tiny as usize).div_ceil(4 * WORKERS);
    against_python("pool/tiny-given-pythons-chunk/python", tiny, chunk, None);
    milliseconds();
}

/// So many tasks that add one: nanoseconds for each.
fn against_python(name: &str, tasks: u64, chunk: usize, chunksize: Option<usize>) {
    if python(1, chunksize).is_none() {
        println!("ratio {name} skipped: there is no python3");
        return;
    }
    let pool = Pool::new(WORKERS, |n: u64| n + 1).unwrap();
    let ours = || {
        // As Python does before its time begins.
        pool.map(0..100).unwrap();
        let start = Instant::now();
        let sum: u64 = pool.imap(0..tasks).chunk_size(chunk).map(Result::unwrap).sum();
        let elapsed = start.elapsed();
        assert_eq!(black_box(sum), tasks * (tasks + 1) / 2);
        elapsed.as_nanos() as f64 / tasks as f64
    };
    let theirs = || python(tasks, chunksize).unwrap() / tasks as f64;
    compare(ROUNDS, Unit::Nanoseconds, name, "multiprocessing.Pool", ours, theirs);
}

/// Each of Python's takes seconds.
const ROUNDS: usize = 5;

/// Nanoseconds of Python's `Pool.map`.
fn python(tasks: u64, chunksize: Option<usize>) -> Option<f64> {
    let chunksize = chunksize.map_or("None".to_owned(), |size| size.to_string());
    let program = format!(
        "import multiprocessing, time\n\
         def add(n): return n + 1\n\
         with multiprocessing.get_context('fork').Pool({WORKERS}) as pool:\n\
         \x20   pool.map(add, range(100))\n\
         \x20   start = time.perf_counter()\n\
         \x20   results = pool.map(add, range({tasks}), chunksize={chunksize})\n\
         \x20   elapsed = time.perf_counter() - start\n\
         assert sum(results) == {tasks} * ({tasks} + 1) // 2\n\
         print(elapsed * 1e9)\n"
    );
    let output = Command::new("python3").args(["-c", &program]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// Tasks of a millisecond each: against as many processes that each do their share.
fn milliseconds() {
    let tasks = if is_quick() { 20 } else { 1000 };
    let pool = Pool::new(WORKERS, |(): ()| spin()).unwrap();
    let ours = || {
        let start = Instant::now();
        pool.map((0..tasks).map(|_| ())).unwrap();
        start.elapsed().as_nanos() as f64
    };
    let split = || {
        let start = Instant::now();
        let share = || (0..tasks / WORKERS).for_each(|_| spin());
        let workers: Vec<Worker> = (0..WORKERS).map(|_| Worker::start(share)).collect();
        workers.into_iter().for_each(Worker::join);
        start.elapsed().as_nanos() as f64
    };
    compare(FEW, Unit::Nanoseconds, "pool/milliseconds/split", "forked loops", ours, split);
}

fn spin() {
    let end = Instant::now() + Duration::from_millis(1);
    while Instant::now() < end {
        std::hint::spin_loop();
    }
}
