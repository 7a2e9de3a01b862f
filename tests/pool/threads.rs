//! One pool, many threads: one of them leads, all are served.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use killproof::pool::Pool;

use crate::case;
use crate::common::case::Case;

pub fn cases() -> Vec<Case> {
    vec![
        case("threads::all_are_served", all_are_served),
        case("threads::a_leader_that_gives_up", a_leader_that_gives_up),
        case("threads::callbacks_of_others", callbacks_of_others),
    ]
}

fn all_are_served() {
    let pool = Pool::new(2, |(thread, n): (u32, u32)| thread * 1000 + n).unwrap();
    thread::scope(|scope| {
        for number in 0..4 {
            let pool = &pool;
            scope.spawn(move || {
                let wanted: Vec<u32> = (0..100).map(|n| number * 1000 + n).collect();
                assert_eq!(pool.map((0..100).map(|n| (number, n))).unwrap(), wanted);
                for n in 0..50 {
                    assert_eq!(pool.apply((number, n)), Ok(number * 1000 + n));
                }
                let results: Vec<_> = (0..50).map(|n| pool.apply_async((number, n))).collect();
                for (n, result) in (0..).zip(results) {
                    assert_eq!(result.get(), Ok(number * 1000 + n));
                }
            });
        }
    });
    pool.close();
    pool.join().unwrap();
}

fn a_leader_that_gives_up() {
    let pool = Pool::new(1, |n: u64| thread::sleep(Duration::from_millis(n))).unwrap();
    thread::scope(|scope| {
        for number in 0..4 {
            let pool = &pool;
            scope.spawn(move || {
                for _ in 0..10 {
                    let mut result = pool.apply_async(1);
                    let patience = Duration::from_micros(500 * number);
                    while result.get_timeout(patience).unwrap().is_none() {}
                }
            });
        }
    });
}

fn callbacks_of_others() {
    let called = AtomicUsize::new(0);
    let called: &'static AtomicUsize = Box::leak(Box::new(called));
    let pool = Pool::new(2, |n: u32| n).unwrap();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for n in 0..50 {
                    let result = pool.apply_async_with(n, |_| {
                        called.fetch_add(1, Ordering::Relaxed);
                    });
                    if n % 2 == 0 {
                        assert_eq!(result.get(), Ok(n));
                    }
                }
            });
        }
    });
    pool.close();
    pool.join().unwrap();
    assert_eq!(called.load(Ordering::Relaxed), 150);
}
