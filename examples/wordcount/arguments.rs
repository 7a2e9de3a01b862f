//! The command line.

use std::num::NonZero;
use std::path::PathBuf;
use std::thread::available_parallelism;

use lexopt::{Arg, Parser, ValueExt};

pub const HELP: &str = "\
Counts the words of files with several processes, and kills them while it does.

  wordcount [OPTIONS] [PATH...]

Each PATH is a file, or a folder to go through; links inside of folders are not
followed. Without a PATH the source of killproof is counted, repeatedly, until
there is enough work for the kills. A word is a run of bytes other than ASCII
whitespace (space, tab, line feed, form feed, carriage return).

Workers lease chunks of files from one queue and send what they find through
another. Meanwhile workers are killed (SIGKILL) and replaced, evenly over the
work. Each chunk that a dead worker had leased goes to another; each counts
once. At least half of the kills hit a worker that holds a lease: if need be,
more than were asked for follow.

Options:
  --workers N    processes that count, 1 to 200 [one for each processor]
  --kill N       workers to kill [20]
  --top N        how many of the most frequent words to list [10]
  --chunk BYTES  size of a chunk [64 KiB to 256 KiB, by the amount of work]
  --check        count again in one process and compare [default]
  --no-check     do not
  --help         print this

Memory grows with the number of different words, not with the size of files. Of
a word of more than 4096 bytes only the first, the length and a 128-bit digest
are kept; in the list it is shown so.

Where the kills hit: `leased`, a worker that counted; `sending`, one that sent
results and held a lease as well; `receiving`, one that waited for a chunk or
was about to get it; `idle`, one in between.

Exit status: 0 if everything was counted, all kills landed and the check found
no difference; 1 if not; 2 if the arguments make no sense.
";

pub struct Arguments {
    pub workers: usize,
    pub kills: usize,
    pub top: usize,
    pub chunk: Option<u64>,
    pub is_checked: bool,
    pub paths: Vec<PathBuf>,
}

impl Arguments {
    /// `None`: just help.
    pub fn parse(mut parser: Parser) -> Result<Option<Arguments>, lexopt::Error> {
        let mut arguments = Arguments {
            workers: available_parallelism().map_or(2, NonZero::get).min(200),
            kills: 20,
            top: 10,
            chunk: None,
            is_checked: true,
            paths: Vec::new(),
        };
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Long("workers") => arguments.workers = number(&mut parser, 1, 200)?,
                Arg::Long("kill") => arguments.kills = number(&mut parser, 0, 1_000_000)?,
                Arg::Long("top") => arguments.top = number(&mut parser, 0, usize::MAX)?,
                Arg::Long("chunk") => {
                    arguments.chunk = Some(number(&mut parser, 1, 1 << 30)? as u64)
                }
                Arg::Long("check") => arguments.is_checked = true,
                Arg::Long("no-check") => arguments.is_checked = false,
                Arg::Long("help") | Arg::Short('h') => return Ok(None),
                Arg::Value(path) => arguments.paths.push(path.into()),
                _ => return Err(arg.unexpected()),
            }
        }
        Ok(Some(arguments))
    }
}

fn number(parser: &mut Parser, least: usize, most: usize) -> Result<usize, lexopt::Error> {
    let number = parser.value()?.parse()?;
    if !(least..=most).contains(&number) {
        return Err(format!("{number} is not between {least} and {most}").into());
    }
    Ok(number)
}
