//! How fast: there and back again, and one way, from one to one.
//!
//! Rounds alternate: in each the queue of killproof is measured and right after it the
//! peer; what is kept is the median of the rounds' ratios.

use std::thread;
use std::time::{Duration, Instant};

use crate::channel::{Actors, Channel, Missing, Receiver, Sender};
use crate::common::compare::{is_quick, median};
use crate::common::trips::trips;
use crate::common::workers::{Worker, pin};
use crate::message::{END, message, number_of};
use crate::peers::{boost, iceoryx, ipc, kernel, mq, ours, python, shaq, threads};
use crate::results::{BASE, Results, Speed, is_wanted};
use crate::stage::Stage;

type Measured = Result<f64, Missing>;

/// One peer at one measure.
struct Figure {
    peer: &'static str,
    actors: Actors,
    run: Box<dyn Fn() -> Measured>,
}

/// What is measured of all peers.
struct Measure {
    name: String,
    unit: &'static str,
    figures: Vec<Figure>,
}

/// Every peer, measured by `$run`, with messages of `$words` words.
macro_rules! figures {
    ($run:ident, $words:literal, $python:expr) => {{
        macro_rules! figure {
            ($peer:expr, $channel:ty) => {
                Figure {
                    peer: $peer,
                    actors: <$channel as Channel<$words>>::ACTORS,
                    run: Box::new($run::<$words, $channel>),
                }
            };
        }
        vec![
            figure!(BASE, ours::Queue<$words>),
            figure!("killproof pipe", ours::Pipe<$words>),
            figure!("rtrb", threads::Ring<$words>),
            figure!("crossbeam ArrayQueue", threads::Array<$words>),
            figure!("shaq spsc", shaq::Spsc),
            figure!("shaq mpmc", shaq::Mpmc),
            figure!("iceoryx2", iceoryx::Iceoryx<$words>),
            figure!("Boost message_queue", boost::Queue),
            figure!("pipe(2)", kernel::Pipe),
            figure!("SOCK_SEQPACKET", kernel::Seqpacket),
            figure!("POSIX mq", mq::PosixMq),
            figure!("ipc-channel", ipc::IpcChannel),
            Figure {
                peer: "Python Queue",
                actors: Actors::Processes,
                run: Box::new(|| {
                    let milliseconds = window().as_millis().to_string();
                    python::figure(&[$python, stringify!($words), &milliseconds])
                }),
            },
        ]
    }};
}

fn measures() -> Vec<Measure> {
    let trip = |bytes: usize, figures| Measure {
        name: format!("round-trip/{bytes}B"),
        unit: "ns",
        figures,
    };
    let one_way =
        |bytes: usize, figures| Measure { name: format!("one-way/{bytes}B"), unit: "/s", figures };
    vec![
        trip(8, figures!(round_trip, 1, "trip")),
        trip(64, figures!(round_trip, 8, "trip")),
        one_way(8, figures!(carry, 1, "one-way")),
        one_way(64, figures!(carry, 8, "one-way")),
        one_way(4096, figures!(carry, 512, "one-way")),
    ]
}

/// Measures what `filter` names, and prints it.
pub fn measure(results: &mut Results, filter: &[String]) {
    println!("# speed: medians of {} paired rounds; ratio = peer / {BASE}", rounds());
    for Measure { name, unit, figures } in measures() {
        let Some((base, peers)) = figures.split_first() else { continue };
        let (mut of_base, mut is_whole) = (Vec::new(), true);
        for peer in peers {
            let name = format!("{name}/{}", peer.peer);
            if !is_wanted(&name, filter) {
                is_whole = false;
                continue;
            }
            match paired(base, peer) {
                Err(Missing(reason)) => println!("{name}: skipped, {reason}"),
                Ok(pairs) => {
                    let (ours, theirs): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
                    let speed = speed(&ours, theirs, peer.actors, unit);
                    show(&name, &speed);
                    results.speeds.insert(name, speed);
                    of_base.extend(ours);
                }
            }
        }
        // A part of the peers says less about it than all did.
        let name = format!("{name}/{BASE}");
        if !of_base.is_empty() && (is_whole || !results.speeds.contains_key(&name)) {
            let speed = speed(&of_base.clone(), of_base, base.actors, unit);
            show(&name, &speed);
            results.speeds.insert(name, speed);
        }
    }
}

fn rounds() -> usize {
    if is_quick() { 1 } else { 11 }
}

fn paired(base: &Figure, peer: &Figure) -> Result<Vec<(f64, f64)>, Missing> {
    (0..rounds()).map(|_| Ok(((base.run)()?, (peer.run)()?))).collect()
}

fn speed(ours: &[f64], mut theirs: Vec<f64>, actors: Actors, unit: &str) -> Speed {
    let mut ratios: Vec<f64> =
        ours.iter().zip(&theirs).map(|(ours, theirs)| theirs / ours).collect();
    Speed {
        actors: actors.to_string(),
        value: median(&mut theirs),
        unit: unit.into(),
        ratio: median(&mut ratios),
        rounds: theirs.len(),
    }
}

fn show(name: &str, Speed { actors, value, unit, ratio, .. }: &Speed) {
    println!("{name}: {value:.0} {unit}, ratio {ratio:.3} ({actors})");
}

/// How long is measured in each round.
fn window() -> Duration {
    Duration::from_millis(if is_quick() { 10 } else { 100 })
}

/// Messages that arrive in a second, each of them the next one.
fn carry<const WORDS: usize, C: Channel<WORDS>>() -> Measured {
    let (channel, stage) = (C::new()?, Stage::new());
    let receive = || {
        let mut receiver = channel.receiver();
        stage.arrive();
        stage.wait_for(2);
        let mut known = 0;
        loop {
            let number = receiver.recv().map(|message| number_of(&message));
            match number.expect("the sender is there") {
                END => break,
                number => assert_eq!(number, known + 1, "lost, doubled or out of order"),
            }
            known += 1;
            stage.count(0, known);
        }
    };
    let send = || {
        let mut sender = channel.sender();
        stage.arrive();
        stage.wait_for(2);
        let mut number = 0;
        while !stage.is_over() {
            number += 1;
            assert!(sender.send(message(number)), "the receiver is there");
        }
        sender.send(message(END));
    };
    let watch = || {
        stage.wait_for(2);
        thread::sleep(window() / 5);
        let (start, before) = (Instant::now(), stage.counted(0));
        thread::sleep(window());
        let (elapsed, after) = (start.elapsed(), stage.counted(0));
        stage.end();
        (after - before) as f64 / elapsed.as_secs_f64()
    };
    let per_second = play::<WORDS, C, _>(&stage, receive, send, watch);
    assert!(!stage.has_failed(), "messages lost or torn");
    Ok(per_second)
}

/// Nanoseconds of a round trip, of messages that come back as they were.
fn round_trip<const WORDS: usize, C: Channel<WORDS>>() -> Measured {
    let (there, back, stage) = (C::new()?, C::new()?, Stage::new());
    let echo = || {
        let (mut receiver, mut sender) = (there.receiver(), back.sender());
        stage.arrive();
        stage.wait_for(2);
        while let Some(message) = receiver.recv() {
            if number_of(&message) == END {
                break;
            }
            sender.send(message);
        }
    };
    let ask = || {
        let (mut sender, mut receiver) = (there.sender(), back.receiver());
        stage.arrive();
        stage.wait_for(2);
        let nanoseconds = trips(|number| {
            sender.send(message(number));
            assert_eq!(receiver.recv().map(|message| number_of(&message)), Some(number));
        });
        sender.send(message(END));
        stage.answer(nanoseconds.to_bits());
    };
    play::<WORDS, C, _>(&stage, echo, ask, || ());
    assert!(!stage.has_failed(), "messages lost or torn");
    Ok(f64::from_bits(stage.answered().expect("an answer")))
}

/// What an actor does, kept on a CPU of its own where there are enough: left to itself the
/// scheduler puts both on one in some rounds, and not in others.
fn on_cpu(index: usize, act: impl FnOnce() + Send) -> impl FnOnce() + Send {
    move || {
        pin(index);
        act();
    }
}

/// Both actors, as the peer would have them, and an onlooker.
fn play<const WORDS: usize, C: Channel<WORDS>, R>(
    stage: &Stage,
    first: impl FnOnce() + Send,
    second: impl FnOnce() + Send,
    watch: impl FnOnce() -> R,
) -> R {
    let (first, second) = (on_cpu(0, first), on_cpu(1, second));
    if C::ACTORS == Actors::Threads {
        return thread::scope(|scope| {
            scope.spawn(|| stage.act(first));
            scope.spawn(|| stage.act(second));
            watch()
        });
    }
    let actors = [stage.start(first), stage.start(second)];
    let found = watch();
    actors.into_iter().for_each(Worker::join);
    found
}
