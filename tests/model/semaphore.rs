//! `Semaphore`: permits against a counter.

use std::time::Duration;

use killproof::Shared;
use killproof::sync::{AcquireError, Semaphore};
use proptest::prelude::{any, proptest};

/// More than one word's worth of nothing in particular; small, so that tests
/// come to both ends.
const CAPACITY: usize = 5;

proptest! {
    #[test]
    fn a_semaphore_is_a_counter(
        permits in 0..=CAPACITY,
        // Which permit to give back, or one more.
        operations in proptest::collection::vec(any::<Option<usize>>(), 0..60),
    ) {
        let semaphore = Shared::new(Semaphore::<CAPACITY>::with_capacity(permits)).unwrap();
        let mut held = Vec::new();
        for operation in operations {
            assert_eq!(semaphore.available(), permits - held.len());
            match operation {
                None if held.len() == permits => {
                    assert_eq!(semaphore.try_acquire().unwrap_err(), AcquireError::WouldBlock);
                    let late = semaphore.acquire_timeout(Duration::ZERO).unwrap_err();
                    assert_eq!(late, AcquireError::TimedOut);
                }
                None if held.len() % 2 == 0 => held.push(semaphore.try_acquire().unwrap()),
                None => held.push(semaphore.acquire().unwrap()),
                Some(which) if !held.is_empty() => {
                    let permit = held.swap_remove(which % held.len());
                    if which % 2 == 0 { permit.release() } else { drop(permit) }
                }
                Some(_) => {}
            }
        }
        drop(held);
        assert_eq!(semaphore.available(), permits);
    }
}
