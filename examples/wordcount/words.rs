//! What a word is, and how a stream of bytes is cut into words in little memory.

use std::collections::HashMap;

/// A word of more bytes than this is over-long: it travels in pieces, and only
/// its start, its length and a digest are remembered.
pub const LONGEST: usize = 4096;

/// A word, or a stretch of an over-long one.
pub enum Fragment<'a> {
    Word(&'a [u8]),
    Piece(&'a [u8]),
    /// The over-long word, whose pieces came before, ends here.
    End,
}

/// Cuts a stream into runs of bytes other than ASCII whitespace. Where the
/// blocks of the stream begin and end makes no difference.
#[derive(Default)]
pub struct Splitter {
    /// What is known of the current word and was not emitted yet.
    kept: Vec<u8>,
    is_long: bool,
}

impl Splitter {
    /// Takes in the next block of the stream.
    pub fn push<E>(
        &mut self,
        block: &[u8],
        emit: &mut impl FnMut(Fragment<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        for (index, run) in block.split(u8::is_ascii_whitespace).enumerate() {
            if index > 0 {
                self.end_word(emit)?;
            }
            self.kept.extend_from_slice(run);
            if self.kept.len() > LONGEST {
                self.is_long = true;
                emit(Fragment::Piece(&self.kept))?;
                self.kept.clear();
            }
        }
        Ok(())
    }

    /// The stream has ended, or whitespace was met.
    pub fn end_word<E>(
        &mut self,
        emit: &mut impl FnMut(Fragment<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.kept.is_empty() {
            let kept = &self.kept;
            emit(if self.is_long { Fragment::Piece(kept) } else { Fragment::Word(kept) })?;
        }
        if self.is_long {
            emit(Fragment::End)?;
        }
        self.kept.clear();
        self.is_long = false;
        Ok(())
    }

    pub fn is_inside_word(&self) -> bool {
        self.is_long || !self.kept.is_empty()
    }
}

/// How often each word was seen.
#[derive(Default, PartialEq, Eq)]
pub struct Table {
    pub counts: HashMap<Vec<u8>, u64>,
    pub total: u64,
}

impl Table {
    pub fn add(&mut self, word: &[u8], times: u64) {
        self.total += times;
        match self.counts.get_mut(word) {
            Some(count) => *count += times,
            None => drop(self.counts.insert(word.to_vec(), times)),
        }
    }
}

/// What is remembered of an over-long word.
pub struct LongWord {
    start: Vec<u8>,
    len: u64,
    digest: u128,
}

impl LongWord {
    const START: usize = 24;

    /// FNV-1a, 128 bits: the same however the word was cut into pieces.
    pub fn push(&mut self, piece: &[u8]) {
        const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
        self.start.extend(piece.iter().take(Self::START - self.start.len()));
        self.len += piece.len() as u64;
        for byte in piece {
            self.digest = (self.digest ^ u128::from(*byte)).wrapping_mul(PRIME);
        }
    }

    /// What it is called in a [`Table`]: a name with spaces, which no word has.
    pub fn name(&self) -> Vec<u8> {
        let rest = format!("... ({} bytes, {:032x})", self.len, self.digest);
        [&self.start, rest.as_bytes()].concat()
    }
}

impl Default for LongWord {
    fn default() -> LongWord {
        const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
        LongWord { start: Vec::new(), len: 0, digest: BASIS }
    }
}
