//! What is sent: a message that says who sent it and as which of his, of a kind
//! that travels in the slot, or in blocks now and then.

use killproof::Message;

use crate::linear::key_of;

pub trait Parcel: Message + 'static {
    fn new(label: Label) -> Self;

    /// The label, if the message is whole.
    fn label(&self) -> Option<Label>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// No two messages have the same.
    pub id: u64,
    /// The number of the process that sent it, and how many it had sent before.
    pub source: u64,
    pub sequence: u64,
}

/// The id of a message that sends home whoever takes it.
pub const PILL: u64 = u64::MAX;

impl Label {
    pub const HOME: Self = Self { id: PILL, source: 0, sequence: 0 };

    fn words(self) -> [u64; 4] {
        [self.id, self.source, self.sequence, self.id ^ self.source ^ self.sequence]
    }

    fn of([id, source, sequence, sum]: &[u64; 4]) -> Option<Self> {
        let [id, source, sequence] = [*id, *source, *sequence];
        let label = Self { id, source, sequence };
        (label.words()[3] == *sum).then_some(label)
    }
}

/// Copied in the slot, for long enough to be killed there.
pub type Words = [u64; 64];

impl Parcel for Words {
    fn new(label: Label) -> Self {
        let words = label.words();
        std::array::from_fn(|index| words[index % words.len()])
    }

    fn label(&self) -> Option<Label> {
        let label = Label::of(self.first_chunk::<4>()?)?;
        (*self == Self::new(label)).then_some(label)
    }
}

/// Behind its key.
pub type Keyed = (u64, Words);

impl Parcel for Keyed {
    fn new(label: Label) -> Self {
        (key_of(label.id), Words::new(label))
    }

    fn label(&self) -> Option<Label> {
        self.1.label().filter(|label| key_of(label.id) == self.0)
    }
}

/// One in four is too large for a slot.
pub type Bytes = Vec<u64>;

const TIMES: usize = 8;
pub const INLINE: usize = 48;
pub const LARGEST: usize = 8 + TIMES * 32;

impl Parcel for Bytes {
    fn new(label: Label) -> Self {
        label.words().repeat(if label.id.is_multiple_of(4) { TIMES } else { 1 })
    }

    fn label(&self) -> Option<Label> {
        let label = Label::of(self.first_chunk::<4>()?)?;
        (*self == <Self as Parcel>::new(label)).then_some(label)
    }
}
