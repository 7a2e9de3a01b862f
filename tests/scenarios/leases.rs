//! A worker is killed with a message on lease: somebody else gets it, whether
//! that one sleeps, polls or has enough else to do.

use std::mem;
use std::thread;

use killproof::channel::{Receiver, RecvError, Sender, queue};

use crate::common::case::Case;
use crate::common::child::{Child, fork};
use crate::common::mapped::{Gate, Mapped};
use crate::{expect, fall_asleep, finish, kill, scenario};

const LEASED: u64 = 1_000_000;

pub fn cases() -> Vec<Case> {
    vec![
        scenario("a worker killed, another leases", || redelivered(lease_again)),
        scenario("a worker killed, another receives", || redelivered(receive)),
        scenario("a worker killed, others poll", polled),
        scenario("a worker killed, others are busy", || busy(try_receive)),
        scenario("a worker killed, others are busy with leases", || busy(try_lease)),
        scenario("five workers killed one after the other", five_attempts),
    ]
}

type Ends = (Sender<u64>, Receiver<u64>);

/// A queue from which a worker has leased the only message, and the worker.
fn leased() -> Result<(Ends, Child), String> {
    let (sender, receiver) = queue(8).map_err(|e| e.to_string())?;
    sender.send(LEASED).map_err(|e| e.to_string())?;
    let worker = worker(&receiver)?;
    Ok(((sender, receiver), worker))
}

pub fn worker(receiver: &Receiver<u64>) -> Result<Child, String> {
    let (holds, never) = (Mapped::new(Gate::default()), Mapped::new(Gate::default()));
    let worker = fork(|| {
        mem::forget(receiver.lease().map_err(|e| e.to_string())?);
        holds.open();
        never.pass();
        Ok(())
    });
    fall_asleep(&worker, &holds)?;
    Ok(worker)
}

fn redelivered(take: fn(&Receiver<u64>) -> Result<(), String>) -> Result<String, String> {
    let ((_sender, receiver), worker) = leased()?;
    let begins = Mapped::new(Gate::default());
    let other = fork(|| {
        begins.open();
        take(&receiver)
    });
    fall_asleep(&other, &begins)?;
    expect("while it is leased", receiver.len(), 0)?;
    kill(&worker);
    finish("the other", &other)?;
    expect("afterwards", receiver.len(), 0).map(|()| String::new())
}

fn lease_again(receiver: &Receiver<u64>) -> Result<(), String> {
    let task = receiver.lease().map_err(|e| e.to_string())?;
    expect("value, name, attempts", (*task, task.id(), task.attempts()), (LEASED, 0, 2))?;
    task.done();
    Ok(())
}

fn receive(receiver: &Receiver<u64>) -> Result<(), String> {
    expect("the message", receiver.recv(), Ok(LEASED))
}

fn polled() -> Result<String, String> {
    let ((_sender, receiver), worker) = leased()?;
    expect("while it is leased", receiver.try_recv(), Err(RecvError::Empty))?;
    kill(&worker);
    expect("counted", receiver.len(), 1)?;
    loop {
        match receiver.try_recv() {
            Err(RecvError::Empty) => thread::yield_now(),
            other => return expect("polled", other, Ok(LEASED)).map(|()| String::new()),
        }
    }
}

/// There is always another message: the queue never runs empty, and nobody
/// waits. The watchdog is the limit.
fn busy(take: fn(&Receiver<u64>) -> Result<u64, String>) -> Result<String, String> {
    let ((sender, receiver), worker) = leased()?;
    sender.send(0).map_err(|e| e.to_string())?;
    kill(&worker);
    let mut next = 0;
    let mut taken = 0;
    loop {
        sender.send(next + 1).map_err(|e| e.to_string())?;
        match take(&receiver)? {
            LEASED => return Ok(format!("ok, after {taken} others")),
            number => expect("in order", number, next)?,
        }
        next += 1;
        taken += 1;
    }
}

fn try_receive(receiver: &Receiver<u64>) -> Result<u64, String> {
    receiver.try_recv().map_err(|e| e.to_string())
}

fn try_lease(receiver: &Receiver<u64>) -> Result<u64, String> {
    receiver.try_lease().map(|task| task.done()).map_err(|e| e.to_string())
}

fn five_attempts() -> Result<String, String> {
    let ((_sender, receiver), first) = leased()?;
    kill(&first);
    for attempt in 2..=5 {
        let next = worker(&receiver)?;
        expect("while it is leased", receiver.len(), 0)?;
        kill(&next);
        expect("counted", receiver.len(), 1).map_err(|e| format!("attempt {attempt}: {e}"))?;
    }
    let task = receiver.lease().map_err(|e| e.to_string())?;
    expect("value, name, attempts", (*task, task.id(), task.attempts()), (LEASED, 0, 6))?;
    task.done();
    Ok(String::new())
}
