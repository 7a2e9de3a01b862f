//! Where processes wait for one another.

use std::hint::black_box;
use std::time::Duration;

use killproof::sync::{Barrier, Condvar, Mutex, OrRecover};
use killproof::{Shared, shareable};

use super::script::Script;
use super::subject::Company;

const PARTIES: usize = 3;

shareable! {
    struct Bell {
        rung: Mutex<u64>,
        changed: Condvar<2>,
    }
}

pub fn condvar(script: &mut Script<'_>, company: &mut Company) {
    let bell = || Bell { rung: Mutex::new(0), changed: Condvar::with_capacity() };
    let make = || Shared::new(bell()).expect("memory");
    company.meet(make, |bell, memory| {
        while let Some(step) = script.step() {
            match step {
                0..=119 => memory.lie(script),
                120..=199 => {
                    let Ok(guard) = bell.rung.try_lock().or_recover(|_| ()) else { continue };
                    if script.below(4) == 0 {
                        memory.lie(script);
                        // The wait ends with the lock, however long it takes.
                        memory.free(0);
                    }
                    let timeout = Duration::from_micros(script.below(2) as u64 * 50);
                    let ended = match script.below(2) {
                        0 => bell.changed.wait_timeout(guard, timeout),
                        _ => bell.changed.wait_timeout_while(guard, timeout, |rung| *rung == 0),
                    };
                    drop(black_box(ended.map(|(guard, result)| (*guard, result))));
                }
                200..=219 => bell.changed.notify_one(),
                220..=239 => bell.changed.notify_all(),
                _ => _ = black_box(format!("{:?}", bell.changed)),
            }
        }
    });
}

pub fn barrier(script: &mut Script<'_>, company: &mut Company) {
    let parties = 1 + script.below(PARTIES);
    let barrier = Barrier::<PARTIES>::with_capacity(parties);
    let make = || Shared::new(barrier).expect("memory");
    company.meet(make, |barrier, memory| {
        let mut parties = Vec::new();
        while let Some(step) = script.step() {
            match step {
                0..=99 => memory.lie(script),
                100..=139 if parties.len() <= PARTIES => parties.extend(barrier.party()),
                140..=199 => {
                    if let Some(mut party) = script.take(&mut parties) {
                        black_box(party.wait_timeout(Duration::ZERO).is_ok());
                        parties.push(party);
                    }
                }
                200..=214 => drop(script.take(&mut parties)),
                215..=224 => barrier.reset(),
                225..=229 => drop(barrier.abort()),
                _ => {
                    black_box((barrier.waiting(), barrier.broken(), barrier.parties()));
                    black_box(format!("{barrier:?} {parties:?}"));
                }
            }
        }
    });
}
