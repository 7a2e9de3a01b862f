//! The result: what one attempt at a chunk found, in parts that fit a message.

use killproof::{Decoder, Encoder, InvalidMessage, Message};

/// One part of the result of a chunk.
///
/// A worker that is killed between its last part and `done` makes somebody else
/// send all of them again; the three numbers tell which part this is of what.
pub struct Part {
    pub chunk: u64,
    pub attempt: u32,
    /// Counts from 0 in each attempt.
    pub number: u32,
    pub content: Content,
}

pub enum Content {
    /// Words, and how often each was found.
    Words(Vec<(Vec<u8>, u64)>),
    /// A piece of an over-long word.
    Piece(Vec<u8>),
    /// The over-long word ends.
    EndOfWord,
    /// The file, by its number, could not be read, and why.
    Unreadable { file: u64, reason: String },
    /// There are no more parts: now the others count.
    EndOfChunk,
}

impl Message for Part {
    fn encoded_len(&self) -> usize {
        self.chunk.encoded_len()
            + self.attempt.encoded_len()
            + self.number.encoded_len()
            + self.content.encoded_len()
    }

    fn encode(&self, out: &mut Encoder<'_>) {
        self.chunk.encode(out);
        self.attempt.encode(out);
        self.number.encode(out);
        self.content.encode(out);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, InvalidMessage> {
        Ok(Part {
            chunk: Message::decode(input)?,
            attempt: Message::decode(input)?,
            number: Message::decode(input)?,
            content: Message::decode(input)?,
        })
    }
}

impl Message for Content {
    fn encoded_len(&self) -> usize {
        1 + match self {
            Content::Words(words) => words.encoded_len(),
            Content::Piece(bytes) => bytes.encoded_len(),
            Content::Unreadable { file, reason } => file.encoded_len() + reason.encoded_len(),
            Content::EndOfWord | Content::EndOfChunk => 0,
        }
    }

    fn encode(&self, out: &mut Encoder<'_>) {
        match self {
            Content::Words(words) => {
                out.put(b"w");
                words.encode(out);
            }
            Content::Piece(bytes) => {
                out.put(b"p");
                bytes.encode(out);
            }
            Content::EndOfWord => out.put(b"e"),
            Content::Unreadable { file, reason } => {
                out.put(b"u");
                file.encode(out);
                reason.encode(out);
            }
            Content::EndOfChunk => out.put(b"."),
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, InvalidMessage> {
        match input.take(1)? {
            b"w" => Ok(Content::Words(Message::decode(input)?)),
            b"p" => Ok(Content::Piece(Message::decode(input)?)),
            b"e" => Ok(Content::EndOfWord),
            b"u" => Ok(Content::Unreadable {
                file: Message::decode(input)?,
                reason: Message::decode(input)?,
            }),
            b"." => Ok(Content::EndOfChunk),
            _ => Err(InvalidMessage),
        }
    }
}
