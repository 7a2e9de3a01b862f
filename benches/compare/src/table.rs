//! The tables: `docs/compare.md`, which is also on the front page of the documentation,
//! and the short one of the README, between two comments there.

use std::fmt::Write as _;
use std::{fs, io};

use crate::draw::{nanoseconds, per_second};
use crate::results::{BASE, Outcome, Results, repository};

/// What stands around the table in the README.
const BEGIN: &str = "<!-- benches/compare: begin -->\n";
const END: &str = "<!-- benches/compare: end -->";

/// In the order of the tables: the name, and how it is used where that is to be said.
const PEERS: [(&str, &str); 13] = [
    ("killproof queue", "any number of senders and receivers; who waits sleeps"),
    ("killproof pipe", "one sender, one receiver; who waits sleeps"),
    (
        "iceoryx2",
        "publish and subscribe, lossless; who waits asks again, and calls \
      `try_cleanup_dead_nodes` every 10 ms",
    ),
    ("shaq mpmc", "who waits asks again"),
    ("shaq spsc", "one sender, one receiver; who waits asks again"),
    ("Boost message_queue", "behind one `interprocess_mutex`"),
    ("ipc-channel", "its channel of bytes; one receiver"),
    ("pipe(2)", "64 KiB"),
    ("SOCK_SEQPACKET", "a socket pair"),
    ("POSIX mq", "10 messages, which is what everybody may have"),
    ("Python Queue", "`multiprocessing.Queue`, in Python"),
    ("rtrb", "threads of one process; one sender, one receiver; who waits asks again"),
    ("crossbeam ArrayQueue", "threads of one process; who waits asks again"),
];

const LOCKS: [&str; 5] = [
    "killproof Mutex",
    "pthread_mutex_t, robust",
    "pthread_mutex_t",
    "Boost interprocess_mutex",
    "Python Lock",
];

pub fn tables(results: &Results) -> io::Result<()> {
    fs::write(repository("docs/compare.md"), page(results))?;
    let path = repository("README.md");
    let readme = fs::read_to_string(&path)?;
    let parts = readme
        .split_once(BEGIN)
        .and_then(|(before, rest)| rest.split_once(END).map(|(_, after)| (before, after)));
    let Some((before, after)) = parts else {
        return Err(io::Error::other("README.md: no place for the table"));
    };
    fs::write(path, format!("{before}{BEGIN}{}{END}{after}", short(results)))
}

/// What a speed is, and its share of killproof's queue.
fn speed(results: &Results, measure: &str, peer: &str, with_ratio: bool) -> String {
    let name = format!("{measure}/{peer}");
    let Some(speed) = results.speeds.get(&name) else { return "-".into() };
    let value = results.beside_base(&name, speed);
    let value = if speed.unit == "ns" { nanoseconds(value) } else { per_second(value) };
    match with_ratio && peer != BASE {
        true => format!("{value} (×{})", ratio(speed.ratio)),
        false => value,
    }
}

fn ratio(ratio: f64) -> String {
    match ratio {
        _ if ratio < 0.1 => format!("{ratio:.3}"),
        _ if ratio < 9.95 => format!("{ratio:.2}"),
        _ => format!("{ratio:.0}"),
    }
}

fn milliseconds(value: f64) -> String {
    if value < 9.95 { format!("{value:.1} ms") } else { format!("{value:.0} ms") }
}

/// What the others did; how often, where they did not always do the same.
fn outcome(results: &Results, question: &str, peer: &str) -> String {
    let Some(outcomes) = results.outcomes.get(&format!("{question}/{peer}")) else {
        return "-".into();
    };
    let one = |Outcome { what, count, of, milliseconds: times }: &Outcome| {
        let what = match what.as_str() {
            "goes on" => "go on",
            "hangs" if question == "waiting" || question == "lock" => "**hangs**",
            "hangs" => "**hang**",
            "fails" => "**fail**",
            other => other,
        };
        let often = if count == of { String::new() } else { format!(" {count} of {of}") };
        let times = match times {
            Some((median, _)) if what == "told" => format!(" in {}", milliseconds(*median)),
            Some((median, _)) => format!(" after {}", milliseconds(*median)),
            None => String::new(),
        };
        format!("{what}{often}{times}")
    };
    outcomes.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Of the README.
fn short(results: &Results) -> String {
    let mut table = String::from(
        "| | round trip, 64 B | one way, 64 B | 4 KiB | its only sender is killed: who waits | \
         one of two receivers is killed at work: the other | one of two senders: the other |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for (peer, _) in PEERS {
        let is_thread = is_thread(results, peer);
        let [waiting, receiver, sender] = match is_thread {
            true => ["-"; 3].map(str::to_owned),
            false => ["waiting", "receiver", "sender"].map(|name| outcome(results, name, peer)),
        };
        let _ = writeln!(
            table,
            "| {peer}{} | {} | {} | {} | {waiting} | {receiver} | {sender} |",
            if is_thread { ", threads" } else { "" },
            speed(results, "round-trip/64B", peer, false),
            speed(results, "one-way/64B", peer, false),
            speed(results, "one-way/4096B", peer, false),
        );
    }
    table.push('\n');
    table.push_str("| a lock's owner is killed | who waits for the lock |\n|---|---|\n");
    for lock in LOCKS {
        let _ = writeln!(table, "| {lock} | {} |", outcome(results, "lock", lock));
    }
    table
}

fn is_thread(results: &Results, peer: &str) -> bool {
    let speed = results.speeds.get(&format!("round-trip/64B/{peer}"));
    speed.is_some_and(|speed| speed.actors == "threads")
}

/// The whole of it.
fn page(results: &Results) -> String {
    let mut page = format!(
        "# Beside others\n\n\
         All of this is measured by what is in benches/compare of the repository: {}. Every \
         value is checked. One sender and one receiver, in \
         processes of their own where nothing else is said. In brackets: the ratio to \
         killproof's queue, measured in alternation, as the median of the rounds; of a round \
         trip more is slower, of messages a second more is faster. The figure before it is \
         that ratio times the queue's own median.\n\n\
         | | round trip, 8 B | 64 B | one way, 8 B | 64 B | 4 KiB |\n|---|---|---|---|---|---|\n",
        results.machine,
    );
    for (peer, _) in PEERS {
        let cells =
            ["round-trip/8B", "round-trip/64B", "one-way/8B", "one-way/64B", "one-way/4096B"];
        let cells = cells.map(|measure| speed(results, measure, peer, true));
        let _ = writeln!(page, "| {peer} | {} |", cells.join(" | "));
    }
    page.push_str(
        "\nWhat the others do when a participant is killed, by SIGKILL, while it waits, holds \
         a message or, at a random moment, is at work. *Told*: an error or the end, so long \
         after the kill, as the median. *Go on*: after the longest standstill of one of them, as the median. \
         *Hang*: for a second, in which nothing happened, and nobody was told. Where \
         they did not always do the same, it says how often which.\n\n\
         | | its only sender is killed: who waits | one of two receivers, at work: the others | \
         one of two senders, at work: the others | who has received a message: the message |\n\
         |---|---|---|---|---|\n",
    );
    for (peer, _) in PEERS.iter().filter(|(peer, _)| !is_thread(results, peer)) {
        let cells = ["waiting", "receiver", "sender", "hands"];
        let cells = cells.map(|question| outcome(results, question, peer));
        if cells.iter().any(|cell| cell != "-") {
            let _ = writeln!(page, "| {peer} | {} |", cells.join(" | "));
        }
        if peer == &BASE {
            let leased = outcome(results, "hands", "killproof queue, leased");
            let _ = writeln!(page, "| the same, with leases | | | | {leased} |");
        }
    }
    page.push_str("\n| a lock's owner is killed | who waits for the lock |\n|---|---|\n");
    for lock in LOCKS {
        let _ = writeln!(page, "| {lock} | {} |", outcome(results, "lock", lock));
    }
    page.push_str("\nHow each was used:\n\n");
    for (peer, note) in PEERS {
        let _ = writeln!(page, "- {peer}: {note}.");
    }
    page
}
