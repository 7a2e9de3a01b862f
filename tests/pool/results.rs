//! What a pool is for: values in, values and errors out.

use std::cell::Cell;
use std::process::{exit, id};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use killproof::Shared;
use killproof::pool::{Pool, PoolError, TaskError};
use killproof::sync::Event;

use crate::case;
use crate::common::case::Case;

pub fn cases() -> Vec<Case> {
    vec![
        case("results::of_one_task", of_one_task),
        case("results::in_order", in_order),
        case("results::as_they_come", as_they_come),
        case("results::in_chunks", in_chunks),
        case("results::a_death_in_a_long_map_is_one_items", a_death_in_a_long_map),
        case("results::later", later),
        case("results::asked_about", asked_about),
        case("results::at_most_so_many_at_once", at_most_so_many_at_once),
        case("results::of_any_size", of_any_size),
        case("results::called_back", called_back),
        case("results::panics", panics),
        case("results::closed", closed),
        case("results::settings", settings),
        case("results::fresh_workers", fresh_workers),
        case("results::initialized", initialized),
        case("results::of_an_unpumped_pool", of_an_unpumped_pool),
    ]
}

fn of_one_task() {
    let pool = Pool::new(2, |(base, power): (u64, u32)| base.pow(power)).unwrap();
    assert_eq!(pool.apply((2, 10)), Ok(1024));
    assert_eq!(pool.apply((3, 3)), Ok(27));
    let own = Pool::new(None, |(): ()| id()).unwrap();
    assert_ne!(own.apply(()), Ok(id()));
}

fn in_order() {
    squares_come_in_order(&Pool::new(3, |n| n * n).unwrap());
}

/// From a pool of processes or of threads that squares.
pub fn squares_come_in_order(pool: &Pool<u64, u64>) {
    let squares: Vec<u64> = (0..500).map(|n| n * n).collect();
    assert_eq!(pool.map(0..500).unwrap(), squares);
    let each: Vec<u64> = pool.map_each(0..500).into_iter().map(Result::unwrap).collect();
    assert_eq!(each, squares);
    assert_eq!(pool.map_async(0..500).get().unwrap(), squares);
    assert_eq!(pool.map([]).unwrap(), [0; 0]);
}

fn as_they_come() {
    let door = Event::new().unwrap();
    let its_door = door.clone();
    let pool = Pool::new(2, move |n: u32| {
        if n == 0 {
            its_door.wait();
        }
        n
    });
    the_first_comes_last(&pool.unwrap(), || door.set());
}

/// Of numbers given back as they are, but the zero not before `open` was called.
pub fn the_first_comes_last(pool: &Pool<u32, u32>, open: impl FnOnce()) {
    let mut results = pool.imap_unordered(0..20);
    // As many as are under way beside the first, where that is not all of them.
    let mut came: Vec<u32> = results.by_ref().take(15).map(Result::unwrap).collect();
    assert!(!came.contains(&0), "{came:?}");
    open();
    came.extend(results.map(Result::unwrap));
    came.sort_unstable();
    assert_eq!(came, Vec::from_iter(0..20));
}

/// However many and small they are, nobody puts them together unasked.
fn a_death_in_a_long_map() {
    let pool = Pool::new(2, |n: u32| if n == 4321 { exit(7) } else { n }).unwrap();
    let wanted = |n| if n == 4321 { Err(TaskError::Exited(7)) } else { Ok(n) };
    let wanted: Vec<_> = (0..10_000).map(wanted).collect();
    assert!(pool.map_each(0..10_000) == wanted);
    assert!(pool.map_async(0..10_000).get_each() == wanted);
}

fn in_chunks() {
    let pool = Pool::new(2, |n: u32| {
        assert_ne!(n, 33);
        if n == 77 {
            exit(7);
        }
        n + 1
    });
    let pool = pool.unwrap();
    for size in [0, 1, 7, 10, 1000] {
        assert_eq!(pool.imap(0..30).chunk_size(size).size_hint(), (30, Some(30)));
        let results: Vec<_> = pool.imap(0..30).chunk_size(size).map(Result::unwrap).collect();
        assert_eq!(results, Vec::from_iter(1..31));
        let results = pool.imap_unordered(0..30).chunk_size(size).map(Result::unwrap);
        let mut results: Vec<u32> = results.collect();
        results.sort_unstable();
        assert_eq!(results, Vec::from_iter(1..31));
    }
    // A panic is one item's, a death the whole chunk's.
    let results: Vec<_> = pool.imap(0..100).chunk_size(10).collect();
    for (n, result) in (0..100).zip(results) {
        match n {
            33 => assert!(matches!(result, Err(TaskError::Panicked(_)))),
            70..80 => assert_eq!(result, Err(TaskError::Exited(7))),
            _ => assert_eq!(result, Ok(n + 1)),
        }
    }
}

fn later() {
    let door = Event::new().unwrap();
    let its_door = door.clone();
    let pool = Pool::new(1, move |n: u32| {
        its_door.wait();
        n + 1
    });
    let pool = pool.unwrap();
    let mut result = pool.apply_async(1);
    assert_eq!(result.get_timeout(Duration::from_millis(5)), Ok(None));
    assert!(!result.ready() && !result.wait_timeout(Duration::from_millis(5)));
    assert_eq!(result.successful(), None);
    door.set();
    assert_eq!(result.get_timeout(Duration::MAX), Ok(Some(2)));
    assert_eq!(result.get_timeout(Duration::MAX), Err(TaskError::Taken));
    assert_eq!(result.get(), Err(TaskError::Taken));
    let (first, second) = (pool.apply_async(10), pool.apply_async(20));
    drop(pool.apply_async(30));
    assert_eq!((second.get(), first.get()), (Ok(21), Ok(11)));
}

fn asked_about() {
    let pool = Pool::new(2, |n: u32| assert_ne!(n, 3)).unwrap();
    let (good, bad) = (pool.apply_async(2), pool.apply_async(3));
    good.wait();
    bad.wait();
    assert!(good.ready() && bad.ready());
    assert_eq!((good.successful(), bad.successful()), (Some(true), Some(false)));
    assert_eq!(good.get(), Ok(()));
    assert!(matches!(bad.get(), Err(TaskError::Panicked(_))));
    let some = pool.map_async(0..5);
    some.wait();
    assert!(some.ready() && some.wait_timeout(Duration::ZERO));
    assert_eq!(some.successful(), Some(false));
    assert_eq!(some.get_each().iter().filter(|result| result.is_ok()).count(), 4);
}

fn at_most_so_many_at_once() {
    let counts = Shared::new([const { AtomicU32::new(0) }; 2]).unwrap();
    let its_counts = counts.clone();
    let pool = Pool::new(4, move |(): ()| {
        let [inside, most] = &*its_counts;
        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(2));
        inside.fetch_sub(1, Ordering::SeqCst);
    });
    pool.unwrap().map(vec![(); 40]).unwrap();
    let most = counts[1].load(Ordering::SeqCst);
    assert!((1..=4).contains(&most), "{most} at once");
}

fn of_any_size() {
    let pool = Pool::builder().processes(2).largest(4 << 20).build(|bytes: Vec<u8>| {
        let double = [&bytes[..], &bytes[..]].concat();
        (bytes.len() as u64, double)
    });
    let pool = pool.unwrap();
    for len in [0, 1, 240, 260, 70_000, (2 << 20) + 100] {
        let answer = pool.apply(vec![7; len]);
        if len < 2 << 20 {
            assert_eq!(answer, Ok((len as u64, vec![7; 2 * len])));
        } else {
            // It is the answer that is too large.
            assert!(matches!(answer, Err(TaskError::Failed(error)) if error.is_limit()));
        }
    }
    let answer = pool.apply(vec![7; 5 << 20]);
    assert!(matches!(answer, Err(TaskError::Failed(error)) if error.is_limit()));
    assert_eq!(pool.apply(vec![1]), Ok((1, vec![1, 1])));
    // With its length in front it is as large as may be, there and back.
    let pool = Pool::builder().processes(1).largest(1000).build(|bytes: Vec<u8>| bytes).unwrap();
    assert_eq!(pool.apply(vec![7; 992]), Ok(vec![7; 992]));
    assert_eq!(pool.map([vec![7; 992]]), Ok(vec![vec![7; 992]]));
}

fn called_back() {
    let pool = Pool::new(2, |n: u32| 100 / n).unwrap();
    let (said, heard) = channel();
    let here = id();
    for n in 0..5 {
        let said = said.clone();
        drop(pool.apply_async_with(n, move |result| said.send((n, id(), result)).unwrap()));
    }
    // Before `get` gives the same.
    let seen = Arc::new(Mutex::new(None));
    let its_seen = Arc::clone(&seen);
    let result = pool.apply_async_with(50, move |result| *its_seen.lock().unwrap() = Some(result));
    assert_eq!(result.get(), Ok(2));
    assert_eq!(*seen.lock().unwrap(), Some(Ok(2)));
    pool.close();
    pool.join().unwrap();
    let mut all: Vec<_> = heard.try_iter().collect();
    all.sort_by_key(|(n, ..)| *n);
    assert!(all.iter().all(|(_, process, _)| *process == here));
    let results: Vec<_> = all.into_iter().map(|(.., result)| result).collect();
    assert!(matches!(&results[0], Err(TaskError::Panicked(_))));
    assert_eq!(results[1..], [Ok(100), Ok(50), Ok(33), Ok(25)]);
}

fn panics() {
    let pool = Pool::new(1, |n: u32| -> u32 {
        if n == 3 { panic!("boom {n}") } else { id() }
    });
    let pool = pool.unwrap();
    let before = pool.apply(1).unwrap();
    let Err(TaskError::Panicked(message)) = pool.apply(3) else { panic!("no panic") };
    assert!(message.starts_with("boom 3, at "), "{message}");
    assert!(message.contains("results.rs:"), "{message}");
    assert_eq!(pool.apply(2), Ok(before), "the worker goes on");
    assert!(matches!(pool.map(1..9), Err(TaskError::Panicked(_))));
    assert_eq!(pool.apply(2), Ok(before));
}

fn closed() {
    let pool = Pool::new(2, |n: u32| n).unwrap();
    assert_eq!(pool.join(), Err(PoolError::Running));
    let results: Vec<_> = (0..20).map(|n| pool.apply_async(n)).collect();
    pool.close();
    assert_eq!(pool.apply(1), Err(TaskError::Closed));
    assert_eq!((pool.join(), pool.join()), (Ok(()), Ok(())));
    for (n, result) in results.into_iter().enumerate() {
        assert_eq!(result.get(), Ok(n as u32));
    }
    assert_eq!(pool.apply(1), Err(TaskError::Closed));
    assert_eq!((pool.terminate(), pool.join()), (Ok(()), Ok(())));
}

fn settings() {
    let limit = |error| matches!(error, PoolError::Failed(error) if error.is_limit());
    assert!(limit(Pool::new(0, |(): ()| ()).unwrap_err()));
    assert!(limit(Pool::new(1025, |(): ()| ()).unwrap_err()));
    assert!(limit(Pool::builder().depth(0).build(|(): ()| ()).unwrap_err()));
    assert!(limit(Pool::builder().max_tasks_per_child(0).build(|(): ()| ()).unwrap_err()));
    let beside = thread::spawn(|| Pool::new(1, |(): ()| ()).unwrap_err()).join().unwrap();
    assert!(matches!(beside, PoolError::Spawn(_)), "{beside:?}");
    for depth in [1, 2, 64] {
        let pool = Pool::builder().processes(2).depth(depth).build(|n: u32| n + 1).unwrap();
        assert_eq!(pool.map(0..50).unwrap(), Vec::from_iter(1..51));
    }
}

fn fresh_workers() {
    let pool = Pool::builder().processes(1).max_tasks_per_child(3).build(|(): ()| id()).unwrap();
    let workers = pool.map(vec![(); 10]).unwrap();
    let of_three: Vec<&[u32]> = workers.chunk_by(|a, b| a == b).collect();
    assert_eq!(of_three.iter().map(|run| run.len()).collect::<Vec<_>>(), [3, 3, 3, 1]);
}

fn initialized() {
    thread_local! { static NUMBER: Cell<u32> = const { Cell::new(0) } }
    let starts = Shared::new(AtomicU32::new(0)).unwrap();
    let its_starts = starts.clone();
    let initializer = move || NUMBER.set(its_starts.fetch_add(1, Ordering::Relaxed) + 1);
    let pool = Pool::builder().processes(2).initializer(initializer);
    let pool = pool.build(|(): ()| NUMBER.get()).unwrap();
    let numbers = pool.map(vec![(); 50]).unwrap();
    assert!(numbers.iter().all(|number| (1..=2).contains(number)), "{numbers:?}");
    pool.close();
    pool.join().unwrap();
    assert_eq!(starts.load(Ordering::Relaxed), 2, "once in each worker");
}

/// What lies at the workers is worked on though nobody here waits.
fn of_an_unpumped_pool() {
    let runs = Shared::new(AtomicU32::new(0)).unwrap();
    let its_runs = runs.clone();
    let pool = Pool::builder().processes(1).depth(8).build(move |(): ()| {
        its_runs.fetch_add(1, Ordering::Relaxed);
    });
    let pool = pool.unwrap();
    let results: Vec<_> = (0..8).map(|_| pool.apply_async(())).collect();
    while runs.load(Ordering::Relaxed) < 8 {
        thread::yield_now();
    }
    assert!(results.into_iter().all(|result| result.get().is_ok()));
}
