//! Three hundred processes, one after the other, at a queue with four seats at
//! each side. Half of them are killed; the next one sits where they sat.

use std::mem;

use killproof::channel::{Builder, Receiver, RecvError, Sender};

use crate::common::case::Case;
use crate::common::child::fork;
use crate::common::mapped::{Gate, Mapped};
use crate::{expect, finish, kill, scenario};

const PROCESSES: u64 = 300;
const CAPACITY: usize = 3;

pub fn cases() -> Vec<Case> {
    vec![scenario("300 processes at four seats", one_after_the_other)]
}

type Ends = (Sender<u64>, Receiver<u64>);

fn one_after_the_other() -> Result<String, String> {
    let builder = Builder::new().capacity(CAPACITY).participants(4).leases(2);
    let ends: Ends = builder.queue().map_err(|e| e.to_string())?;
    let (sender, receiver) = &ends;
    for number in 0..PROCESSES {
        sender.send(number).map_err(|e| e.to_string())?;
        let (did_it, never) = (Mapped::new(Gate::default()), Mapped::new(Gate::default()));
        let (is_killed, leases) = (number % 2 == 1, number % 3 == 1);
        let child = fork(|| {
            take_and_answer(&ends, number, leases && is_killed)?;
            did_it.open();
            if is_killed {
                never.pass();
            }
            Ok(())
        });
        if is_killed {
            did_it.pass();
            kill(&child);
        } else {
            finish("a process", &child)?;
        }
        let answer = receiver.recv();
        if leases && is_killed {
            // The answer, and what the dead one had on lease; that comes first
            // or last, as whoever asks first finds it.
            let both = [answer, receiver.recv()];
            let right = both.contains(&Ok(number)) && both.contains(&Ok(PROCESSES + number));
            expect("the answer and what came back", right, true)?;
        } else {
            expect("the answer", answer, Ok(PROCESSES + number))?;
        }
    }
    expect("nothing more", receiver.try_recv(), Err(RecvError::Empty))?;
    for number in 0..CAPACITY as u64 {
        expect("room", sender.try_send(number), Ok(()))?;
    }
    expect("full", sender.is_full(), true).map(|()| String::new())
}

fn take_and_answer(ends: &Ends, number: u64, keep: bool) -> Result<(), String> {
    let (sender, receiver) = ends;
    if keep {
        let task = receiver.lease().map_err(|e| e.to_string())?;
        expect("the question", *task, number)?;
        mem::forget(task);
    } else {
        expect("the question", receiver.recv(), Ok(number))?;
    }
    sender.send(PROCESSES + number).map_err(|e| e.to_string())
}
