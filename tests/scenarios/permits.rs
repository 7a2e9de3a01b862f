//! A killed holder's permit goes to whoever waits, polls or counts.

use std::mem;

use killproof::Shared;
use killproof::sync::{AcquireError, Semaphore};

use crate::common::case::Case;
use crate::common::child::{Child, fork};
use crate::common::mapped::{Gate, Mapped};
use crate::{expect, fall_asleep, finish, kill, scenario};

pub fn cases() -> Vec<Case> {
    vec![
        scenario("a holder of a permit killed, acquire", waited_for),
        scenario("a holder of a permit killed, try_acquire", tried_for),
    ]
}

fn one_permit() -> Result<Shared<Semaphore>, String> {
    Shared::new(Semaphore::new(1)).map_err(|e| e.to_string())
}

fn holder(permits: &Shared<Semaphore>) -> Child {
    let (holds, never) = (Mapped::new(Gate::default()), Mapped::new(Gate::default()));
    let holder = fork(|| {
        mem::forget(permits.acquire().map_err(|e| e.to_string())?);
        holds.open();
        never.pass();
        Ok(())
    });
    holds.pass();
    holder
}

fn waited_for() -> Result<String, String> {
    let permits = one_permit()?;
    let holder = holder(&permits);
    let begins = Mapped::new(Gate::default());
    let waiter = fork(|| {
        begins.open();
        let permit = permits.acquire().map_err(|e| e.to_string())?;
        expect("while one is held", permits.available(), 0)?;
        drop(permit);
        Ok(())
    });
    fall_asleep(&waiter, &begins)?;
    kill(&holder);
    finish("the waiter", &waiter)?;
    expect("afterwards", permits.available(), 1).map(|()| String::new())
}

fn tried_for() -> Result<String, String> {
    let permits = one_permit()?;
    let holder = holder(&permits);
    expect("held", permits.try_acquire().map(drop), Err(AcquireError::WouldBlock))?;
    expect("while it is held", permits.available(), 0)?;
    kill(&holder);
    expect("of the dead", permits.available(), 1)?;
    expect("taken from the dead", permits.try_acquire().map(drop), Ok(()))?;
    expect("afterwards", permits.available(), 1).map(|()| String::new())
}
