//! What the others do when a participant is killed, by really killing it.
//!
//! | question | what is done |
//! |---|---|
//! | `waiting` | a receiver waits, and its only sender is killed |
//! | `receiver` | one of two receivers is killed while all are at work, at a random moment |
//! | `sender` | the same, with one of two senders |
//! | `hands` | who has received a message is killed before it is done with it |
//! | `lock` | somebody waits for a lock, and its owner is killed |
//!
//! Nobody is said to hang before a limit has passed ([`LIMIT`]). Who goes on has sent or
//! received four times what the channel holds, since the death.

mod channels;
mod locks;

use std::time::Duration;

use crate::channel::{Channel, Missing};
use crate::common::compare::{is_quick, median};
use crate::peers::{boost, iceoryx, ipc, kernel, mq, ours, python, shaq};
use crate::results::{Outcome, Results, is_wanted};
use channels::{in_hands, receiver_at_work, sender_at_work, waiting};
use locks::lock;

/// When it is clear that somebody hangs: ten times the longest that killproof lets
/// anybody wait.
pub const LIMIT: Duration = Duration::from_secs(1);

/// Messages are of 64 bytes.
const WORDS: usize = 8;

/// What the survivors did.
pub enum Found {
    /// They were told, so long after the kill.
    Told(Duration),
    /// They went on, after this longest standstill of one of them.
    GoesOn(Duration),
    /// The message came to somebody else.
    Redelivered,
    /// It did not.
    Lost,
    /// There was no end to it.
    Hangs,
    /// One of them failed, or saw a message that nobody sent.
    Fails,
}

impl Found {
    fn label(&self) -> &'static str {
        match self {
            Found::Told(_) => "told",
            Found::GoesOn(_) => "goes on",
            Found::Redelivered => "redelivered",
            Found::Lost => "lost",
            Found::Hangs => "hangs",
            Found::Fails => "fails",
        }
    }

    fn took(&self) -> Option<Duration> {
        match self {
            Found::Told(took) | Found::GoesOn(took) => Some(*took),
            _ => None,
        }
    }

    /// What the script in Python says.
    fn parse(said: &str) -> Option<Found> {
        let (what, took) = said.split_once(' ').unwrap_or((said, "0"));
        let took = took.parse().ok().and_then(|took| Duration::try_from_secs_f64(took).ok())?;
        Some(match what {
            "told" => Found::Told(took),
            "goes-on" => Found::GoesOn(took),
            "redelivered" => Found::Redelivered,
            "lost" => Found::Lost,
            "hangs" => Found::Hangs,
            "fails" => Found::Fails,
            _ => return None,
        })
    }
}

/// One peer, and one question to it; killed after a pause.
struct Question {
    name: &'static str,
    peer: &'static str,
    ask: Box<dyn Fn(Duration) -> Result<Found, Missing>>,
}

fn question<F>(name: &'static str, peer: &'static str, ask: F) -> Question
where
    F: Fn(Duration) -> Result<Found, Missing> + 'static,
{
    Question { name, peer, ask: Box::new(ask) }
}

/// All questions that make sense of a channel.
fn channel<C: Channel<WORDS> + 'static>(peer: &'static str) -> Vec<Question> {
    let mut questions = vec![
        question("waiting", peer, waiting::<C>),
        question("sender", peer, sender_at_work::<C>),
    ];
    if C::MAY_SHARE {
        questions.push(question("receiver", peer, receiver_at_work::<C>));
        questions.push(question("hands", peer, in_hands::<C>));
    }
    questions
}

fn python() -> impl Iterator<Item = Question> {
    ["waiting", "sender", "receiver", "hands", "lock"].into_iter().map(|name| {
        let peer = if name == "lock" { "Python Lock" } else { "Python Queue" };
        question(name, peer, move |pause| {
            let [limit, pause] = [LIMIT, pause].map(|time| time.as_millis().to_string());
            let said = python::say(&[name, &limit, &pause])?;
            Found::parse(&said).ok_or_else(|| Missing(format!("python3 says {said:?}")))
        })
    })
}

fn questions() -> Vec<Question> {
    let mut all = channel::<ours::Queue<WORDS>>("killproof queue");
    all.push(question("hands", "killproof queue, leased", in_hands::<ours::Leases<WORDS>>));
    all.push(question("waiting", "killproof pipe", waiting::<ours::Pipe<WORDS>>));
    // Every subscriber has each message, so none is in the hands of one alone.
    let iceoryx = channel::<iceoryx::Iceoryx<WORDS>>("iceoryx2");
    all.extend(iceoryx.into_iter().filter(|question| question.name != "hands"));
    all.extend(channel::<ipc::IpcChannel>("ipc-channel"));
    all.extend(channel::<shaq::Mpmc>("shaq mpmc"));
    all.extend(channel::<boost::Queue>("Boost message_queue"));
    all.extend(channel::<kernel::Pipe>("pipe(2)"));
    all.extend(channel::<kernel::Seqpacket>("SOCK_SEQPACKET"));
    all.extend(channel::<mq::PosixMq>("POSIX mq"));
    all.extend(python());
    all.push(question("lock", "killproof Mutex", lock::<locks::Ours>));
    all.push(question("lock", "pthread_mutex_t, robust", lock::<locks::Robust>));
    all.push(question("lock", "pthread_mutex_t", lock::<locks::Plain>));
    all.push(question("lock", "Boost interprocess_mutex", lock::<boost::Mutex>));
    all
}

/// Asks what `filter` names, and prints the answers.
pub fn measure(results: &mut Results, filter: &[String]) {
    println!("# killed: who does nothing for {LIMIT:?} hangs");
    let mut pauses = pauses();
    for Question { name, peer, ask } in questions() {
        let name = format!("{name}/{peer}");
        if !is_wanted(&name, filter) {
            continue;
        }
        let found: Result<Vec<Found>, Missing> =
            (0..tries(&name)).map(|_| ask(pauses(&name))).collect();
        match found {
            Err(Missing(reason)) => println!("{name}: skipped, {reason}"),
            Ok(found) => {
                let outcomes = outcomes(&found);
                show(&name, &outcomes);
                results.outcomes.insert(name, outcomes);
            }
        }
    }
}

/// How many are killed: more where the moment is left to chance.
fn tries(name: &str) -> usize {
    match () {
        _ if is_quick() => 1,
        _ if is_at_work(name) => 30,
        _ => 9,
    }
}

fn is_at_work(name: &str) -> bool {
    name.starts_with("receiver/") || name.starts_with("sender/")
}

/// How long until the kill: some milliseconds of work, or long enough for somebody who
/// waits to have done so for a while.
fn pauses() -> impl FnMut(&str) -> Duration {
    let mut state = 1_u64;
    move |name| {
        // Knuth's generator, which gives the same numbers in each run.
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let random = state >> 40;
        if is_at_work(name) {
            Duration::from_micros(2000 + random % 8000)
        } else {
            Duration::from_millis(20 + random % 100)
        }
    }
}

/// How often each was found, and how long it took.
fn outcomes(found: &[Found]) -> Vec<Outcome> {
    let mut labels: Vec<&str> = found.iter().map(Found::label).collect();
    labels.sort_unstable();
    labels.dedup();
    let outcome = |label: &str| {
        let these = found.iter().filter(|found| found.label() == label);
        let mut took: Vec<f64> =
            these.clone().filter_map(Found::took).map(|took| took.as_secs_f64() * 1e3).collect();
        let milliseconds = (!took.is_empty()).then(|| {
            let median = median(&mut took);
            (median, took[took.len() - 1])
        });
        Outcome { what: label.into(), count: these.count(), of: found.len(), milliseconds }
    };
    labels.into_iter().map(outcome).collect()
}

fn show(name: &str, outcomes: &[Outcome]) {
    for Outcome { what, count, of, milliseconds } in outcomes {
        let times = milliseconds.map_or_else(String::new, |(median, longest)| {
            format!(", median {median:.2} ms, longest {longest:.2} ms")
        });
        println!("{name}: {what} {count} of {of}{times}");
    }
}
