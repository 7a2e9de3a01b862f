//! Pipes, one way and both.

use std::cell::RefCell;
use std::hint::black_box;
use std::time::Duration;

use killproof::channel::{PipeBuilder, PipeReceiver, PipeSender};
use killproof::{Message, Ready, select};

use super::memory::Memory;
use super::script::Script;
use super::subject::Company;

const CAPACITY: usize = 128;

pub fn words(script: &mut Script<'_>, company: &mut Company) {
    let make = || PipeBuilder::new().capacity(CAPACITY).pipe::<[u64; 3]>().expect("memory");
    company.meet(
        || RefCell::new(make()),
        |ends, memory| {
            let (sender, receiver) = &mut *ends.borrow_mut();
            let value = |script: &mut Script<'_>| [script.word(); 3];
            while let Some(step) = script.step() {
                operate(step, script, memory, sender, receiver, value);
            }
        },
    );
}

pub fn bytes(script: &mut Script<'_>, company: &mut Company) {
    let make = || PipeBuilder::new().capacity(CAPACITY).pipe::<Vec<u8>>().expect("memory");
    company.meet(
        || RefCell::new(make()),
        |ends, memory| {
            let (sender, receiver) = &mut *ends.borrow_mut();
            let mut buffer = Vec::new();
            let value = |script: &mut Script<'_>| vec![script.byte(); script.below(130)];
            while let Some(step) = script.step() {
                match step {
                    200..=215 => drop(sender.try_send_bytes(&value(script))),
                    216..=231 => match receiver.try_recv_into(&mut buffer) {
                        Ok(len) => assert_eq!(len, buffer.len()),
                        Err(error) => _ = black_box(error),
                    },
                    step => operate(step, script, memory, sender, receiver, value),
                }
                assert!(buffer.len() <= CAPACITY);
            }
        },
    );
}

pub fn duplex(script: &mut Script<'_>, company: &mut Company) {
    let make = || PipeBuilder::new().capacity(CAPACITY).duplex::<String, u16>().expect("memory");
    company.meet(
        || RefCell::new(make()),
        |ends, memory| {
            let (ours, theirs) = &mut *ends.borrow_mut();
            while let Some(step) = script.step() {
                let (there, back) = ours.as_ends();
                let (its_back, its_there) = theirs.as_ends();
                let text = |script: &mut Script<'_>| "x".repeat(script.below(130));
                if script.below(2) == 0 {
                    operate(step, script, memory, there, its_there, text);
                } else {
                    operate(step, script, memory, its_back, back, |script| script.short());
                }
            }
        },
    );
}

/// An operation of no time.
fn operate<T: Message>(
    step: u8,
    script: &mut Script<'_>,
    memory: &Memory,
    sender: &mut PipeSender<T>,
    receiver: &mut PipeReceiver<T>,
    value: impl Fn(&mut Script<'_>) -> T,
) {
    match step {
        0..=79 => memory.lie(script),
        80..=119 => drop(sender.try_send(value(script))),
        120..=129 => drop(sender.send_timeout(value(script), Duration::ZERO)),
        130..=169 => drop(receiver.try_recv()),
        170..=179 => drop(receiver.recv_timeout(Duration::ZERO)),
        180..=189 => drop(select(&[&*sender, &*receiver], Some(Duration::ZERO))),
        190..=199 => drop(sender.ready_fd().and(receiver.ready_fd())),
        _ => _ = black_box(format!("{sender:?} {receiver:?}")),
    }
}
