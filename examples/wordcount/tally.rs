//! Each chunk counts once, however often it is delivered.

use std::collections::{HashMap, HashSet};

use crate::part::{Content, Part};
use crate::words::{LongWord, Table};

/// What all complete chunks add up to.
#[derive(Default)]
pub struct Tally {
    pub table: Table,
    /// The numbers of the files that could not be read.
    pub unreadable: HashSet<u64>,
    /// How many chunks are complete.
    pub completed: usize,
    /// Parts that nobody needed: of complete chunks, or of overtaken attempts.
    pub ignored: usize,
    deliveries: Vec<Delivery>,
    /// The latest attempt at each chunk that has begun and is not complete.
    pending: HashMap<u64, Attempt>,
}

/// What became of a chunk.
#[derive(Clone, Default)]
struct Delivery {
    /// The latest attempt that was seen.
    attempts: u32,
    is_complete: bool,
}

/// The parts of one attempt, so far.
#[derive(Default)]
struct Attempt {
    parts: u32,
    words: Vec<(Vec<u8>, u64)>,
    long_word: LongWord,
    unreadable: Vec<(u64, String)>,
}

impl Tally {
    /// Takes in one part. Returns the numbers of files that turned out to be
    /// unreadable, and why.
    ///
    /// Of the attempts at a chunk only the latest is kept. What is missing of
    /// the earlier ones does not matter: the latest ends with a complete result,
    /// or in another attempt.
    pub fn add(&mut self, part: Part) -> Result<Vec<(u64, String)>, String> {
        let index = part.chunk as usize;
        if self.deliveries.len() <= index {
            self.deliveries.resize(index + 1, Delivery::default());
        }
        let delivery = &mut self.deliveries[index];
        let is_new = part.attempt > delivery.attempts;
        let is_late = delivery.is_complete || part.attempt < delivery.attempts;
        delivery.attempts = delivery.attempts.max(part.attempt);
        if is_late {
            self.ignored += 1;
            return Ok(Vec::new());
        }
        let attempt = self.pending.entry(part.chunk).or_default();
        // The queue stops counting attempts at 1023; a first part is new anyway.
        if is_new || part.number == 0 {
            *attempt = Attempt::default();
        }
        if part.number != attempt.parts {
            return Err(format!("chunk {index}: part {} is missing", attempt.parts));
        }
        attempt.parts += 1;
        match part.content {
            Content::Words(words) => attempt.words.extend(words),
            Content::Piece(piece) => attempt.long_word.push(&piece),
            Content::EndOfWord => {
                attempt.words.push((std::mem::take(&mut attempt.long_word).name(), 1));
            }
            Content::Unreadable { file, reason } => attempt.unreadable.push((file, reason)),
            Content::EndOfChunk => {
                delivery.is_complete = true;
                let whole = self.pending.remove(&part.chunk).unwrap_or_default();
                return Ok(self.count(whole));
            }
        }
        Ok(Vec::new())
    }

    /// Counts a complete chunk.
    fn count(&mut self, mut attempt: Attempt) -> Vec<(u64, String)> {
        self.completed += 1;
        for (word, times) in attempt.words {
            self.table.add(&word, times);
        }
        attempt.unreadable.retain(|(file, _)| self.unreadable.insert(*file));
        attempt.unreadable
    }

    /// How many chunks were delivered again, and how many times in all.
    pub fn redelivered(&self) -> (usize, u64) {
        let again = self.deliveries.iter().map(|delivery| delivery.attempts.saturating_sub(1));
        let chunks = again.clone().filter(|times| *times > 0).count();
        (chunks, again.map(u64::from).sum())
    }
}
