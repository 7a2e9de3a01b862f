//! What is printed at the end.

use std::io::{self, Write};

use crate::count::Outcome;
use crate::files::Files;
use crate::status::State;
use crate::words::Table;

/// The most frequent words, then how the count went.
pub fn print(out: &mut impl Write, outcome: &Outcome, files: &Files, top: usize) -> io::Result<()> {
    let Outcome { tally, kills, lost, time } = outcome;
    for (word, times) in most_frequent(&tally.table, top) {
        writeln!(out, "{times:>12}  {}", readable(word))?;
    }
    let places = State::ALL.map(|(place, name)| format!("{} {name}", kills.at(place)));
    let (chunks, times) = tally.redelivered();
    let speed = files.bytes() as f64 / 1e6 / time.as_secs_f64();
    writeln!(out, "kills survived: {} ({})", kills.landed(), places.join(", "))?;
    if *lost > 0 {
        writeln!(out, "workers that ended by themselves: {lost}")?;
    }
    writeln!(out, "chunks redelivered: {chunks} of {}, {times} times", tally.completed)?;
    writeln!(out, "parts of repeated results, ignored: {}", tally.ignored)?;
    writeln!(out, "different words: {}", tally.table.counts.len())?;
    if files.rounds > 1 {
        writeln!(out, "rounds through the files: {}", files.rounds)?;
    }
    writeln!(out, "speed: {speed:.1} MB/s")?;
    if !kills.all_landed() {
        writeln!(out, "too little work: fewer than half of the kills hit a worker with a lease")?;
    }
    match outcome.not_counted(files) {
        0 => Ok(()),
        paths => writeln!(out, "not counted: {paths} paths"),
    }
}

/// The words with the highest counts; among equals, in the order of their bytes.
fn most_frequent(table: &Table, top: usize) -> Vec<(&[u8], u64)> {
    let mut words: Vec<_> = table.counts.iter().map(|(word, times)| (&**word, *times)).collect();
    words.sort_unstable_by(|(word, times), (other, others)| {
        others.cmp(times).then_with(|| word.cmp(other))
    });
    words.truncate(top);
    words
}

/// A word for people: not too long, and harmless on a terminal.
pub fn readable(word: &[u8]) -> String {
    const MOST: usize = 90;
    let text = String::from_utf8_lossy(word);
    let harmless =
        text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c });
    match harmless.clone().count() {
        0..=MOST => harmless.collect(),
        _ => harmless.take(MOST - 3).chain("...".chars()).collect(),
    }
}
