//! A killed holder's permit goes to whoever waits, polls or counts; one that was
//! given, to whoever was told its name.

use std::cell::RefCell;
use std::mem;

use killproof::Shared;
use killproof::sync::{AcquireError, Permit, PermitId, Semaphore};

use crate::common::case::Case;
use crate::common::child::{Child, fork};
use crate::common::mapped::{Gate, Mapped};
use crate::{expect, fall_asleep, finish, kill, scenario};

pub fn cases() -> Vec<Case> {
    vec![
        scenario("a holder of a permit killed, acquire", waited_for),
        scenario("a holder of a permit killed, try_acquire", tried_for),
        scenario("a permit's name that comes twice", named_twice),
        scenario("a permit's name in a forked child", named_in_a_child),
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

/// A message is delivered again: the name in it is good for nothing that was given
/// since, nor at another semaphore.
fn named_twice() -> Result<String, String> {
    let (permits, others) = (one_permit()?, one_permit()?);
    let give = |permits: &Shared<Semaphore>| permits.acquire().map(|permit| permit.forget());
    let first = give(&permits).map_err(|e| e.to_string())?;
    expect("the first time", permits.adopt(first).map(drop), Ok(()))?;
    let second = give(&permits).map_err(|e| e.to_string())?;
    expect("the same name", first == second, false)?;
    expect("the second time", permits.adopt(first).map(drop), Err(AcquireError::Gone))?;
    let elsewhere = give(&others).map_err(|e| e.to_string())?;
    expect("another's", others.adopt(second).map(drop), Err(AcquireError::Gone))?;
    expect("and back", permits.adopt(elsewhere).map(drop), Err(AcquireError::Gone))?;
    expect("the right one", permits.adopt(second).map(drop), Ok(()))?;
    expect("elsewhere", others.adopt(elsewhere).map(drop), Ok(()))?;
    expect("afterwards", (permits.available(), others.available()), (1, 1)).map(|()| String::new())
}

/// What a child inherited is not the child's to give.
fn named_in_a_child() -> Result<String, String> {
    let permits = one_permit()?;
    let permit = RefCell::new(Some(permits.acquire().map_err(|e| e.to_string())?));
    let child = fork(|| {
        let name = permit.take().map(Permit::forget);
        expect("in the child", name, Some(PermitId::default()))
    });
    finish("the child", &child)?;
    drop(permit);
    expect("afterwards", permits.available(), 1).map(|()| String::new())
}
