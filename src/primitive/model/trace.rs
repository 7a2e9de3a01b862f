//! What happened in the execution that failed, step by step.

use core::fmt;

use super::world::World;

/// One step of one process.
#[derive(Debug)]
pub(super) struct Note {
    /// `None`: the proof itself.
    pub(super) who: Option<usize>,
    call: &'static str,
    word: Option<usize>,
    given: [Option<u64>; 2],
    result: Option<u64>,
}

/// Writes down what the running process did.
pub(super) fn note(
    call: &'static str,
    word: Option<usize>,
    given: [Option<u64>; 2],
    result: Option<u64>,
) {
    World::with(|world| {
        let who = world.running();
        world.trace.borrow_mut().push(Note { who, call, word, given, result });
    });
}

/// The notes of an execution, with its words numbered as they turn up.
pub(super) struct Trace<'a>(pub(super) &'a [Note]);

impl fmt::Display for Trace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        for note in self.0 {
            match note.who {
                Some(process) => write!(f, "  process {}: {}", process + 1, note.call)?,
                None => write!(f, "  proof:     {}", note.call)?,
            }
            if let Some(word) = note.word {
                let number = words.iter().position(|known| *known == word).unwrap_or(words.len());
                if number == words.len() {
                    words.push(word);
                }
                write!(f, " word {number}")?;
            }
            for given in note.given.iter().flatten() {
                write!(f, " {given:#x}")?;
            }
            match note.result {
                Some(result) => writeln!(f, " -> {result:#x}")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}
