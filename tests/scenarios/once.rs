//! The once, with several victims: initialisers that die one after the other, and a
//! crowd behind one that does.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

use killproof::Shared;
use killproof::sync::{Once, OnceLock};

use crate::common::case::Case;
use crate::common::child::{Child, fork, until};
use crate::common::mapped::{Gate, Mapped};
use crate::{STUCK, expect, finish, kill, scenario};

const HEIRS: u32 = 5;
const CROWD: usize = 200;

pub fn cases() -> Vec<Case> {
    vec![
        scenario("once, heirs that die one after the other", heirs),
        scenario("once, a crowd", crowd),
    ]
}

/// The one at it is killed, and so is each that takes over; the last one does it.
fn heirs() -> Result<String, String> {
    let value = Shared::new(OnceLock::<u32>::new()).map_err(|e| e.to_string())?;
    // Half of it is there.
    let half = Mapped::new(AtomicU32::new(0));
    let never = Mapped::new(Gate::default());
    let heirs: Vec<Child> = (0..HEIRS)
        .map(|_| {
            fork(|| {
                let make = || {
                    half.fetch_add(1, Ordering::AcqRel);
                    never.pass();
                    0
                };
                value.get_or_init(make).map(drop).map_err(|e| e.to_string())
            })
        })
        .collect();
    let mut left: Vec<&Child> = heirs.iter().collect();
    for dead in 0..HEIRS {
        let is_at_it = || half.load(Ordering::Acquire) > dead;
        if !until(Instant::now() + STUCK, is_at_it) {
            return Err(format!("nobody takes over after {dead} deaths: {value:?}"));
        }
        let shown = format!("{value:?}");
        let owner = |heir: &&Child| shown.contains(&format!("owner: {} (", heir.pid()));
        let index = left.iter().position(owner).ok_or_else(|| format!("nobody's: {shown}"))?;
        kill(left.remove(index));
        expect("no value", value.get(), None)?;
    }
    expect("the value", value.get_or_init(|| 7), Ok(&7)).map(|()| String::new())
}

/// Two hundred wait for one that is killed; one of them does it.
fn crowd() -> Result<String, String> {
    let once = Shared::new(Once::new()).map_err(|e| e.to_string())?;
    let done = Mapped::new(AtomicU64::new(0));
    let (begun, never) = (Mapped::new(Gate::default()), Mapped::new(Gate::default()));
    let dies = fork(|| {
        let begins = || {
            begun.open();
            never.pass();
        };
        once.call_once(begins).map_err(|e| e.to_string())
    });
    begun.pass();
    let crowd: Vec<Child> = (0..CROWD)
        .map(|_| {
            fork(|| {
                once.call_once(|| _ = done.fetch_add(1, Ordering::AcqRel))
                    .map_err(|e| e.to_string())?;
                expect("done", done.load(Ordering::Acquire), 1)
            })
        })
        .collect();
    if !until(Instant::now() + STUCK, || crowd.iter().all(Child::is_asleep)) {
        return Err("they do not sleep".into());
    }
    kill(&dies);
    for one in &crowd {
        finish("one of the crowd", one)?;
    }
    Ok(format!("{CROWD} waiters"))
}
