//! `Condvar`: nothing is lost between threads, and what each way to wait says.
//!
//! What needs time to pass is among the scenarios: these run without slices too.

use std::thread;
use std::time::Duration;

use killproof::sync::{Condvar, Mutex};
use killproof::{Error, Shared, shareable};
use proptest::prelude::{ProptestConfig, any, proptest};

shareable! {
    /// So many are there, of at most so many.
    struct Shelf { stock: Mutex<[usize; 2]>, changed: Condvar<8>, room: Condvar<8> }
}

shareable! {
    struct Door { open: Mutex<u8>, moved: Condvar<2> }
}

fn door() -> Shared<Door> {
    Shared::new(Door { open: Mutex::new(0), moved: Condvar::with_capacity() }).unwrap()
}

/// Waits until as many wait at the door.
fn until_waiting(door: &Door, waiters: usize) {
    let pid = std::process::id().to_string();
    let waiting = || format!("{:?}", door.moved).matches(&pid).count();
    while waiting() < waiters {
        thread::yield_now();
    }
}

impl Shelf {
    /// Puts one there; whoever takes it is told before the lock is free, or after.
    fn put(&self, inside: bool) {
        let stock = self.stock.lock().unwrap();
        let mut stock = self.room.wait_while(stock, |[there, most]| there == most).unwrap();
        stock[0] += 1;
        if inside {
            self.changed.notify_one();
            return;
        }
        drop(stock);
        self.changed.notify_one();
    }

    fn take(&self) {
        let mut stock = self.stock.lock().unwrap();
        while stock[0] == 0 {
            stock = self.changed.wait(stock).unwrap();
        }
        stock[0] -= 1;
        drop(stock);
        self.room.notify_all();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// As many are taken as were put there, however few fit.
    #[test]
    fn a_shelf_of_limited_length(
        most in 1..4_usize,
        takers in 1..5_usize,
        puts in proptest::collection::vec(proptest::collection::vec(any::<bool>(), 0..40), 1..4),
    ) {
        let (changed, room) = (Condvar::with_capacity(), Condvar::with_capacity());
        let shelf = Shared::new(Shelf { stock: Mutex::new([0, most]), changed, room }).unwrap();
        let all: usize = puts.iter().map(Vec::len).sum();
        let shelf = &*shelf;
        thread::scope(|scope| {
            for puts in &puts {
                scope.spawn(|| puts.iter().for_each(|inside| shelf.put(*inside)));
            }
            for taker in 0..takers {
                let share = all / takers + usize::from(taker < all % takers);
                scope.spawn(move || (0..share).for_each(|_| shelf.take()));
            }
        });
        assert_eq!(shelf.stock.lock().unwrap()[0], 0);
    }
}

#[test]
fn no_time_is_one_look_and_leaves_nothing_behind() {
    let door = door();
    for _ in 0..10 {
        let (guard, result) =
            door.moved.wait_timeout(door.open.lock().unwrap(), Duration::ZERO).unwrap();
        assert!(result.timed_out());
        let mut looks = 0;
        let looked = door.moved.wait_timeout_while(guard, Duration::ZERO, |_| {
            looks += 1;
            true
        });
        assert!(looked.unwrap().1.timed_out());
        assert_eq!(looks, 1);
    }
    let already = |open: &mut u8| *open != 0;
    let guard = door.open.lock().unwrap();
    let (_, result) = door.moved.wait_timeout_while(guard, Duration::ZERO, already).unwrap();
    assert!(!result.timed_out());
}

#[test]
fn all_the_time_there_is_is_not_over() {
    let door = door();
    let wait = || {
        let guard = door.open.lock().unwrap();
        !door.moved.wait_timeout(guard, Duration::MAX).unwrap().1.timed_out()
    };
    let wait_while = || {
        let guard = door.open.lock().unwrap();
        let waited = door.moved.wait_timeout_while(guard, Duration::MAX, |open| *open == 0);
        !waited.unwrap().1.timed_out()
    };
    thread::scope(|scope| {
        let both = [scope.spawn(wait), scope.spawn(wait_while)];
        until_waiting(&door, 2);
        *door.open.lock().unwrap() = 1;
        door.moved.notify_all();
        assert!(both.into_iter().all(|thread| thread.join().unwrap()));
    });
}

/// The third of two is told so, and has given the mutex back.
#[test]
fn one_too_many_is_told() {
    let door = door();
    let wait = || drop(door.moved.wait(door.open.lock().unwrap()).unwrap());
    thread::scope(|scope| {
        scope.spawn(wait);
        scope.spawn(wait);
        until_waiting(&door, 2);
        let refused = door.moved.wait(door.open.lock().unwrap());
        assert!(Error::from(refused.unwrap_err()).is_limit());
        drop(door.open.try_lock().unwrap());
        door.moved.notify_one();
        door.moved.notify_one();
    });
}

#[test]
fn outside_shared_memory_it_says_so() {
    let (mutex, changed) = (Shared::new(Mutex::new(0_u8)).unwrap(), Condvar::new());
    assert_eq!(format!("{changed:?}"), "Condvar(unplaced)");
    let refused = changed.wait(mutex.lock().unwrap());
    assert!(Error::from(refused.unwrap_err()).is_unplaced());
    changed.notify_one();
    changed.notify_all();
    drop(mutex.try_lock().unwrap());
}

#[test]
fn it_shows_who_waits() {
    let door = door();
    let mut shown = String::new();
    thread::scope(|scope| {
        scope.spawn(|| drop(door.moved.wait(door.open.lock().unwrap()).unwrap()));
        until_waiting(&door, 1);
        shown = format!("{:?}", door.moved);
        door.moved.notify_one();
    });
    let wanted = format!("waiting: [{} (alive)], notified: []", std::process::id());
    assert!(shown.contains(&wanted), "{shown}");
}
