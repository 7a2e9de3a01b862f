//! A process stopped at the condition variable, the barrier or the once is alive:
//! it holds nobody up who does not wait for it, and what is its own stays so.

use std::mem;

use killproof::sync::{Barrier, Broken, Condvar, Mutex, Once};
use killproof::{Shared, shareable};
use nix::sys::signal::{Signal, kill};

use crate::common::case::Case;
use crate::common::child::{Child, fork};
use crate::common::mapped::{Gate, Mapped};
use crate::stopped::{TRY, stop};
use crate::{expect, fall_asleep, finish, scenario};

shareable! {
    struct Shop { stock: Mutex<u64>, changed: Condvar }
}

pub fn cases() -> Vec<Case> {
    vec![
        scenario("condvar, a stopped waiter", waiter),
        scenario("barrier, a stopped party", party),
        scenario("once, a stopped initialiser", initialiser),
    ]
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

fn go_on(child: &Child) -> Result<(), String> {
    kill(child.pid(), Signal::SIGCONT).map_err(text)
}

/// The notifier does not wait for it, and nobody else gets its notification.
fn waiter() -> Result<String, String> {
    let shop = Shop { stock: Mutex::new(0), changed: Condvar::new() };
    let shop = Shared::new(shop).map_err(text)?;
    let begins = Mapped::new([Gate::default(), Gate::default()]);
    let older = fork(|| {
        let stock = shop.stock.lock().map_err(text)?;
        begins[0].open();
        shop.changed.wait(stock).map(drop).map_err(text)
    });
    fall_asleep(&older, &begins[0])?;
    stop(&older)?;
    let younger = fork(|| {
        let stock = shop.stock.lock().map_err(text)?;
        begins[1].open();
        let waited = shop.changed.wait_timeout(stock, TRY).map_err(text)?;
        expect("the time of the younger is up", waited.1.timed_out(), true)
    });
    fall_asleep(&younger, &begins[1])?;
    shop.changed.notify_one();
    drop(shop.stock.lock().map_err(text)?);
    finish("the younger", &younger)?;
    go_on(&older)?;
    finish("the older", &older).map(|()| String::new())
}

fn party() -> Result<String, String> {
    let barrier = Shared::new(Barrier::new(2)).map_err(text)?;
    let mut ours = barrier.party().map_err(text)?;
    let begins = Mapped::new([Gate::default(), Gate::default(), Gate::default()]);
    let its = fork(|| {
        let mut party = barrier.party().map_err(text)?;
        begins[0].open();
        // Once it is stopped, the others come and the round is completed.
        party.wait().map_err(text)?;
        begins[1].open();
        begins[2].pass();
        let waited = party.wait();
        mem::forget(party);
        expect("the second round", matches!(waited, Err(Broken::TimedOut(_))), true)
    });
    fall_asleep(&its, &begins[0])?;
    stop(&its)?;
    expect("the round", ours.wait().is_ok(), true)?;
    go_on(&its)?;
    fall_asleep(&its, &begins[1])?;
    stop(&its)?;
    let late = Broken::TimedOut(std::process::id());
    expect("the next round", ours.wait_timeout(TRY).map(drop), Err(late))?;
    go_on(&its)?;
    begins[2].open();
    finish("the other party", &its).map(|()| String::new())
}

fn initialiser() -> Result<String, String> {
    let once = Shared::new(Once::new()).map_err(text)?;
    let gates = Mapped::new([Gate::default(), Gate::default(), Gate::default()]);
    let first = fork(|| {
        let begins = || {
            gates[0].open();
            gates[1].pass();
        };
        once.call_once(begins).map_err(text)
    });
    fall_asleep(&first, &gates[0])?;
    stop(&first)?;
    let second = fork(|| {
        gates[2].open();
        once.call_once(|| unreachable!("the first lives")).map_err(text)
    });
    fall_asleep(&second, &gates[2])?;
    gates[1].open();
    // Several slices.
    std::thread::sleep(TRY);
    expect("done", once.is_completed(), false)?;
    go_on(&first)?;
    finish("the first", &first)?;
    finish("the second", &second)?;
    expect("done", once.is_completed(), true).map(|()| String::new())
}
