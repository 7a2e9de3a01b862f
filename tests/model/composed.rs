//! All of them in one value that the macro makes.

use std::thread;

use killproof::sync::{
    Array, Barrier, Condvar, Flag, Mutex, Once, OnceLock, Party, ReentrantMutex, RwLock, Semaphore,
    Value,
};
use killproof::{Shared, shareable};

shareable! {
    struct State {
        turn: Mutex<u64>,
        changed: Condvar,
        prices: RwLock<[u64; 2], 3>,
        till: ReentrantMutex<u64>,
        seats: Semaphore<4>,
        round: Barrier<4>,
        setup: Once,
        limit: OnceLock<u64>,
        visits: Value<[u64; 2]>,
        each: Array<u64, 4>,
        begun: Flag,
        more: [Condvar<2>; 3],
    }
}

const THREADS: u64 = 4;

#[test]
fn a_state_of_all_of_them() {
    let state = Shared::new(State {
        turn: Mutex::new(0),
        changed: Condvar::new(),
        prices: RwLock::with_readers([1, 1]),
        till: ReentrantMutex::new(0),
        seats: Semaphore::with_capacity(2),
        round: Barrier::with_capacity(THREADS as usize),
        setup: Once::new(),
        limit: OnceLock::new(),
        visits: Value::new([0; 2]),
        each: Array::new([0; THREADS as usize]),
        begun: Flag::new(),
        more: std::array::from_fn(|_| Condvar::with_capacity()),
    })
    .unwrap();
    let round = Shared::map(&state, |state| &state.round);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (state, mut party) = (state.clone(), round.party().unwrap());
            scope.spawn(move || {
                state.setup.call_once(|| *state.turn.lock().unwrap() = 1).unwrap();
                assert_eq!(*state.limit.get_or_init(|| THREADS + 1).unwrap(), THREADS + 1);
                drop(state.seats.acquire().unwrap());
                *state.prices.write().unwrap() = [number; 2];
                let prices = *state.prices.read().unwrap();
                assert_eq!(prices[0], prices[1]);
                let till = state.till.lock().unwrap();
                state.till.lock().unwrap().update(|sum| sum + 1);
                drop(till);
                state.visits.update(|[first, second]| [first + 1, second + 2]).unwrap();
                state.each.update(number as usize, |own| own + number).unwrap();
                let begun = Shared::map(&state, |state| &state.begun);
                if number == 0 {
                    begun.set();
                }
                begun.wait();
                party.wait().unwrap();
                let turn = state.turn.lock().unwrap();
                let mut turn = state.changed.wait_while(turn, |turn| *turn != number + 1).unwrap();
                *turn += 1;
                drop(turn);
                state.changed.notify_all();
                party.wait().unwrap();
            });
        }
    });
    assert_eq!(*state.turn.lock().unwrap(), *state.limit.get().unwrap());
    assert_eq!(state.till.lock().unwrap().get(), THREADS);
    assert_eq!(state.visits.get(), [THREADS, 2 * THREADS]);
    assert_eq!(state.each.get_all(), [0, 1, 2, 3]);
    for changed in &state.more {
        assert!(!format!("{changed:?}").contains("unplaced"), "{changed:?}");
    }
}

#[test]
#[should_panic = "not a part of the shared value"]
fn a_part_of_something_else() {
    static OTHER: u64 = 0;
    let shared = Shared::new(0_u64).unwrap();
    Shared::map(&shared, |_| &OTHER);
}

/// What may not cross is in the documentation, as examples that do not compile.
#[test]
fn they_cross_threads() {
    fn cross<T: Send + Sync>() {}
    cross::<State>();
    cross::<Condvar>();
    cross::<RwLock<u64>>();
    cross::<ReentrantMutex<u64>>();
    cross::<Barrier>();
    cross::<Party>();
    cross::<Once>();
    cross::<OnceLock<u64>>();
}
