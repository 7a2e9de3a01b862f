//! A queue that one process has mapped twice, by its name or as it came from another:
//! what tells threads apart must be in the queue's memory, not beside it.

use std::sync::Mutex;

use super::words::{Size, Words};
use crate::deadline::Deadline;
use crate::primitive::{AtomicU64, Bell, Ordering, Stamp, current};
use crate::raw::Queue;
use crate::raw::queue::{Block, Cell, Control, Memory, Meta, Rank, Seat, Side, Slot, Source, Stop};

/// What somebody looks at when a step is taken behind its back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Slot,
    Cell,
}

type Step = (At, Box<dyn FnOnce() + Send>);

/// A mapping in which others take steps, one at each look at such a place.
struct Mapping {
    words: &'static Words,
    /// The next one last.
    steps: Mutex<Vec<Step>>,
}

impl Mapping {
    fn of(words: &'static Words) -> &'static Queue<Mapping> {
        let mapping = Mapping { words, steps: Mutex::new(Vec::new()) };
        Box::leak(Box::new(Queue::new(mapping, 2, 1)))
    }

    fn looked(&self, at: At) {
        // Not within a step.
        let Ok(mut steps) = self.steps.try_lock() else { return };
        if let Some((_, step)) = steps.pop_if(|(next, _)| *next == at) {
            step();
        }
    }
}

impl Memory for Mapping {
    fn control(&self) -> &Control {
        self.words.control()
    }

    fn slot(&self, index: usize) -> &Slot {
        self.looked(At::Slot);
        self.words.slot(index)
    }

    fn cell(&self, index: usize) -> &Cell {
        self.looked(At::Cell);
        self.words.cell(index)
    }

    fn seats(&self, side: Side) -> &[Seat] {
        self.words.seats(side)
    }

    fn blocks(&self) -> &[Block] {
        self.words.blocks()
    }

    fn rank(&self, index: usize) -> &Rank {
        self.words.rank(index)
    }

    fn bell(&self, side: Side) -> &Bell {
        self.words.bell(side)
    }
}

/// Sends a message in a block.
fn send(queue: &Queue<Mapping>, who: Stamp) {
    let block = queue.claim_block(who, Deadline::Now).unwrap();
    let position = queue.claim_free(who, Deadline::Now).unwrap();
    let meta: &AtomicU64 = &queue.slot(position).meta;
    meta.store(Meta { len: 1, block: Some(block) }.word(), Ordering::Relaxed);
    queue.commit_sent(position);
}

/// Receives it again.
fn receive(queue: &Queue<Mapping>, me: Stamp) {
    let Ok(Source::Ring(position)) = queue.claim_ready(me, Deadline::Now, false) else {
        panic!("there is a message");
    };
    let meta = Meta::of(queue.slot(position).meta.load(Ordering::Relaxed));
    let block = meta.block.expect("it is in a block");
    queue.adopt_block(block, me);
    queue.commit_received(position);
    queue.free_block(block, me);
}

/// A thread takes the block of a dead sender. While it looks whether a message is in
/// it, one is received, the block is filled and left behind by another, and a thread
/// that uses the other mapping comes to rescue it as well.
#[test]
fn a_block_is_not_rescued_twice() {
    let words =
        Box::leak(Box::new(Words::new(Size { capacity: 2, cells: 1, blocks: 1, seats: 1 })));
    let (one, other) = (Mapping::of(words), Mapping::of(words));
    let me = current().unwrap();
    // Earlier lives of this process's id.
    let [first, second] = [1_u64 << 31, 1 << 30].map(|birth| Stamp::new(birth, me.pid()));
    one.enter(Side::Receive, me);
    send(one, first);
    let is_received: Step = (At::Slot, Box::new(move || receive(other, me)));
    let is_sent_again: Step = (
        At::Cell,
        Box::new(move || {
            send(other, second);
            assert_eq!(other.claim_block(me, Deadline::Now), Err(Stop::TimedOut));
        }),
    );
    *one.memory.steps.lock().unwrap() = vec![is_sent_again, is_received];
    assert_eq!(one.claim_block(me, Deadline::Now), Err(Stop::TimedOut), "a message is in it");
    assert!(one.memory.steps.lock().unwrap().is_empty(), "the steps were taken");
    receive(one, me);
    assert_eq!(one.claim_block(me, Deadline::Now), Ok(0));
}
