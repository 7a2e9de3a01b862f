//! The questions about channels.

use std::thread;
use std::time::{Duration, Instant};

use killproof::Shared;

use super::{Found, LIMIT, WORDS};
use crate::channel::{CAPACITY, Channel, Missing, Receiver, Sender};
use crate::common::workers::Worker;
use crate::message::{message, number_of};
use crate::stage::{Stage, until};

/// Above the number of a sender's message is the sender's.
const SENDER: u32 = 48;
/// How long everybody may take to begin; a channel that does not get that far is broken.
const START: Duration = Duration::from_secs(10);
/// Between two looks at those who are at work.
const LOOK: Duration = Duration::from_micros(50);

/// An actor that will never do anything again, until it is killed.
fn stay() -> ! {
    loop {
        thread::park();
    }
}

/// A receiver waits, and its only sender is killed.
pub fn waiting<C: Channel<WORDS>>(pause: Duration) -> Result<Found, Missing> {
    let (channel, stage, start) = (C::new()?, Stage::new(), Instant::now());
    let _receiver = stage.start(|| {
        let mut receiver = channel.receiver();
        stage.arrive();
        stage.wait_for(2);
        let first = receiver.recv().map(|message| number_of(&message));
        assert_eq!(first, Some(1));
        stage.count(0, 1);
        if receiver.recv().is_none() {
            stage.answer(nanoseconds(start));
        }
        stay()
    });
    let sender = stage.start(|| {
        let mut sender = channel.sender();
        stage.arrive();
        stage.wait_for(2);
        sender.send(message(1));
        stay()
    });
    begin(channel, &stage, 2, || stage.counted(0) == 1);
    thread::sleep(pause);
    let killed = nanoseconds(start);
    drop(sender);
    until(LIMIT, || stage.answered().is_some());
    Ok(match stage.answered() {
        Some(told) => Found::Told(Duration::from_nanos(told - killed)),
        None if stage.has_failed() => Found::Fails,
        None => Found::Hangs,
    })
}

fn nanoseconds(start: Instant) -> u64 {
    start.elapsed().as_nanos() as u64
}

/// Waits until all actors have their ends and `is_on`. This process, which made the
/// channel, has no part in it from then on.
fn begin<C>(channel: C, stage: &Stage, actors: u64, mut is_on: impl FnMut() -> bool) {
    assert!(until(START, || stage.has(actors)), "an actor does not begin");
    drop(channel);
    assert!(until(START, || is_on() || stage.has_failed()), "the actors do not go on");
}

/// One of two receivers is killed at work.
pub fn receiver_at_work<C: Channel<WORDS>>(pause: Duration) -> Result<Found, Missing> {
    at_work::<C>(1, 2, 0, pause)
}

/// One of two senders is killed at work.
pub fn sender_at_work<C: Channel<WORDS>>(pause: Duration) -> Result<Found, Missing> {
    at_work::<C>(2, 1, 1, pause)
}

/// Receivers come first in the order of actors, of which `victim` is killed.
fn at_work<C: Channel<WORDS>>(
    senders: usize,
    receivers: usize,
    victim: usize,
    pause: Duration,
) -> Result<Found, Missing> {
    let (channel, stage) = (C::new()?, Stage::new());
    let all = senders + receivers;
    let start = |actor| {
        stage.start(|| match actor < receivers {
            true => receive(&channel, &stage, actor, all),
            false => send(&channel, &stage, actor, all),
        })
    };
    let mut actors: Vec<Worker> = (0..all).map(start).collect();
    let is_on = || (0..all).all(|actor| stage.counted(actor) > 0);
    begin(channel, &stage, all as u64, is_on);
    thread::sleep(pause);
    drop(actors.remove(victim));
    let survivors: Vec<usize> = (0..all).filter(|actor| *actor != victim).collect();
    let found = watch(&stage, &survivors);
    stage.end();
    Ok(found)
}

fn receive<C: Channel<WORDS>>(channel: &C, stage: &Stage, actor: usize, actors: usize) {
    let mut receiver = channel.receiver();
    stage.arrive();
    stage.wait_for(actors as u64);
    let (mut known, mut count) = (vec![0; actors], 0);
    while let Some(message) = receiver.recv() {
        let number = number_of(&message);
        let sender = (number >> SENDER) as usize;
        assert!(number > known[sender], "a sender's messages out of order");
        known[sender] = number;
        count += 1;
        stage.count(actor, count);
    }
    panic!("told that nobody is left to send");
}

fn send<C: Channel<WORDS>>(channel: &C, stage: &Stage, actor: usize, actors: usize) {
    let mut sender = channel.sender();
    stage.arrive();
    stage.wait_for(actors as u64);
    let mut count = 0;
    loop {
        count += 1;
        if !sender.send(message((actor as u64) << SENDER | count)) {
            // At the end of the run receivers are killed first.
            assert!(stage.is_over(), "told that nobody is left to receive");
            stay();
        }
        stage.count(actor, count);
    }
}

/// Until each of `survivors` has gone on well past what the channel holds, or one of them
/// has stood still for so long that it hangs.
fn watch(stage: &Shared<Stage>, survivors: &[usize]) -> Found {
    struct Seen {
        actor: usize,
        count: u64,
        goal: u64,
        moved: Instant,
    }
    let death = Instant::now();
    let seen = |actor: &usize| {
        let count = stage.counted(*actor);
        Seen { actor: *actor, count, goal: count + 4 * CAPACITY as u64, moved: death }
    };
    let mut all: Vec<Seen> = survivors.iter().map(seen).collect();
    let mut longest = Duration::ZERO;
    while all.iter().any(|seen| seen.count < seen.goal) {
        if stage.has_failed() {
            return Found::Fails;
        }
        for seen in all.iter_mut().filter(|seen| seen.count < seen.goal) {
            let (now, count) = (Instant::now(), stage.counted(seen.actor));
            longest = longest.max(now - seen.moved);
            if count != seen.count {
                (seen.count, seen.moved) = (count, now);
            }
        }
        if longest >= LIMIT {
            return Found::Hangs;
        }
        thread::sleep(LOOK);
    }
    Found::GoesOn(longest)
}

/// Who has received the only message is killed; somebody else waits for it.
pub fn in_hands<C: Channel<WORDS>>(pause: Duration) -> Result<Found, Missing> {
    let (channel, stage) = (C::new()?, Stage::new());
    let receive = |actor| {
        let mut receiver = channel.receiver();
        stage.arrive();
        stage.wait_for(3);
        // The other one comes when the first is dead.
        while actor == 1 && !stage.is_over() {
            thread::yield_now();
        }
        if receiver.recv().is_some() {
            stage.count(actor, 1);
        }
        stay()
    };
    let victim = stage.start(|| receive(0));
    let _other = stage.start(|| receive(1));
    let _sender = stage.start(|| {
        let mut sender = channel.sender();
        stage.arrive();
        stage.wait_for(3);
        sender.send(message(1));
        stay()
    });
    begin(channel, &stage, 3, || stage.counted(0) == 1);
    thread::sleep(pause);
    drop(victim);
    stage.end();
    Ok(match until(LIMIT, || stage.counted(1) == 1) {
        true => Found::Redelivered,
        false if stage.has_failed() => Found::Fails,
        false => Found::Lost,
    })
}
