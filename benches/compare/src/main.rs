//! killproof beside what people use instead: how fast each is, and what each does when
//! a participant is killed.
//!
//! ```text
//! cargo run --release --manifest-path benches/compare/Cargo.toml -- all
//! cargo run --release --manifest-path benches/compare/Cargo.toml -- speed [PART-OF-A-NAME ..]
//! cargo run --release --manifest-path benches/compare/Cargo.toml -- killed [PART-OF-A-NAME ..]
//! cargo run --release --manifest-path benches/compare/Cargo.toml -- draw
//! ```
//!
//! `speed` and `killed` put what they find into `benches/compare/results.tsv`, in place of
//! what stood there under the same names, which have the form `one-way/64B/iceoryx2`.
//! `draw` makes `docs/compare.svg`, `docs/compare.md` and the table of the README out of
//! that file. `all` does one after the other and takes about eight minutes.
//!
//! A peer whose parts are not there (a C++ compiler and Boost's headers, python3, POSIX
//! message queues) is skipped, and a line says so.

mod channel;
#[path = "../../common/mod.rs"]
mod common;
mod draw;
mod killed;
mod message;
mod peers;
mod results;
mod speed;
mod stage;
mod table;

use std::io;
use std::process::ExitCode;

use results::Results;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let command = words.next().unwrap_or_default();
    let filter: Vec<String> = words.collect();
    match run(&command, &filter) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("which? all, speed, killed or draw; after two of them parts of names");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// False where there is no such command.
fn run(command: &str, filter: &[String]) -> io::Result<bool> {
    let mut results = Results::read()?;
    match command {
        "all" => {
            results = Results::default();
            speed::measure(&mut results, filter);
            killed::measure(&mut results, filter);
        }
        "speed" => speed::measure(&mut results, filter),
        "killed" => killed::measure(&mut results, filter),
        "draw" => {}
        _ => return Ok(false),
    }
    // A run that is too short to mean anything leaves no figures behind.
    if common::compare::is_quick() {
        return Ok(true);
    }
    if command != "draw" {
        results.measured_here()?;
        results.write()?;
    }
    if matches!(command, "all" | "draw") {
        draw::picture(&results)?;
        table::tables(&results)?;
    }
    Ok(true)
}
