//! A pool of threads: the same face, in this process.

use std::process::id;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use killproof::pool::{Pool, PoolError, TaskError};
use killproof::process::{self, SpawnError};

use crate::case;
use crate::common::case::Case;
use crate::results::{squares_come_in_order, the_first_comes_last};

pub fn cases() -> Vec<Case> {
    vec![
        case("of_threads::in_this_process", in_this_process),
        case("of_threads::in_order", in_order),
        case("of_threads::as_they_come", as_they_come),
        case("of_threads::at_a_time", at_a_time),
        case("of_threads::asked_about", asked_about),
        case("of_threads::called_back", called_back),
        case("of_threads::panics", panics),
        case("of_threads::closed", closed),
        case("of_threads::terminated", terminated),
        case("of_threads::dropped", dropped),
        case("of_threads::for_many", for_many),
        case("of_threads::settings", settings),
    ]
}

fn in_this_process() {
    let seen = Arc::new(AtomicU32::new(0));
    let its_seen = Arc::clone(&seen);
    let pool = Pool::threads(2, move |n: u32| {
        its_seen.fetch_add(n, Ordering::Relaxed);
        (id(), thread::current().name().unwrap_or_default().to_owned())
    });
    let pool = pool.unwrap();
    for n in 1..=10 {
        let (process, thread) = pool.apply(n).unwrap();
        assert_eq!(process, id());
        assert!(["worker-1", "worker-2"].contains(&&*thread), "{thread}");
    }
    assert_eq!(seen.load(Ordering::Relaxed), 55);
    assert!(matches!(process::spawn(|| ()), Err(SpawnError::Threads(3))));
    pool.close();
    pool.join().unwrap();
    process::spawn(|| ()).unwrap().join().unwrap();
}

fn in_order() {
    let pool = Pool::threads(3, |n| n * n).unwrap();
    squares_come_in_order(&pool);
    let squares: Vec<u64> = (0..500).map(|n| n * n).collect();
    let chunked: Vec<u64> = pool.imap(0..500).chunk_size(7).map(Result::unwrap).collect();
    assert_eq!(chunked, squares);
}

fn as_they_come() {
    let (open, door) = channel::<()>();
    let door = Mutex::new(door);
    let pool = Pool::threads(2, move |n: u32| {
        if n == 0 {
            door.lock().unwrap().recv().unwrap();
        }
        n
    });
    the_first_comes_last(&pool.unwrap(), || open.send(()).unwrap());
}

/// All threads are at work at one time: else the barrier would hold them for ever.
fn at_a_time() {
    let meeting = Barrier::new(4);
    let pool = Pool::threads(4, move |(): ()| {
        meeting.wait();
    });
    pool.unwrap().map(vec![(); 40]).unwrap();
}

fn asked_about() {
    let (open, door) = channel::<()>();
    let door = Mutex::new(door);
    let pool = Pool::threads(1, move |n: u32| {
        door.lock().unwrap().recv().unwrap();
        assert_ne!(n, 3);
        n + 1
    });
    let pool = pool.unwrap();
    let (mut good, bad) = (pool.apply_async(2), pool.apply_async(3));
    assert_eq!(good.get_timeout(Duration::from_millis(5)), Ok(None));
    assert!(!good.ready() && !good.wait_timeout(Duration::from_millis(5)));
    assert_eq!(good.successful(), None);
    open.send(()).unwrap();
    open.send(()).unwrap();
    good.wait();
    bad.wait();
    assert_eq!((good.successful(), bad.successful()), (Some(true), Some(false)));
    assert_eq!(good.get_timeout(Duration::MAX), Ok(Some(3)));
    assert_eq!(good.get(), Err(TaskError::Taken));
    assert!(matches!(bad.get(), Err(TaskError::Panicked(_))));
    assert!(format!("{pool:?}").contains("threads: 1"), "{pool:?}");
}

fn called_back() {
    let pool = Pool::threads(2, |n: u32| 100 / n).unwrap();
    let (said, heard) = channel();
    for n in 0..5 {
        let said = said.clone();
        drop(pool.apply_async_with(n, move |result| {
            said.send((n, thread::current().id(), result)).unwrap();
        }));
    }
    pool.close();
    pool.join().unwrap();
    let mut all: Vec<_> = heard.try_iter().collect();
    all.sort_by_key(|(n, ..)| *n);
    assert!(all.iter().all(|(_, thread, _)| *thread == thread::current().id()));
    let results: Vec<_> = all.into_iter().map(|(.., result)| result).collect();
    assert!(matches!(&results[0], Err(TaskError::Panicked(_))));
    assert_eq!(results[1..], [Ok(100), Ok(50), Ok(33), Ok(25)]);
}

fn panics() {
    let pool = Pool::threads(2, |n: u32| if n == 3 { panic!("boom {n}") } else { n }).unwrap();
    let Err(TaskError::Panicked(message)) = pool.apply(3) else { panic!("no panic") };
    assert!(message.starts_with("boom 3, at "), "{message}");
    assert!(message.contains("of_threads.rs:"), "{message}");
    let results = pool.map_each(0..6);
    assert!(matches!(results[3], Err(TaskError::Panicked(_))));
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 5);
    // Its own panics tell their places as ever.
    let caught = std::panic::catch_unwind(|| panic!("here"));
    assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"here"));
}

fn closed() {
    let pool = Pool::threads(2, |n: u32| n).unwrap();
    assert_eq!(pool.join(), Err(PoolError::Running));
    let results: Vec<_> = (0..20).map(|n| pool.apply_async(n)).collect();
    pool.close();
    assert_eq!(pool.apply(1), Err(TaskError::Closed));
    assert_eq!((pool.join(), pool.join()), (Ok(()), Ok(())));
    for (n, result) in (0..).zip(results) {
        assert_eq!(result.get(), Ok(n));
    }
    assert_eq!((pool.terminate(), pool.join()), (Ok(()), Ok(())));
}

fn terminated() {
    let (open, door) = channel::<()>();
    let (begun, begins) = channel();
    let both = Mutex::new((door, begun));
    let pool = Pool::threads(1, move |(): ()| {
        let (door, begun) = &*both.lock().unwrap();
        begun.send(()).unwrap();
        door.recv().unwrap();
    });
    let pool = pool.unwrap();
    let results: Vec<_> = (0..5).map(|_| pool.apply_async(())).collect();
    begins.recv().unwrap();
    pool.terminate().unwrap();
    for result in results {
        assert_eq!(result.get(), Err(TaskError::Closed));
    }
    // The one that was begun comes to its end, and no other begins.
    open.send(()).unwrap();
    pool.join().unwrap();
    assert!(begins.try_recv().is_err());
}

fn dropped() {
    for finished in [0, 3] {
        let pool = Pool::threads(2, |n: u32| n).unwrap();
        let results: Vec<_> = (0..20).map(|n| pool.apply_async(n)).collect();
        results.iter().take(finished).for_each(|result| result.wait());
        drop(pool);
        for (n, result) in (0..).zip(results) {
            let result = result.get();
            let is_over = n as usize >= finished && result == Err(TaskError::Closed);
            assert!(is_over || result == Ok(n), "{result:?}");
        }
    }
    // The threads end by themselves.
    let mut spawned = process::spawn(|| 5_u8);
    while matches!(spawned, Err(SpawnError::Threads(_))) {
        spawned = process::spawn(|| 5_u8);
    }
    assert_eq!(spawned.unwrap().join(), Ok(5));
}

fn for_many() {
    let called = Arc::new(AtomicUsize::new(0));
    let pool = Pool::threads(3, |(thread, n): (u32, u32)| thread * 1000 + n).unwrap();
    thread::scope(|scope| {
        for number in 0..4 {
            let (pool, called) = (&pool, Arc::clone(&called));
            scope.spawn(move || {
                let wanted: Vec<u32> = (0..100).map(|n| number * 1000 + n).collect();
                assert_eq!(pool.map((0..100).map(|n| (number, n))).unwrap(), wanted);
                for n in 0..50 {
                    let called = Arc::clone(&called);
                    let result = pool.apply_async_with((number, n), move |_| {
                        called.fetch_add(1, Ordering::Relaxed);
                    });
                    assert_eq!(result.get(), Ok(number * 1000 + n));
                }
            });
        }
    });
    assert_eq!(called.load(Ordering::Relaxed), 200);
}

fn settings() {
    let limit = |error| matches!(error, PoolError::Failed(error) if error.is_limit());
    assert!(limit(Pool::threads(0, |(): ()| ()).unwrap_err()));
    assert!(limit(Pool::threads(1025, |(): ()| ()).unwrap_err()));
    let own = Pool::threads(None, |n: u8| n).unwrap();
    assert_eq!(own.apply(7), Ok(7));
    // Beside threads, where a pool of processes could not be made.
    let beside = thread::spawn(|| Pool::threads(1, |n: u8| n).unwrap().apply(1));
    assert_eq!(beside.join().unwrap(), Ok(1));
}
