//! Tasks that bring their own function.

use std::process::{abort, id};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use killproof::Shared;
use killproof::pool::{Pool, TaskError};

use crate::case;
use crate::common::case::Case;

pub fn cases() -> Vec<Case> {
    vec![
        case("functions::of_many_types", of_many_types),
        case("functions::in_order", in_order),
        case("functions::in_a_worker", in_a_worker),
        case("functions::beside_the_pools_own", beside_the_pools_own),
        case("functions::that_fail", that_fail),
        case("functions::of_a_pool_of_threads", of_a_pool_of_threads),
    ]
}

fn square(n: u64) -> u64 {
    n * n
}

fn reversed(list: Vec<String>) -> Vec<String> {
    list.into_iter().rev().collect()
}

fn of_many_types() {
    let pool = Pool::functions(2).unwrap();
    assert_eq!(pool.apply_fn(square, 12), Ok(144));
    assert_eq!(pool.apply_fn(|()| (), ()), Ok(()));
    assert_eq!(pool.apply_fn(|(a, b): (u8, i64)| b - i64::from(a), (3, 1)), Ok(-2));
    let list: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
    assert_eq!(pool.apply_fn(reversed, list.clone()), Ok(reversed(list)));
    let (first, second) =
        (pool.apply_fn_async(square, 3), pool.apply_fn_async(str_len, "abcd".into()));
    assert_eq!((second.get(), first.get()), (Ok(4), Ok(9)));
}

fn str_len(text: String) -> u64 {
    text.len() as u64
}

fn in_order() {
    let pool = Pool::functions(3).unwrap();
    let squares: Vec<u64> = (0..500).map(square).collect();
    assert_eq!(pool.map_fn(square, 0..500), Ok(squares));
    assert_eq!(pool.map_fn(square, []), Ok(vec![]));
}

fn in_a_worker() {
    let pool = Pool::functions(1).unwrap();
    let worker = pool.apply_fn(|()| id(), ()).unwrap();
    assert_ne!(worker, id());
    assert_eq!(pool.map_fn(|()| id(), [(), ()]), Ok(vec![worker; 2]));
}

fn beside_the_pools_own() {
    let sum = Shared::new(AtomicU32::new(0)).unwrap();
    let its_sum = sum.clone();
    let pool = Pool::new(2, move |n: u32| its_sum.fetch_add(n, Ordering::Relaxed)).unwrap();
    for n in 1..=10 {
        assert!(pool.apply(n).is_ok());
        assert_eq!(pool.apply_fn(square, n.into()), Ok(square(n.into())));
    }
    assert_eq!(sum.load(Ordering::Relaxed), 55);
}

fn that_fail() {
    let pool = Pool::builder().processes(1).timeout(Duration::from_millis(200));
    let pool = pool.build(|()| ()).unwrap();
    let Err(TaskError::Panicked(message)) = pool.apply_fn(|n: u8| -> u8 { panic!("no {n}") }, 7)
    else {
        panic!("no panic")
    };
    assert!(message.starts_with("no 7, at ") && message.contains("functions.rs:"), "{message}");
    assert_eq!(pool.apply_fn(|()| -> () { abort() }, ()), Err(TaskError::Signalled(6)));
    let sleep = |seconds| std::thread::sleep(Duration::from_secs(seconds));
    assert_eq!(pool.apply_fn(sleep, 3600), Err(TaskError::TimedOut));
    let halves = |n: u8| if n == 2 { panic!("two") } else { n };
    assert!(matches!(pool.map_fn(halves, 1..=3), Err(TaskError::Panicked(_))));
    pool.close();
    assert_eq!(pool.apply_fn(square, 1), Err(TaskError::Closed));
    assert_eq!(pool.map_fn(square, [1]), Err(TaskError::Closed));
}

fn of_a_pool_of_threads() {
    let pool = Pool::threads(2, |n: u64| n).unwrap();
    assert_eq!((pool.apply_fn(square, 5), pool.apply(5)), (Ok(25), Ok(5)));
    assert_eq!(pool.apply_fn(|()| id(), ()), Ok(id()));
    assert_eq!(pool.map_fn(square, 0..100), Ok((0..100).map(square).collect()));
}
