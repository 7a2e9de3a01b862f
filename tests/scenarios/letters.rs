//! Tasks that kill their workers, and somebody who waits until all is done.

use killproof::channel::{Builder, Receiver, RecvError, Sender};

use crate::common::case::Case;
use crate::common::child::fork;
use crate::common::mapped::{Gate, Mapped};
use crate::leases::worker;
use crate::{expect, fall_asleep, finish, kill, scenario};

const TASK: u64 = 1_000_000;
const ATTEMPTS: u32 = 3;

pub fn cases() -> Vec<Case> {
    vec![
        scenario("a task that kills every worker becomes a dead letter", three_workers),
        scenario("a worker killed, somebody joins, another works", || joined(another_works)),
        scenario("the last worker killed, somebody joins", || joined(nobody_works)),
        scenario("two killed over one dead letter", two_over_a_letter),
    ]
}

type Ends = (Sender<u64>, Receiver<u64>);

/// A queue with one task.
fn one_task() -> Result<Ends, String> {
    let builder = Builder::new().capacity(8).max_attempts(ATTEMPTS);
    let (sender, receiver) = builder.queue().map_err(|e| e.to_string())?;
    sender.send(TASK).map_err(|e| e.to_string())?;
    Ok((sender, receiver))
}

fn three_workers() -> Result<String, String> {
    let (sender, receiver) = one_task()?;
    let begins = Mapped::new(Gate::default());
    let joiner = fork(|| {
        begins.open();
        sender.join().map_err(|e| e.to_string())
    });
    fall_asleep(&joiner, &begins)?;
    for attempt in 1..=ATTEMPTS {
        let victim = worker(&receiver)?;
        expect("letters before the last death", receiver.dead_letters().len(), 0)?;
        kill(&victim);
        let again = usize::from(attempt < ATTEMPTS);
        expect("to be tried again", receiver.len(), again)?;
        expect("letters", receiver.dead_letters().len(), 1 - again)?;
    }
    finish("who joins", &joiner)?;
    expect("for ordinary receivers", receiver.try_recv(), Err(RecvError::Empty))?;
    let letter = receiver.dead_letters().lease().map_err(|e| e.to_string())?;
    expect("value, attempts", (*letter, letter.attempts()), (TASK, ATTEMPTS + 1))?;
    letter.done();
    expect("letters left", receiver.dead_letters().len(), 0).map(|()| String::new())
}

/// One joins while a worker holds the only task, and the worker is killed.
fn joined(then: fn(&Ends) -> Result<(), String>) -> Result<String, String> {
    let (sender, receiver) = one_task()?;
    let victim = worker(&receiver)?;
    let begins = Mapped::new(Gate::default());
    let joiner = fork(|| {
        begins.open();
        match sender.join() {
            Ok(()) => Ok(()),
            Err(error) if error.is_gone() => Err("gone".into()),
            Err(error) => Err(error.to_string()),
        }
    });
    fall_asleep(&joiner, &begins)?;
    kill(&victim);
    let ends = (sender, receiver);
    then(&ends)?;
    let receives = ends.1.is_empty();
    drop(ends.1);
    match finish("who joins", &joiner) {
        Ok(()) if receives => Ok(String::new()),
        Err(error) if !receives && error.ends_with("gone") => Ok(String::new()),
        other => Err(format!("with {receives} that it was done: {other:?}")),
    }
}

fn another_works((_, receiver): &Ends) -> Result<(), String> {
    let task = receiver.lease().map_err(|e| e.to_string())?;
    expect("value, attempts", (*task, task.attempts()), (TASK, 2))?;
    task.done();
    Ok(())
}

fn nobody_works((_, receiver): &Ends) -> Result<(), String> {
    expect("to be tried again", receiver.len(), 1)
}

fn two_over_a_letter() -> Result<String, String> {
    let (_sender, receiver) = one_task()?;
    for _ in 0..ATTEMPTS {
        drop(receiver.lease().map_err(|e| e.to_string())?);
    }
    for attempts in ATTEMPTS + 1..ATTEMPTS + 3 {
        let (holds, never) = (Mapped::new(Gate::default()), Mapped::new(Gate::default()));
        let reader = fork(|| {
            let letter = receiver.dead_letters().lease().map_err(|e| e.to_string())?;
            expect("attempts", letter.attempts(), attempts)?;
            holds.open();
            never.pass();
            Ok(())
        });
        fall_asleep(&reader, &holds)?;
        expect("while somebody reads it", receiver.dead_letters().len(), 0)?;
        kill(&reader);
        expect("afterwards", receiver.dead_letters().len(), 1)?;
    }
    expect("for ordinary receivers", receiver.try_recv(), Err(RecvError::Empty))?;
    let letter = receiver.dead_letters().lease().map_err(|e| e.to_string())?;
    expect("value, attempts", (*letter, letter.attempts()), (TASK, ATTEMPTS + 3))?;
    letter.done();
    Ok(String::new())
}
