//! The same count again, in one process and without a queue.

use std::collections::HashSet;
use std::io;

use crate::chunk::Stretch;
use crate::files::Files;
use crate::report;
use crate::tally::Tally;
use crate::words::{Fragment, LongWord, Table};

/// What differs between the count and a count from the start of each file to
/// its end; empty if nothing does.
pub fn differences(files: &Files, tally: &Tally) -> Vec<String> {
    let mut again = Table::default();
    let mut found = Vec::new();
    for file in files.all().filter(|whole| !tally.unreadable.contains(&whole.file)) {
        if let Err(error) = count(&file, &mut again) {
            found.push(format!("{}: {error}", file.path.display()));
        }
    }
    let counted = &tally.table;
    if counted.total != again.total {
        found.push(format!("{} words, and {} when counted again", counted.total, again.total));
    }
    let either = counted.counts.keys().chain(again.counts.keys());
    let differing: HashSet<_> =
        either.filter(|word| counted.counts.get(*word) != again.counts.get(*word)).collect();
    if let Some(word) = differing.iter().next() {
        let one = report::readable(word);
        found.push(format!("{} words not as often as before, such as {one}", differing.len()));
    }
    found
}

fn count(file: &Stretch, table: &mut Table) -> io::Result<()> {
    let mut long_word = LongWord::default();
    file.read(|fragment| {
        match fragment {
            Fragment::Word(word) => table.add(word, 1),
            Fragment::Piece(piece) => long_word.push(piece),
            Fragment::End => table.add(&std::mem::take(&mut long_word).name(), 1),
        }
        Ok(())
    })
}
