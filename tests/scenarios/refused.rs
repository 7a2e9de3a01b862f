//! Pipes where membarrier(2) is refused, from the start or from some moment on.

use killproof::channel::{Duplex, PipeBuilder, RecvError};
use killproof::process::spawn;

use crate::common::case::Case;
use crate::common::sandbox::without_membarrier;
use crate::{expect, scenario};

pub fn cases() -> Vec<Case> {
    vec![
        scenario("a pipe, membarrier refused before its first use", || echo(0)),
        scenario("a pipe, membarrier refused after its first use", || echo(1)),
        scenario("a pipe, membarrier refused at both of its ends", || {
            if let Err(error) = without_membarrier() {
                return Ok(format!("no seccomp here: {error}"));
            }
            echo(0)
        }),
    ]
}

/// Messages there and back, one by one, so that both ends sleep while they are empty.
const ECHOES: u64 = 1_000;

/// And as many as go, through a narrow pipe, so that both sleep while it is full.
const STREAMED: u64 = 20_000;

/// The child echoes, and after so many messages is refused.
fn echo(before: u64) -> Result<String, String> {
    let narrow = PipeBuilder::new().capacity(64);
    let (mut ours, its) = narrow.duplex::<u64, u64>().map_err(|e| e.to_string())?;
    let child = spawn(move || {
        let mut its = its;
        answer(&mut its, before);
        let refused = without_membarrier().map_err(|e| e.to_string());
        answer(&mut its, u64::MAX);
        refused
    });
    let child = child.map_err(|e| e.to_string())?;
    for number in 0..ECHOES {
        expect("a message", ours.send(number), Ok(()))?;
        expect("its echo", ours.recv(), Ok(number))?;
    }
    let (mut sender, mut receiver) = ours.split();
    let sends =
        std::thread::spawn(move || (0..STREAMED).all(|number| sender.send(number) == Ok(())));
    for number in 0..STREAMED {
        expect("an echo", receiver.recv(), Ok(number))?;
    }
    expect("all sent", sends.join().ok(), Some(true))?;
    expect("and then", receiver.recv(), Err(RecvError::Disconnected))?;
    Ok(match child.join().map_err(|e| e.to_string())? {
        Ok(()) => String::new(),
        Err(error) => format!("no seccomp here: {error}"),
    })
}

fn answer(end: &mut Duplex<u64, u64>, count: u64) {
    for _ in 0..count {
        let Ok(number) = end.recv() else { return };
        if end.send(number).is_err() {
            return;
        }
    }
}
