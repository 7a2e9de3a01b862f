//! `Semaphore`: permits against a counter.

use std::time::Duration;

use killproof::Shared;
use killproof::sync::{AcquireError, PermitId, Semaphore};
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

proptest! {
    /// Many at once, handed over, and added, against three counters.
    #[test]
    fn permits_move_and_grow(
        permits in 0..=CAPACITY,
        operations in proptest::collection::vec((0..5_u8, 0..=CAPACITY + 1), 0..60),
    ) {
        let semaphore = Shared::new(Semaphore::<CAPACITY>::with_capacity(permits)).unwrap();
        let (mut total, mut held, mut given) = (permits, Vec::new(), Vec::<PermitId>::new());
        for (operation, count) in operations {
            let free = total - held.len() - given.len();
            assert_eq!(semaphore.available(), free);
            match operation {
                0 => match semaphore.try_acquire_many(count) {
                    Ok(permits) => {
                        assert!(count <= free && permits.len() == count);
                        held.extend(permits);
                    }
                    Err(AcquireError::WouldBlock) => assert!(free < count && count <= CAPACITY),
                    Err(error) => assert!(count > CAPACITY, "{error}"),
                },
                1 => {
                    let added = semaphore.add_permits(count);
                    assert_eq!(added.is_ok(), total + count <= CAPACITY);
                    assert!(added.map_or_else(|error| error.is_limit(), |()| true));
                    total += if total + count <= CAPACITY { count } else { 0 };
                }
                2 => given.extend(held.pop().map(|permit| permit.forget())),
                3 => if let Some(name) = given.pop() {
                    held.push(semaphore.adopt(name).unwrap());
                    assert_eq!(semaphore.adopt(name).unwrap_err(), AcquireError::Gone);
                },
                _ => drop(held.pop()),
            }
        }
    }
}

#[test]
fn a_bounded_one_does_not_grow() {
    let semaphore = Shared::new(Semaphore::new(2).bounded()).unwrap();
    assert!(semaphore.add_permits(1).unwrap_err().is_limit());
    assert_eq!(semaphore.add_permits(0), Ok(()));
    assert!(killproof::Error::from(semaphore.acquire_many(3).unwrap_err()).is_limit());
    assert_eq!(semaphore.available(), 2);
}

#[test]
fn outside_shared_memory_it_says_so() {
    let semaphore = Semaphore::new(1);
    assert!(killproof::Error::from(semaphore.acquire().unwrap_err()).is_unplaced());
    assert_eq!(format!("{semaphore:?}"), "Semaphore(unplaced)");
}

#[test]
fn a_permit_that_was_given_is_no_loan() {
    let semaphore = Shared::new(Semaphore::new(1)).unwrap();
    let name = semaphore.acquire().unwrap().forget();
    assert_eq!(semaphore.try_acquire().unwrap_err(), AcquireError::WouldBlock);
    let owners = format!("owners: [{} (alive)]", std::process::id());
    assert!(format!("{semaphore:?}").contains(&owners), "{semaphore:?}");
    assert_eq!(semaphore.adopt(PermitId::default()).unwrap_err(), AcquireError::Gone);
    drop(semaphore.adopt(name).unwrap());
    assert_eq!(semaphore.available(), 1);
}
