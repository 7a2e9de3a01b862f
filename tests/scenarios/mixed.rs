//! Several processes with several threads each, all at one barrier, one condition
//! variable and one once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use killproof::sync::{Barrier, Condvar, Mutex, OnceLock, Party};
use killproof::{Shared, shareable};

use crate::common::case::Case;
use crate::common::child::{Child, fork};
use crate::{expect, finish, scenario};

const PROCESSES: u64 = 3;
const THREADS: u64 = 4;
const ALL: u64 = PROCESSES * THREADS;
const ROUNDS: u64 = 20;

shareable! {
    struct State {
        turn: Mutex<u64>,
        changed: Condvar<12>,
        meeting: Barrier<12>,
        chairman: OnceLock<u64>,
        made: AtomicU64,
        leaders: AtomicU64,
    }
}

pub fn cases() -> Vec<Case> {
    vec![scenario("mixed threads and processes", mixed)]
}

fn mixed() -> Result<String, String> {
    let state = Shared::new(State {
        turn: Mutex::new(0),
        changed: Condvar::with_capacity(),
        meeting: Barrier::with_capacity(ALL as usize),
        chairman: OnceLock::new(),
        made: AtomicU64::new(0),
        leaders: AtomicU64::new(0),
    })
    .map_err(|e| e.to_string())?;
    let processes: Vec<Child> = (0..PROCESSES)
        .map(|process| {
            fork(|| {
                let meeting = Shared::map(&state, |state| &state.meeting);
                thread::scope(|scope| {
                    let threads: Vec<_> = (0..THREADS)
                        .map(|thread| {
                            let party = meeting.party().map_err(|e| e.to_string())?;
                            let (state, number) = (&*state, process * THREADS + thread);
                            Ok(scope.spawn(move || member(state, party, number)))
                        })
                        .collect::<Result<_, String>>()?;
                    let ends = threads.into_iter().map(|thread| thread.join().expect("no panic"));
                    ends.collect::<Result<(), String>>()
                })
            })
        })
        .collect();
    for process in &processes {
        finish("a process", process)?;
    }
    expect("turns", *state.turn.lock().map_err(|e| e.to_string())?, ALL * ROUNDS)?;
    expect("made", state.made.load(Ordering::Acquire), 1)?;
    expect("leaders", state.leaders.load(Ordering::Acquire), ROUNDS)?;
    Ok(format!("{PROCESSES} processes, {THREADS} threads each, {ROUNDS} rounds"))
}

/// In each round everybody has a turn, and then all meet.
fn member(state: &State, mut party: Party<12>, number: u64) -> Result<(), String> {
    let make = || {
        state.made.fetch_add(1, Ordering::AcqRel);
        number
    };
    state.chairman.get_or_init(make).map_err(|e| e.to_string())?;
    for round in 0..ROUNDS {
        let turn = state.turn.lock().map_err(|e| e.to_string())?;
        let mine = round * ALL + number;
        let mut turn =
            state.changed.wait_while(turn, |turn| *turn != mine).map_err(|e| e.to_string())?;
        *turn += 1;
        drop(turn);
        state.changed.notify_all();
        let result = party.wait().map_err(|e| e.to_string())?;
        state.leaders.fetch_add(result.is_leader().into(), Ordering::AcqRel);
        let turns = *state.turn.lock().map_err(|e| e.to_string())?;
        expect("all had their turn", turns >= (round + 1) * ALL, true)?;
    }
    Ok(())
}
