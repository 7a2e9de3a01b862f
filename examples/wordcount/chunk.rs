//! The task: stretches of files, and how their words are read.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use killproof::{Decoder, Encoder, InvalidMessage, Message};

use crate::words::{Fragment, LONGEST, Splitter};

/// How much of a file is in memory at once.
const BLOCK: u64 = 32 << 10;

/// About as much text as a worker should lose when it is killed: a stretch of a
/// large file, or several small files.
pub type Chunk = Vec<Stretch>;

/// The words that begin in the bytes from `start` to `end` of a file.
///
/// A word that goes on beyond `end` is read to its end, so each word is one
/// stretch's, and stretches can be counted in any order, and more than once.
pub struct Stretch {
    /// The file's number, by which the parent knows it.
    pub file: u64,
    pub path: PathBuf,
    pub start: u64,
    pub end: u64,
    /// How much of the file is read: what is appended later does not count.
    pub len: u64,
}

impl Stretch {
    /// In stretches of at most `size` bytes; an empty one stays one, so that
    /// somebody finds out whether it can be read.
    pub fn cut(self, size: u64) -> impl Iterator<Item = Stretch> {
        (self.start..self.end.max(self.start + 1)).step_by(size as usize).map(move |start| {
            let end = self.end.min(start + size);
            Stretch { path: self.path.clone(), start, end, ..self }
        })
    }

    /// How many bytes it is long.
    pub fn text(&self) -> u64 {
        self.end - self.start
    }

    /// Emits the words of the stretch.
    pub fn read<E: From<io::Error>>(
        &self,
        mut emit: impl FnMut(Fragment<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let file = File::open(&self.path)?;
        let mut block = vec![0; BLOCK as usize];
        let mut splitter = Splitter::default();
        // From the byte before: unless that is whitespace, the first word began
        // in an earlier stretch.
        let mut at = self.start.saturating_sub(1);
        let mut is_earlier_word = self.start > 0;
        while at < self.len {
            let left = if at < self.end { self.end - at } else { LONGEST as u64 };
            let wanted = left.min(BLOCK).min(self.len - at) as usize;
            file.read_exact_at(&mut block[..wanted], at).map_err(say_shorter)?;
            let mut bytes = &block[..wanted];
            let whitespace = bytes.iter().position(u8::is_ascii_whitespace);
            if is_earlier_word {
                bytes = whitespace.map_or(&[], |first| &bytes[first..]);
                is_earlier_word = whitespace.is_none();
            } else if at >= self.end {
                bytes = &bytes[..whitespace.map_or(wanted, |first| first + 1)];
            }
            splitter.push(bytes, &mut emit)?;
            at += wanted as u64;
            if at >= self.end && !splitter.is_inside_word() {
                break;
            }
        }
        splitter.end_word(&mut emit)
    }
}

fn say_shorter(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::UnexpectedEof => {
            io::Error::other("the file became shorter while it was counted")
        }
        _ => error,
    }
}

impl Message for Stretch {
    fn encoded_len(&self) -> usize {
        4 * size_of::<u64>() + self.path.encoded_len()
    }

    fn encode(&self, out: &mut Encoder<'_>) {
        [self.file, self.start, self.end, self.len].iter().for_each(|n| n.encode(out));
        self.path.encode(out);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, InvalidMessage> {
        Ok(Stretch {
            file: Message::decode(input)?,
            start: Message::decode(input)?,
            end: Message::decode(input)?,
            len: Message::decode(input)?,
            path: Message::decode(input)?,
        })
    }
}
