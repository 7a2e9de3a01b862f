//! All of them in one value that the macro makes.

use std::thread;

use killproof::sync::{Barrier, Condvar, Mutex, Once, OnceLock, Party, Semaphore};
use killproof::{Shared, shareable};

shareable! {
    struct State {
        turn: Mutex<u64>,
        changed: Condvar,
        seats: Semaphore<4>,
        round: Barrier<4>,
        setup: Once,
        limit: OnceLock<u64>,
        more: [Condvar<2>; 3],
    }
}

const THREADS: u64 = 4;

#[test]
fn a_state_of_all_of_them() {
    let state = Shared::new(State {
        turn: Mutex::new(0),
        changed: Condvar::new(),
        seats: Semaphore::with_capacity(2),
        round: Barrier::with_capacity(THREADS as usize),
        setup: Once::new(),
        limit: OnceLock::new(),
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
    cross::<Barrier>();
    cross::<Party>();
    cross::<Once>();
    cross::<OnceLock<u64>>();
}
