//! Messages that bear a number in all their bytes, one kind for each way in
//! which a queue carries them.

use killproof::{Decoder, Encoder, InvalidMessage, Message};

/// What a queue of varying messages is built for in these tests.
pub const INLINE: usize = 48;
pub const LARGEST: usize = 112;

pub trait Numbered: Message + 'static {
    fn new(number: u64) -> Self;

    /// The number, if every byte bears it: a message is whole or not there.
    fn number(&self) -> Result<u64, String>;
}

/// Plain, of fixed size: read and written in the slot.
pub type Words = [u64; 8];

impl Numbered for Words {
    fn new(number: u64) -> Self {
        [number; 8]
    }

    fn number(&self) -> Result<u64, String> {
        let number = self[0];
        if *self == [number; 8] { Ok(number) } else { Err(format!("a torn message: {self:?}")) }
    }
}

/// With its number as its key too, so that the order of keys is that of numbers.
pub type Keyed = (u64, Words);

impl Numbered for Keyed {
    fn new(number: u64) -> Self {
        (number, Words::new(number))
    }

    fn number(&self) -> Result<u64, String> {
        let number = self.1.number()?;
        if self.0 == number { Ok(number) } else { Err(format!("{number} with key {}", self.0)) }
    }
}

/// Of varying size: `EVEN` or `ODD` bytes behind its number.
pub struct Bytes<const EVEN: usize, const ODD: usize> {
    number: u64,
    rest: Vec<u8>,
}

/// Always in the slot.
pub type Small = Bytes<8, 16>;
/// Always in a block.
pub type Large = Bytes<96, 64>;
/// In turns.
pub type Mixed = Bytes<8, 96>;

/// Always in a block, and nothing but bytes.
impl Numbered for Vec<u8> {
    fn new(number: u64) -> Self {
        let len = if number.is_multiple_of(2) { 80 } else { 64 };
        number.to_ne_bytes().into_iter().cycle().take(len).collect()
    }

    fn number(&self) -> Result<u64, String> {
        let first = self.first_chunk().ok_or("too short")?;
        let number = u64::from_ne_bytes(*first);
        let is_whole = *self == <Self as Numbered>::new(number);
        is_whole.then_some(number).ok_or_else(|| format!("a torn message: {number}, {self:?}"))
    }
}

/// As serde writes it, in the slot or in a block, in turns.
#[cfg(feature = "serde")]
pub type Written = killproof::Serde<(u64, Vec<u8>)>;

#[cfg(feature = "serde")]
impl Numbered for Written {
    fn new(number: u64) -> Self {
        let len = if number.is_multiple_of(2) { 8 } else { 96 };
        killproof::Serde((number, vec![number as u8; len]))
    }

    fn number(&self) -> Result<u64, String> {
        let killproof::Serde((number, rest)) = self;
        let is_whole = *self == Self::new(*number);
        is_whole.then_some(*number).ok_or_else(|| format!("a torn message: {number}, {rest:?}"))
    }
}

impl<const EVEN: usize, const ODD: usize> Numbered for Bytes<EVEN, ODD> {
    fn new(number: u64) -> Self {
        let len = if number.is_multiple_of(2) { EVEN } else { ODD };
        Self { number, rest: vec![number as u8; len] }
    }

    fn number(&self) -> Result<u64, String> {
        let Self { number, rest } = self;
        let whole = Self::new(*number);
        let is_whole = *rest == whole.rest;
        is_whole.then_some(*number).ok_or_else(|| format!("a torn message: {number}, {rest:?}"))
    }
}

impl<const EVEN: usize, const ODD: usize> Message for Bytes<EVEN, ODD> {
    fn encoded_len(&self) -> usize {
        self.number.encoded_len() + self.rest.encoded_len()
    }

    fn encode(&self, out: &mut Encoder<'_>) {
        self.number.encode(out);
        self.rest.encode(out);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, InvalidMessage> {
        Ok(Self { number: Message::decode(input)?, rest: Message::decode(input)? })
    }
}
