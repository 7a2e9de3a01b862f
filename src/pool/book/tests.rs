//! The book against workers that begin, finish and die as they like.

use super::*;
use proptest::collection::vec;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

/// A worker and its ring, as the book's moves and a killer treat them.
#[derive(Default)]
struct Worker {
    ring: VecDeque<Order>,
    hands: Option<(u64, u32)>,
}

struct World {
    book: Book,
    workers: Vec<Worker>,
    runs: HashMap<u64, u32>,
    told: HashMap<u64, u32>,
}

impl World {
    fn new(slots: usize, depth: usize, retries: u32) -> World {
        let workers = (0..slots).map(|_| Worker::default()).collect();
        let book = Book::new(slots, depth, retries);
        World { book, workers, runs: HashMap::new(), told: HashMap::new() }
    }

    fn move_all(&mut self, refuses: bool, is_quiet: bool) {
        self.book.begin_round(is_quiet);
        for moves in 0.. {
            assert!(moves < 10_000, "a round without end");
            let Some(next) = self.book.next_move() else { break };
            match next {
                Move::Give { slot, order } if refuses => self.book.refused(slot, order),
                Move::Give { slot, order } => self.workers[slot].ring.push_back(order),
                Move::Take { slot } => {
                    let order = self.workers[slot].ring.pop_front();
                    self.book.taken(slot, order);
                }
            }
        }
        for (slot, worker) in self.workers.iter().enumerate() {
            let lying = worker.ring.len() + usize::from(worker.hands.is_some());
            assert_eq!(self.book.slots[slot].lying.len(), lying);
            assert!(lying <= self.book.depth);
        }
    }

    fn begin(&mut self, slot: usize) {
        let worker = &mut self.workers[slot];
        if worker.hands.is_some() {
            return;
        }
        if let Some((ticket, attempt, body)) = worker.ring.pop_front() {
            assert_eq!(body, ticket.to_ne_bytes());
            *self.runs.entry(ticket).or_default() += 1;
            worker.hands = Some((ticket, attempt));
        }
    }

    fn end(&mut self, slot: usize, outcome: Outcome) {
        if let Some((ticket, attempt)) = self.workers[slot].hands.take() {
            for _late in 0..2 {
                let is_new = self.book.reported(ticket, attempt, outcome.clone());
                *self.told.entry(ticket).or_default() += u32::from(is_new);
            }
        }
    }
}

proptest! {
    /// Each task is finished once, runs no more often than it may, and none is lost.
    #[test]
    fn every_task_comes_to_one_end(
        (slots, depth, retries) in (1_usize..4, 1_usize..4, 0_u32..3),
        steps in vec((0_u8..6, any::<usize>()), 0..200),
    ) {
        let mut world = World::new(slots, depth, retries);
        let mut entered = 0_u64;
        for (step, which) in steps {
            let slot = which % slots;
            match step {
                0 | 1 => {
                    let body = entered.to_ne_bytes().to_vec();
                    prop_assert_eq!(world.book.enter(body, None), Ok(entered));
                    entered += 1;
                }
                2 => world.begin(slot),
                3 => world.end(slot, Ok(vec![])),
                4 => world.end(slot, Err(TaskError::Signalled(9))),
                _ => world.move_all(which % 5 == 0, which % 3 == 0),
            }
        }
        while world.book.unfinished() > 0 {
            world.move_all(false, false);
            for slot in 0..slots {
                world.begin(slot);
                world.end(slot, Ok(vec![]));
            }
        }
        for ticket in 0..entered {
            prop_assert!((1..=retries + 1).contains(&world.runs[&ticket]));
            prop_assert_eq!(world.told[&ticket], 1);
            prop_assert!(world.book.take(ticket).is_some());
            prop_assert!(world.book.take(ticket).is_none());
        }
        prop_assert!(world.book.jobs.is_empty());
    }
}

#[test]
fn a_batch_is_told_in_the_order_of_the_ends() {
    let mut book = Book::new(3, 1, 0);
    let batch = book.open_batch();
    let tickets: Vec<u64> = (0..3).map(|_| book.enter(vec![], Some(batch)).unwrap()).collect();
    let other = book.enter(vec![], None).unwrap();
    (0..3).for_each(|slot| assert!(book.next_for(slot).is_some()));
    assert!(!book.has_next_of(batch));
    for ticket in [tickets[2], tickets[0]] {
        assert!(book.reported(ticket, 1, Ok(vec![])));
    }
    book.forget(tickets[1]);
    assert_eq!(book.end(&TaskError::Closed), [tickets[1], other]);
    assert_eq!((book.next_of(batch), book.next_of(batch)), (Some(tickets[2]), Some(tickets[0])));
    assert!(!book.has_next_of(batch) && book.next_of(batch).is_none());
    book.close_batch(batch);
}

#[test]
fn at_the_end_everybody_is_told_once() {
    let mut book = Book::new(1, 1, 0);
    let tickets: Vec<u64> = (0..3).map(|_| book.enter(vec![], None).unwrap()).collect();
    assert!(matches!(book.next_move(), Some(Move::Give { slot: 0, .. })));
    book.forget(tickets[2]);
    assert_eq!(book.end(&TaskError::Keeper), tickets);
    assert!(!book.reported(tickets[0], 1, Ok(vec![])));
    assert_eq!(book.take(tickets[0]), Some(Err(TaskError::Keeper)));
    assert_eq!((book.take(tickets[2]), book.unfinished()), (None, 0));
    assert_eq!(book.enter(vec![], None), Err(TaskError::Keeper));
}
