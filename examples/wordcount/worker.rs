//! A worker: leases a chunk, counts it, sends what it found, and only then says
//! that it is done.

use std::io;

use killproof::channel::{Receiver, RecvError, SendError, Sender};

use crate::chunk::{Chunk, Stretch};
use crate::part::{Content, Part};
use crate::status::{State, Status};
use crate::words::{Fragment, Table};

/// The words of one part take about this many bytes.
const PART: usize = 32 << 10;

/// Works until there is nothing left to do, or nobody to do it for.
///
/// A chunk that was handed out more than `most_attempts` times is given up: it
/// would kill whoever reads it.
pub fn work(
    todo: &Receiver<Chunk>,
    results: &Sender<Part>,
    status: &Status,
    most_attempts: u32,
) -> Result<(), String> {
    loop {
        status.set(State::Receiving);
        let task = match todo.lease() {
            Ok(task) => task,
            Err(RecvError::Disconnected) => return Ok(()),
            Err(error) => return Err(error.to_string()),
        };
        status.set(State::Leased);
        let (chunk, attempt) = (task.id(), task.attempts());
        let mut report = Report { results, status, chunk, attempt, parts: 0 };
        let sent = match attempt > most_attempts {
            true => give_up(&task, &mut report),
            false => count(&task, &mut report),
        };
        match sent.and_then(|()| report.send(Content::EndOfChunk)) {
            Ok(()) => {}
            // The parent is gone: the task goes back, and nobody wants it.
            Err(SendError::Disconnected(_)) => return Ok(()),
            Err(error) => return Err(error.to_string()),
        }
        status.set(State::Idle);
        task.done();
    }
}

/// Counts a chunk and sends what it found.
fn count(chunk: &Chunk, report: &mut Report<'_>) -> Result<(), SendError<Part>> {
    let mut table = Table::default();
    for stretch in chunk {
        let read = stretch.read(|fragment| match fragment {
            Fragment::Word(word) => {
                table.add(word, 1);
                Ok(())
            }
            Fragment::Piece(piece) => Ok(report.send(Content::Piece(piece.to_vec()))?),
            Fragment::End => Ok(report.send(Content::EndOfWord)?),
        });
        match read {
            Ok(()) => {}
            Err(Stop::Unsent(error)) => return Err(error),
            Err(Stop::Unreadable(error)) => report.send_unreadable(stretch, error.to_string())?,
        }
    }
    report.send_words(table)
}

/// Names all files of a chunk that kills whoever reads it.
fn give_up(chunk: &Chunk, report: &mut Report<'_>) -> Result<(), SendError<Part>> {
    let reason = format!("given up after {} attempts", report.attempt - 1);
    chunk.iter().try_for_each(|stretch| report.send_unreadable(stretch, reason.clone()))
}

/// Why a stretch was not read to its end.
enum Stop {
    Unreadable(io::Error),
    Unsent(SendError<Part>),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        Stop::Unreadable(error)
    }
}

impl From<SendError<Part>> for Stop {
    fn from(error: SendError<Part>) -> Stop {
        Stop::Unsent(error)
    }
}

/// The result of one attempt at one chunk, on its way.
struct Report<'a> {
    results: &'a Sender<Part>,
    status: &'a Status,
    chunk: u64,
    attempt: u32,
    parts: u32,
}

impl Report<'_> {
    fn send(&mut self, content: Content) -> Result<(), SendError<Part>> {
        let Report { chunk, attempt, parts: number, .. } = *self;
        self.parts += 1;
        self.status.set(State::Sending);
        self.results.send(Part { chunk, attempt, number, content })?;
        self.status.set(State::Leased);
        Ok(())
    }

    fn send_unreadable(&mut self, at: &Stretch, reason: String) -> Result<(), SendError<Part>> {
        self.send(Content::Unreadable { file: at.file, reason })
    }

    fn send_words(&mut self, table: Table) -> Result<(), SendError<Part>> {
        let (mut words, mut bytes) = (Vec::new(), 0);
        for (word, times) in table.counts {
            bytes += word.len() + 2 * size_of::<u64>();
            words.push((word, times));
            if bytes >= PART {
                self.send(Content::Words(std::mem::take(&mut words)))?;
                bytes = 0;
            }
        }
        if words.is_empty() { Ok(()) } else { self.send(Content::Words(words)) }
    }
}
