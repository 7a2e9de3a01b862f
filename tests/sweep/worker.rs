//! Rows of a pool's worker: it leases a task, sends its result, and ends the lease.
//!
//! Killed anywhere, it leaves exactly one answer to what became of the task: a result,
//! else a dead letter, else the task itself, which it had not begun. A letter beside a
//! result says nothing new. The rings are those that a `Pool` makes.

use std::iter;

use killproof::channel::{Builder, Receiver, Sender};

use crate::common::case::Case;
use crate::row::{After, Begin, Row};

pub fn cases() -> Vec<Case> {
    vec![
        row("small", 8).every(17, 60).case(),
        row("small, zombie", 8).zombie().every(61, 30).case(),
        row("in blocks", 1000).every(31, 40).case(),
    ]
}

const DEPTH: usize = 2;
const TASK: u64 = 7;

type Order = (u64, Vec<u8>);

/// The rings of one worker.
struct Rings {
    orders: (Sender<Order>, Receiver<Order>),
    results: (Sender<Order>, Receiver<Order>),
    len: usize,
}

fn ring() -> (Sender<Order>, Receiver<Order>) {
    let builder = Builder::new().capacity(DEPTH).largest(4096).participants(8);
    builder.leases(4).max_attempts(1).queue().expect("a ring")
}

/// One task waits, and others were done before.
fn rings(len: usize) -> Rings {
    let rings = Rings { orders: ring(), results: ring(), len };
    for ticket in 0..3 {
        send(&rings, ticket);
        work(&rings);
        assert_eq!(rings.results.1.recv().map(|(said, _)| said), Ok(ticket));
    }
    send(&rings, TASK);
    rings
}

fn send(rings: &Rings, ticket: u64) {
    rings.orders.0.send((ticket, vec![ticket as u8; rings.len])).expect("there is room");
}

/// As a worker does with one task.
fn work(rings: &Rings) {
    let task = rings.orders.1.lease().expect("a task is there");
    let result = (task.0, task.1.clone());
    rings.results.0.send(result).expect("there is room");
    task.done();
}

fn row(name: &str, len: usize) -> Row<Rings> {
    let victim = |rings: &Rings, begin: Begin| {
        // Its first use of the rings, and of the allocator.
        let _ends = (rings.orders.1.clone(), rings.results.0.clone());
        assert!(rings.results.1.is_empty());
        drop(vec![0_u8; 4096]);
        begin.now();
        work(rings);
    };
    Row::new(format!("pool worker, {name}"), move || rings(len), victim, one_answer)
}

fn one_answer(rings: &Rings, after: &After<'_>) -> Result<(), String> {
    // In the keeper's and the owner's order.
    let inbox = &rings.results.1;
    let letters: Vec<u64> =
        iter::from_fn(|| Some(rings.orders.1.dead_letters().try_lease().ok()?.done().0)).collect();
    let results: Vec<Order> = iter::from_fn(|| inbox.try_recv().ok()).collect();
    let left: Vec<u64> = iter::from_fn(|| Some(rings.orders.1.try_recv().ok()?.0)).collect();
    after.recovered();
    let tickets: Vec<u64> = results.iter().map(|(ticket, _)| *ticket).collect();
    let seen = format!("results {tickets:?}, letters {letters:?}, left {left:?}");
    if results.iter().any(|(ticket, bytes)| *bytes != vec![*ticket as u8; rings.len]) {
        return Err(format!("a result that was not sent: {seen}"));
    }
    let right = match (&tickets[..], &letters[..], &left[..]) {
        ([TASK], [], []) => true,
        ([TASK] | [], [TASK], []) | ([], [], [TASK]) => !after.finished(),
        _ => false,
    };
    if !right {
        return Err(seen);
    }
    // The next worker finds the rings as they were, with room for all.
    for round in 0..2 * DEPTH as u64 {
        (0..DEPTH as u64).for_each(|number| send(rings, 10 * round + number));
        (0..DEPTH).for_each(|_| work(rings));
        for number in 0..DEPTH as u64 {
            if inbox.try_recv().map(|(ticket, _)| ticket) != Ok(10 * round + number) {
                return Err(format!("afterwards, round {round}: a result is missing"));
            }
        }
    }
    Ok(())
}
