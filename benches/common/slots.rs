//! What of a queue's round trip is the memory's: slots that the message goes through, one
//! after the other, with nothing else of a queue around them.

use std::sync::atomic::{AtomicU64, Ordering};

use killproof::{Shared, shareable};

use super::transport::CAPACITY;
use super::trips::{Direction, echoed, wait};

/// Words of a slot beside the message: owner, `seq`, and one that nobody uses here.
const WORDS: usize = 3;
/// Words of a cache line.
const LINE: usize = 8;
/// Words of the longest slot.
const LONGEST: usize = 2 * LINE;

const FREE: u64 = 0;
const MINE: u64 = 1;

shareable! {
    #[repr(align(128))]
    struct Slots { words: [AtomicU64; CAPACITY * LONGEST] }
}

shareable! {
    struct Both { there: Slots, back: Slots }
}

/// What is done beside carrying the message.
#[derive(Clone, Copy)]
pub enum Steps {
    /// The next slot each time, and a word that says whether the message is there.
    Move,
    /// And one that is swapped before and after whatever is done with the message.
    Own,
    /// And the line that only the message needs is fetched before the first swap, which is
    /// a barrier.
    Fetch,
}

/// One end of one direction.
struct End<'a> {
    slots: &'a [AtomicU64],
    words: usize,
    stride: usize,
    steps: Steps,
    position: usize,
}

impl<'a> End<'a> {
    fn new(slots: &'a Slots, words: usize, steps: Steps) -> End<'a> {
        // As the queue places them.
        let stride = if WORDS + words <= LINE / 2 { LINE / 2 } else { LONGEST };
        End { slots: &slots.words, words, stride, steps, position: 0 }
    }

    /// The slot that comes next, once its `seq` is this many past that of a free one;
    /// `carry` does with the message what is to be done.
    #[inline]
    fn step<R>(&mut self, past: u64, carry: impl FnOnce(&[AtomicU64]) -> R) -> R {
        let (lap, index) = (self.position / CAPACITY, self.position % CAPACITY);
        let slot = &self.slots[index * self.stride..][..self.stride];
        let (owner, seq, message) = (&slot[0], &slot[1], &slot[WORDS..][..self.words]);
        let awaited = 2 * lap as u64 + past;
        let mut looks = 0;
        while seq.load(Ordering::Acquire) != awaited {
            wait(&mut looks);
        }
        if matches!(self.steps, Steps::Fetch) && past == 0 && self.stride == LONGEST {
            slot[LONGEST - 1].store(0, Ordering::Relaxed);
        }
        let is_owned = !matches!(self.steps, Steps::Move);
        if is_owned {
            while owner.compare_exchange(FREE, MINE, Ordering::Acquire, Ordering::Relaxed).is_err()
            {
                wait(&mut looks);
            }
        }
        let result = carry(message);
        seq.store(awaited + 1, Ordering::Release);
        if is_owned {
            owner.swap(FREE, Ordering::AcqRel);
        }
        self.position += 1;
        result
    }
}

impl Direction for End<'_> {
    #[inline]
    fn send(&mut self, number: u64) {
        self.step(0, |words| words.iter().for_each(|word| word.store(number, Ordering::Relaxed)));
    }

    #[inline]
    fn recv(&mut self) -> u64 {
        self.step(1, |words| {
            let number = words[0].load(Ordering::Relaxed);
            let is_number = |word: &AtomicU64| word.load(Ordering::Relaxed) == number;
            assert!(words.iter().all(is_number), "a torn message");
            number
        })
    }
}

/// Nanoseconds of a round trip of `bytes` between two processes, on a CPU each.
pub fn trip(bytes: usize, steps: Steps) -> f64 {
    let slots = || Slots { words: [const { AtomicU64::new(0) }; CAPACITY * LONGEST] };
    let both = Shared::new(Both { there: slots(), back: slots() }).unwrap();
    let end = |slots| End::new(slots, bytes / size_of::<u64>(), steps);
    echoed(|| (end(&both.there), end(&both.back)))
}
