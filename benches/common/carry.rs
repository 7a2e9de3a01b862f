//! Messages from some to others, for a while, all of them checked.

use super::transport::{Payload, Transport};
use super::workers::{Board, Crew};

/// Above the number of a sender's message is the sender's.
const SENDER: u32 = 48;

#[derive(Clone, Copy)]
pub enum Actors {
    Processes,
    Threads,
}

/// Carries messages for a while; how many a second.
pub fn carry<M: Payload>(
    (senders, receivers): (usize, usize),
    transport: &impl Transport<M>,
    actors: Actors,
) -> f64 {
    let board = Board::new();
    let is_alone = matches!(actors, Actors::Processes);
    let receive = |worker: usize| {
        if is_alone {
            transport.only_receive();
        }
        let (mut count, mut sum) = (0_u64, 0_u64);
        let mut next = vec![0; receivers + senders];
        while let Some(message) = transport.recv() {
            let value = message.value();
            let (sender, number) = ((value >> SENDER) as usize, value & ((1 << SENDER) - 1));
            assert!(number >= next[sender], "a sender's messages out of order");
            next[sender] = number + 1;
            count += 1;
            sum = sum.wrapping_add(value);
            board.count(worker);
        }
        board.received().add(count, sum);
    };
    let send = |worker: usize| {
        let (mut count, mut sum) = (0_u64, 0_u64);
        while !board.is_stopped() {
            let value = (worker as u64) << SENDER | count;
            if !transport.send(M::of(value)) {
                break;
            }
            count += 1;
            sum = sum.wrapping_add(value);
        }
        transport.finish();
        board.sent().add(count, sum);
    };
    let mut members = vec![&receive as &(dyn Fn(usize) + Sync); receivers];
    members.extend(vec![&send as &(dyn Fn(usize) + Sync); senders]);
    let crew = Crew { members: &members, watched: receivers };
    let pace = match actors {
        Actors::Processes => crew.as_processes(&board, || transport.only_receive()),
        Actors::Threads => crew.as_threads(&board),
    };
    assert!(board.is_even(), "messages lost or doubled");
    pace.per_second
}
