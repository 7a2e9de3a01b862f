//! A pipe under random kills and stops: who survives sees a prefix of what was sent,
//! with everything in it that a send returned for, and is told when it is alone.

#![allow(unsafe_code)]

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use killproof::channel::{PipeBuilder, PipeReceiver, PipeSender, RecvError, SendError};
use rustix::process::Signal;

use crate::STUCK;
use crate::common::child::{Child, fork};
use crate::common::forms::{AWAITING, Form};
use crate::common::mapped::Mapped;
use crate::common::random::Random;

/// How long a round goes on before somebody is killed, at most.
const ROUND: u64 = 20_000;

type Message = (u64, Vec<u8>);

/// Messages that were sent, by the number of the last whose send returned; and the
/// same of those received.
#[derive(Default)]
struct Account {
    sent: AtomicU64,
    received: AtomicU64,
    stop: AtomicBool,
}

struct World {
    sender: RefCell<Option<PipeSender<Message>>>,
    receiver: RefCell<Option<PipeReceiver<Message>>>,
    account: Mapped<Account>,
    seed: u64,
}

#[derive(Default)]
struct Toll {
    rounds: u64,
    kills: [u64; 2],
    stops: u64,
    received: u64,
}

pub fn run(mut random: Random, time: Duration) -> Result<String, String> {
    let mut toll = Toll::default();
    let end = Instant::now() + time;
    while toll.rounds == 0 || Instant::now() < end {
        play(&mut random, &mut toll).map_err(|e| format!("round {}: {e}", toll.rounds))?;
        toll.rounds += 1;
    }
    let Toll { rounds, kills: [senders, receivers], stops, received } = toll;
    Ok(format!(
        "{rounds} rounds, {senders} senders and {receivers} receivers killed, {stops} stops, \
         {received} received"
    ))
}

/// Any length up to three quarters of the ring; each byte bears the number.
fn message(random: &mut Random, number: u64, largest: usize) -> Message {
    let most = if random.one_in(8) { largest * 3 / 4 } else { 40.min(largest / 2) };
    (number, vec![number as u8; random.below(most as u64) as usize])
}

fn play(random: &mut Random, toll: &mut Toll) -> Result<(), String> {
    let builder = PipeBuilder::new().capacity(64 << random.below(6));
    let (sender, receiver) = builder.pipe().map_err(|e| e.to_string())?;
    let world = World {
        sender: RefCell::new(Some(sender)),
        receiver: RefCell::new(Some(receiver)),
        account: Mapped::new(Account::default()),
        seed: random.next(),
    };
    let both = [fork(|| send(&world)), fork(|| receive(&world))];
    // Once both have begun: who was given nothing yet could not be told.
    for _ in 0..random.below(4) {
        thread::sleep(Duration::from_micros(random.below(ROUND / 4)));
        let who = &both[random.below(2) as usize];
        who.send(Signal::STOP);
        thread::sleep(Duration::from_micros(random.below(ROUND / 4)));
        who.send(Signal::CONT);
        toll.stops += 1;
    }
    let victim = random.below(3) as usize;
    match both.get(victim) {
        Some(child) => {
            // One that has not adopted its end would leave it with this process.
            while world.account.received.load(Ordering::Acquire) == 0 {
                if child.ended(Instant::now()) {
                    break;
                }
                thread::yield_now();
            }
            child.kill();
            toll.kills[victim] += 1;
        }
        None => world.account.stop.store(true, Ordering::Release),
    }
    for (index, child) in both.iter().enumerate().filter(|(index, _)| *index != victim) {
        finish(["the sender", "the receiver"][index], child)?;
    }
    let sent = world.account.sent.load(Ordering::Acquire);
    let received = world.account.received.load(Ordering::Acquire);
    toll.received += received;
    let right = match victim {
        // At most the one whose send did not return any more.
        0 => received == sent || received == sent + 1,
        1 => received <= sent + 1,
        _ => received == sent,
    };
    right.then_some(()).ok_or_else(|| format!("sent {sent}, received {received}, {victim} killed"))
}

fn finish(who: &str, child: &Child) -> Result<(), String> {
    match child.finish(Instant::now() + STUCK) {
        Some(result) => result.map_err(|reason| format!("{who}: {reason}")),
        None => Err(format!("{who} hangs: {}", child.whereabouts())),
    }
}

fn send(world: &World) -> Result<(), String> {
    let mut sender = world.sender.take().ok_or("once")?;
    // SAFETY: the parent leaves the ends alone, and the receiver does the sender.
    unsafe { sender.adopt() }.map_err(|e| e.to_string())?;
    let mut random = Random::new(world.seed);
    let account = &*world.account;
    for number in 1.. {
        if account.stop.load(Ordering::Acquire) {
            break;
        }
        let mut message = message(&mut random, number, sender.largest() - 16);
        let sent = loop {
            let sent = match random.below(6) {
                0 => sender.try_send(message),
                1 => sender.send_timeout(message, Duration::from_micros(random.below(300))),
                2 => Form::Polling.pour(&mut sender, message),
                3 => AWAITING.pour(&mut sender, message),
                _ => sender.send(message),
            };
            match sent {
                Err(SendError::Full(back)) => message = back,
                other => break other,
            }
        };
        match sent {
            Ok(()) => account.sent.store(number, Ordering::Release),
            Err(SendError::Disconnected((back, _))) if back == number => break,
            Err(other) => return Err(other.to_string()),
        }
    }
    Ok(())
}

fn receive(world: &World) -> Result<(), String> {
    let mut receiver = world.receiver.take().ok_or("once")?;
    // SAFETY: as in `send`, the other way round.
    unsafe { receiver.adopt() }.map_err(|e| e.to_string())?;
    let mut random = Random::new(world.seed + 1);
    for number in 1.. {
        let (got, bytes) = loop {
            let received = match random.below(6) {
                0 => receiver.try_recv(),
                1 => receiver.recv_timeout(Duration::from_micros(random.below(300))),
                2 => Form::Polling.draw(&mut receiver),
                3 => AWAITING.draw(&mut receiver),
                _ => receiver.recv(),
            };
            match received {
                Ok(message) => break message,
                Err(RecvError::Empty) => {}
                Err(RecvError::Disconnected) => return Ok(()),
                Err(other) => return Err(other.to_string()),
            }
        };
        if got != number || bytes.iter().any(|byte| *byte != number as u8) {
            return Err(format!("{got} instead of {number}, with {bytes:?}"));
        }
        world.account.received.store(number, Ordering::Release);
    }
    Ok(())
}
