//! The parent: hands out chunks, adds up results, kills and replaces workers.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use killproof::channel::{self, RecvError, SendError, Sender};

use crate::chunk::Chunk;
use crate::files::Files;
use crate::kills::Kills;
use crate::part::Part;
use crate::progress::Progress;
use crate::tally::Tally;
use crate::workers::Workers;

const TASKS: usize = 64;

/// Whoever is ahead of the parent waits, and holds its lease: even in a small
/// file a kill finds somebody at work.
const RESULTS: usize = 1;

/// How long to wait for a result before asking who is alive.
const PATIENCE: Duration = Duration::from_millis(5);

/// How often to look for somebody to kill.
const LOOK: Duration = Duration::from_micros(50);

/// Beyond the kills, a chunk may take so many workers with it.
const FURTHER_ATTEMPTS: u32 = 10;

pub struct Plan {
    pub workers: usize,
    pub kills: usize,
    pub chunk: u64,
}

pub struct Outcome {
    pub tally: Tally,
    pub kills: Kills,
    pub lost: usize,
    pub time: Duration,
}

impl Outcome {
    /// How many paths were bad from the start or could not be read later.
    pub fn not_counted(&self, files: &Files) -> usize {
        files.bad.len() + self.tally.unreadable.len()
    }
}

pub fn count(
    files: &Files,
    plan: &Plan,
    progress: &mut Progress,
) -> Result<Outcome, Box<dyn Error>> {
    let begin = Instant::now();
    let (tasks, todo) = channel::queue(TASKS)?;
    let (sender, results) = channel::queue::<Part>(RESULTS)?;
    let most_attempts = u32::try_from(plan.kills)?.saturating_add(FURTHER_ATTEMPTS);
    let mut workers = Workers::spawn(plan.workers, todo, sender, most_attempts)?;
    let total = files.chunks(plan.chunk).count();
    let mut kills = Kills::new(plan.kills, total);
    let mut tally = Tally::default();
    let mut feed = Feed { tasks, chunks: files.chunks(plan.chunk), next: None, sent: 0 };

    // One thread does it all, so nothing in here may wait for long: for room
    // among the tasks, for a result, for the right moment to kill.
    while tally.completed < total || kills.is_due(tally.completed) {
        let due = kills.next_due().map_or(usize::MAX, |due| due.max(tally.completed));
        feed.send_up_to(due.saturating_add(workers.count()))?;
        if kills.is_due(tally.completed) {
            // Looked at before the states: whoever sent it and goes on shows as
            // a holder then.
            let has_result = !results.is_empty();
            match kills.choose(&workers.states(), tally.completed) {
                Some(victim) => {
                    if let Some(hit) = workers.kill(victim)? {
                        kills.record(hit);
                    }
                    continue;
                }
                // Somebody leased one or will, and cannot be done before what it
                // sends is received: wait until it shows.
                None if !has_result || workers.have_tasks_waiting() => {
                    workers.replace_lost(|notice| progress.say(&notice))?;
                    thread::sleep(LOOK);
                    continue;
                }
                None => {}
            }
        }
        match results.recv_timeout(PATIENCE) {
            Ok(part) => take_in(part, &mut tally, files, progress)?,
            Err(RecvError::Empty) => workers.replace_lost(|notice| progress.say(&notice))?,
            Err(error) => return Err(error.into()),
        }
        progress.update(tally.completed, kills.landed())?;
    }

    // Without a sender of tasks, `lease` ends the workers once nothing is left;
    // without a worker, `recv` ends this.
    drop(feed);
    let mut lost = workers.lost;
    let leaving = workers.into_children();
    loop {
        match results.recv() {
            Ok(part) => take_in(part, &mut tally, files, progress)?,
            Err(RecvError::Disconnected) => break,
            Err(error) => return Err(error.into()),
        }
    }
    for child in leaving {
        // Too late to matter: everything was counted.
        lost += usize::from(child.join() != Ok(Ok(())));
    }
    Ok(Outcome { tally, kills, lost, time: begin.elapsed() })
}

fn take_in(
    part: Part,
    tally: &mut Tally,
    files: &Files,
    progress: &Progress,
) -> Result<(), Box<dyn Error>> {
    for (file, reason) in tally.add(part)? {
        progress.say(&format!("{}: {reason}", files.path(file).display()));
    }
    Ok(())
}

/// The tasks that were not sent yet.
struct Feed<I> {
    tasks: Sender<Chunk>,
    chunks: I,
    /// The one that found the queue full.
    next: Option<Chunk>,
    sent: usize,
}

impl<I: Iterator<Item = Chunk>> Feed<I> {
    /// Sends what the queue takes, until `most` were sent in all.
    fn send_up_to(&mut self, most: usize) -> Result<(), Box<dyn Error>> {
        while self.sent < most
            && let Some(chunk) = self.next.take().or_else(|| self.chunks.next())
        {
            match self.tasks.try_send(chunk) {
                Ok(()) => self.sent += 1,
                Err(SendError::Full(chunk)) => {
                    self.next = Some(chunk);
                    break;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
