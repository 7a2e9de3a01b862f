//! A long computation with a progress bar: `cargo run --release --example progress`
//!
//! How many steps each number takes to come to 1, by "half of it, or three times and one".
//! The results come as they are finished, and the bar moves with them. Items are drawn
//! as workers have room for them, so there might be any number.

use std::error::Error;

use indicatif::ProgressBar;
use killproof::pool::Pool;

const LAST: u64 = 300_000;
const EACH: u64 = 1000;

fn steps(mut number: u64) -> u64 {
    let mut steps = 0;
    while number != 1 {
        number = if number % 2 == 0 { number / 2 } else { 3 * number + 1 };
        steps += 1;
    }
    steps
}

fn main() -> Result<(), Box<dyn Error>> {
    // Few large tasks: each travels there and back.
    let pool = Pool::new(None, |first: u64| {
        let longest = (first..first + EACH).map(|number| (steps(number), number)).max();
        longest.unwrap_or_default()
    })?;
    let bar = ProgressBar::new(LAST / EACH);
    let mut longest = (0, 1);
    for result in pool.imap_unordered((0..LAST / EACH).map(|part| part * EACH + 1)) {
        longest = longest.max(result?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let (steps, number) = longest;
    println!("{number} takes {steps} steps, the most of all up to {LAST}");
    Ok(())
}
