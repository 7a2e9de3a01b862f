//! What of a pipe's round trip is the memory's: records, and an index that says how many
//! there are, with nothing else of a pipe around them.

use std::sync::atomic::{AtomicU64, Ordering};

use killproof::{Shared, shareable};

use super::trips::{Direction, echoed, wait};

/// Words of a record beside the message: its length, and that of the list in it.
const WORDS: usize = 2;
/// Words of the ring: as many as that of the pipe has which is measured.
const RING: usize = (256 << 10) / size_of::<u64>();

shareable! {
    #[repr(align(128))]
    struct Index { tail: AtomicU64 }
}

shareable! {
    struct Way { index: Index, ring: [AtomicU64; RING] }
}

shareable! {
    struct Both { there: Way, back: Way }
}

/// Where a record lies.
#[derive(Clone, Copy)]
pub enum Records {
    /// Always at the same place.
    Stay,
    /// Each behind the one before.
    Move,
}

/// One end of one direction.
struct End<'a> {
    way: &'a Way,
    words: usize,
    records: Records,
    position: u64,
}

impl<'a> End<'a> {
    #[inline]
    fn record(&self) -> impl Iterator<Item = &'a AtomicU64> + use<'a> {
        let (ring, words) = (&self.way.ring, self.words);
        let start = match self.records {
            Records::Stay => 0,
            Records::Move => self.position as usize,
        };
        (start..start + words).map(move |at| &ring[at % RING])
    }
}

impl Direction for End<'_> {
    #[inline]
    fn send(&mut self, number: u64) {
        self.record().for_each(|word| word.store(number, Ordering::Relaxed));
        self.position += self.words as u64;
        self.way.index.tail.store(self.position, Ordering::Release);
    }

    #[inline]
    fn recv(&mut self) -> u64 {
        let mut looks = 0;
        while self.way.index.tail.load(Ordering::Acquire) == self.position {
            wait(&mut looks);
        }
        let mut words = self.record().map(|word| word.load(Ordering::Relaxed));
        let number = words.next().unwrap_or_default();
        assert!(words.all(|word| word == number), "a torn message");
        self.position += self.words as u64;
        number
    }
}

/// Nanoseconds of a round trip of `bytes` between two processes, on a CPU each.
pub fn trip(bytes: usize, records: Records) -> f64 {
    let way = || Way {
        index: Index { tail: AtomicU64::new(0) },
        ring: [const { AtomicU64::new(0) }; RING],
    };
    let both = Shared::new(Both { there: way(), back: way() }).unwrap();
    let words = WORDS + bytes / size_of::<u64>();
    let end = |way| End { way, words, records, position: 0 };
    echoed(|| (end(&both.there), end(&both.back)))
}
