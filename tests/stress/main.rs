//! Stress: real processes with random operations, more of them than CPUs, killed
//! and stopped at random. Every message is accounted for, and small histories
//! are checked to be those of a queue.
//!
//! `KILLPROOF_STRESS_SECONDS` says for how long each case runs (2 if it does
//! not), and `KILLPROOF_STRESS_SEED` with which random numbers. A seed repeats
//! the choices, not the moments at which they meet.

#[path = "../common/mod.rs"]
mod common;

mod chores;
mod desk;
mod history;
mod judged;
mod ledger;
mod linear;
mod log;
mod parcel;
mod pipe;
mod polls;
mod round;
mod worker;
mod world;

use std::env;
use std::time::{Duration, Instant, SystemTime};

use common::case::Case;
use common::random::Random;
use history::Tally;
use killproof::channel::Builder;
use linear::{Answers, Order};
use parcel::{Bytes, Keyed, Words};
use round::{Toll, play};
use world::Taking;

/// A round, at most, without its end.
const ROUND: Duration = Duration::from_millis(300);
/// Above everything that may be waited for; only a hang lasts so long.
const STUCK: Duration = Duration::from_secs(30);

fn main() {
    let seconds = number("KILLPROOF_STRESS_SECONDS").unwrap_or(2);
    let now = || SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").subsec_nanos();
    let seed = number("KILLPROOF_STRESS_SEED").unwrap_or_else(|| now().into());
    // Before anything can go wrong, and not where the names are listed.
    eprintln!("KILLPROOF_STRESS_SEED={seed}");
    let time = Duration::from_secs(seconds);
    let case = |name: &str, body: Body| {
        let title = name.to_owned();
        Case::new(name, 3 * time + 4 * STUCK, move || {
            let said = body(Random::new(seed), time);
            let named = |said: String| format!("stress {title}, seed {seed}: {said}");
            said.map(named).map_err(named)
        })
    };
    common::case::run(vec![
        case("check of histories", |_, _| judged::check_the_check()),
        case("histories", |random, time| histories(random, time, false, Order::Arrival)),
        case("histories with kills", |random, time| histories(random, time, true, Order::Arrival)),
        case("histories of a stack", |random, time| histories(random, time, false, Order::Latest)),
        case("histories of a stack with kills", |random, time| {
            histories(random, time, true, Order::Latest)
        }),
        case("histories by priority", |random, time| {
            histories(random, time, false, Order::Smallest)
        }),
        case("histories by priority with kills", |random, time| {
            histories(random, time, true, Order::Smallest)
        }),
        case("messages received", |random, time| {
            messages(random, time, Taking::Receive, Order::Arrival)
        }),
        case("messages leased", |random, time| {
            messages(random, time, Taking::Lease, Order::Arrival)
        }),
        case("messages received and leased", |random, time| {
            messages(random, time, Taking::Both, Order::Arrival)
        }),
        case("messages of a stack", |random, time| {
            messages(random, time, Taking::Both, Order::Latest)
        }),
        case("messages by priority", |random, time| {
            messages(random, time, Taking::Receive, Order::Smallest)
        }),
        case("messages by priority, leased", |random, time| {
            messages(random, time, Taking::Both, Order::Smallest)
        }),
        case("pipe", pipe::run),
    ]);
}

type Body = fn(Random, Duration) -> Result<String, String>;

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok()?.parse().ok()
}

fn histories(
    mut random: Random,
    time: Duration,
    kills: bool,
    order: Order,
) -> Result<String, String> {
    let mut tally = Tally::default();
    let end = Instant::now() + time;
    while tally.histories == 0 || Instant::now() < end {
        history::record(&mut random, kills, order, &mut tally)?;
    }
    let Tally { histories, events, kills, pending, in_vain: Answers { binding, all } } = tally;
    Ok(format!(
        "{histories} linearizable, {events} events, {kills} kills, {pending} in mid-call, \
         {binding} of {all} answers of Full and Empty binding"
    ))
}

fn messages(
    mut random: Random,
    time: Duration,
    taking: Taking,
    order: Order,
) -> Result<String, String> {
    let mut toll = Toll::default();
    let end = Instant::now() + time;
    while toll.rounds == 0 || Instant::now() < end {
        let is_fixed = random.one_in(2);
        let length = ROUND.mul_f64(random.below(1000) as f64 / 1000.0);
        let (random, toll) = (&mut random, &mut toll);
        let played = match (order, is_fixed) {
            (Order::Smallest, _) => {
                play::<Keyed>(random, taking, (order, Builder::priority), length, toll)
            }
            (Order::Arrival, true) => {
                play::<Words>(random, taking, (order, Builder::queue), length, toll)
            }
            (Order::Arrival, false) => {
                play::<Bytes>(random, taking, (order, Builder::queue), length, toll)
            }
            (Order::Latest, true) => {
                play::<Words>(random, taking, (order, Builder::lifo), length, toll)
            }
            (Order::Latest, false) => {
                play::<Bytes>(random, taking, (order, Builder::lifo), length, toll)
            }
        };
        played.map_err(|reason| format!("round {}: {reason}", toll.rounds))?;
    }
    let Toll { rounds, kills, stops, totals } = toll;
    Ok(format!(
        "{rounds} rounds, {kills} kills, {stops} stops, {} sent, {} taken, {} lost in the hands of \
         {} killed as they received, {} of those killed as they finished, {} leases of dead \
         letters",
        totals.sent, totals.taken, totals.lost, totals.lost_at_most, totals.excused, totals.letters,
    ))
}
