//! Counts words with processes that are killed while they count.
//!
//! ```text
//! cargo run --release --example wordcount -- --workers 4 --kill 20 PATH...
//! ```
//!
//! In reading order: `count` is the parent, `worker` what its children do,
//! `chunk` and `part` the messages that go to them and come back. `workers`
//! spawns, kills and replaces them, `status` tells where one died, `kills` when
//! and whom to kill, `tally` why each chunk counts once however often it was
//! delivered.

mod arguments;
mod check;
mod chunk;
mod count;
mod files;
mod kills;
mod part;
mod progress;
mod report;
mod status;
mod tally;
mod words;
mod worker;
mod workers;

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use arguments::{Arguments, HELP};
use count::{Plan, count};
use files::Files;
use progress::Progress;

const SMALLEST_CHUNK: u64 = 64 << 10;
const LARGEST_CHUNK: u64 = 256 << 10;

/// How many chunks each kill finds, where it can be arranged.
const CHUNKS_PER_KILL: usize = 8;

fn main() -> ExitCode {
    let arguments = match Arguments::parse(lexopt::Parser::from_env()) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("wordcount: {error}; --help explains");
            return ExitCode::from(2);
        }
    };
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("wordcount: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all went well.
fn run(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let (files, chunk) = work(arguments);
    let plan = Plan { workers: arguments.workers, kills: arguments.kills, chunk };
    let mut progress = Progress::new(files.chunks(chunk).count(), plan.kills);
    for (path, error) in &files.bad {
        progress.say(&format!("{}: {error}", path.display()));
    }
    if files.len() == 0 {
        progress.say("no file to count");
        println!("total 0 words in 0 files");
        return Ok(files.bad.is_empty() && plan.kills == 0);
    }
    let outcome = count(&files, &plan, &mut progress)?;
    progress.finish();

    let mut out = io::stdout().lock();
    report::print(&mut out, &outcome, &files, arguments.top)?;
    let mut is_fine = outcome.kills.all_landed() && outcome.not_counted(&files) == 0;
    if arguments.is_checked {
        let differences = check::differences(&files, &outcome.tally);
        is_fine &= differences.is_empty();
        for difference in &differences {
            writeln!(out, "check: {difference}")?;
        }
        if differences.is_empty() {
            writeln!(out, "check: exact")?;
        }
    }
    let read = files.len() - outcome.tally.unreadable.len() * files.rounds;
    writeln!(out, "total {} words in {read} files", outcome.tally.table.total)?;
    Ok(is_fine)
}

/// What to count, and in chunks of what size.
fn work(arguments: &Arguments) -> (Files, u64) {
    let kills = arguments.kills;
    if arguments.paths.is_empty() {
        let source = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let mut files = Files::find(&[source], &["target", ".git"]);
        let chunk = arguments.chunk.unwrap_or(LARGEST_CHUNK);
        files.repeat(CHUNKS_PER_KILL * kills, chunk);
        return (files, chunk);
    }
    let files = Files::find(&arguments.paths, &[]);
    let even = files.bytes() / (CHUNKS_PER_KILL * kills).max(1) as u64;
    let chunk = arguments.chunk.unwrap_or(even.clamp(SMALLEST_CHUNK, LARGEST_CHUNK));
    (files, chunk)
}
