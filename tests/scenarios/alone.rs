//! The only process at one side is killed; the other side is told, wherever it
//! waits.

use std::thread;

use killproof::channel::{Receiver, RecvError, SendError, Sender, queue};

use crate::common::case::Case;
use crate::common::child::fork;
use crate::common::mapped::{Gate, Mapped};
use crate::{expect, fall_asleep, finish, kill, scenario};

type Ended = Result<(), RecvError>;

pub fn cases() -> Vec<Case> {
    vec![
        scenario("the only sender killed, recv", || {
            only_sender(|receiver| receiver.recv().map(drop), true)
        }),
        scenario("the only sender killed, lease", || {
            only_sender(|receiver| receiver.lease().map(drop), true)
        }),
        scenario("the only sender killed, try_recv", || only_sender(poll, false)),
        scenario("the only receiver killed, send", || only_receiver(|sender| sender.send(3), true)),
        scenario("the only receiver killed, try_send", || only_receiver(poll_full, false)),
    ]
}

fn poll(receiver: &Receiver<u64>) -> Ended {
    loop {
        match receiver.try_recv() {
            Err(RecvError::Empty) => thread::yield_now(),
            other => return other.map(drop),
        }
    }
}

fn poll_full(sender: &Sender<u64>) -> Result<(), SendError<u64>> {
    loop {
        match sender.try_send(3) {
            Err(SendError::Full(_)) => thread::yield_now(),
            other => return other,
        }
    }
}

fn only_sender(wait: fn(&Receiver<u64>) -> Ended, sleeps: bool) -> Result<String, String> {
    let (sender, receiver) = queue(4).map_err(|e| e.to_string())?;
    let (sent, begins, never) = gates();
    let producer = fork(|| {
        sender.send(1).map_err(|e| e.to_string())?;
        sent.open();
        never.pass();
        Ok(())
    });
    sent.pass();
    drop(sender);
    let consumer = fork(|| {
        expect("the message", receiver.recv(), Ok(1))?;
        begins.open();
        expect("afterwards", wait(&receiver), Err(RecvError::Disconnected))
    });
    match sleeps {
        true => fall_asleep(&consumer, &begins)?,
        false => begins.pass(),
    }
    kill(&producer);
    finish("the consumer", &consumer).map(|()| String::new())
}

fn only_receiver(
    wait: fn(&Sender<u64>) -> Result<(), SendError<u64>>,
    sleeps: bool,
) -> Result<String, String> {
    let (sender, receiver) = queue(2).map_err(|e| e.to_string())?;
    let (received, begins, never) = gates();
    sender.send(0).map_err(|e| e.to_string())?;
    let consumer = fork(|| {
        expect("the message", receiver.recv(), Ok(0))?;
        received.open();
        never.pass();
        Ok(())
    });
    received.pass();
    drop(receiver);
    let producer = fork(|| {
        expect("the first", sender.send(1), Ok(()))?;
        expect("the second", sender.send(2), Ok(()))?;
        begins.open();
        expect("the third", wait(&sender), Err(SendError::Disconnected(3)))
    });
    match sleeps {
        true => fall_asleep(&producer, &begins)?,
        false => begins.pass(),
    }
    kill(&consumer);
    finish("the producer", &producer).map(|()| String::new())
}

fn gates() -> (Mapped<Gate>, Mapped<Gate>, Mapped<Gate>) {
    let gate = || Mapped::new(Gate::default());
    (gate(), gate(), gate())
}
