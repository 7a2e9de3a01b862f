//! Rows of messages that are written and read where they lie. Whoever dies with one has
//! sent nothing, or taken it; the memory is others'.

use std::mem;

use crate::common::case::Case;
use crate::common::numbered::Numbered;
use crate::ends::Ends;
use crate::queue::{nothing_done, received, sent, warm_receiver, warm_sender, world};
use crate::row::{After, Begin, Row};

type Bytes = Vec<u8>;

type Victim = fn(&Ends<Bytes>, Begin);
type Survive = fn(&Ends<Bytes>, &After<'_>) -> Result<(), String>;

fn new(name: &str, level: u64, victim: Victim, survive: Survive) -> Row<Ends<Bytes>> {
    Row::new(name, world::<Bytes>(3, level, 5), victim, survive)
}

pub fn cases() -> Vec<Case> {
    vec![
        new("queue reserve and commit", 1, reserve_and_commit, sent::<_, 1>).every(3, 60).case(),
        new("queue reserve and commit, zombie", 1, reserve_and_commit, sent::<_, 1>)
            .zombie()
            .every(5, 60)
            .case(),
        new("queue commit, full", 3, commit, sent::<_, 1>).blocks().every(121, 25).case(),
        new("queue reserve, given back", 1, give_back, nothing_done).every(3, 60).case(),
        new("queue recv_ref", 3, recv_ref, received::<_, 1>).every(3, 60).case(),
        new("queue recv_ref, kept", 2, recv_ref_and_keep, received::<_, 1>).every(3, 60).case(),
    ]
}

fn next(ends: &Ends<Bytes>) -> Bytes {
    Numbered::new(ends.shape().level + 1)
}

/// What a thread does at its first loan.
fn first_loan(ends: &Ends<Bytes>) {
    drop(ends.sender().reserve(100).expect("room"));
}

fn reserve_and_commit(ends: &Ends<Bytes>, begin: Begin) {
    first_loan(ends);
    let (sender, message) = (warm_sender(ends), next(ends));
    begin.now();
    let mut reservation = sender.reserve(message.len()).expect("room");
    reservation.copy_from_slice(&message);
    assert!(reservation.commit().is_ok());
}

fn commit(ends: &Ends<Bytes>, begin: Begin) {
    let (sender, message) = (warm_sender(ends), next(ends));
    let mut reservation = sender.reserve(message.len()).expect("room");
    reservation.copy_from_slice(&message);
    begin.now();
    assert!(reservation.commit().is_ok());
}

fn give_back(ends: &Ends<Bytes>, begin: Begin) {
    first_loan(ends);
    let sender = warm_sender(ends);
    begin.now();
    let mut reservation = sender.reserve(96).expect("room");
    reservation.fill(7);
    drop(reservation);
}

fn recv_ref(ends: &Ends<Bytes>, begin: Begin) {
    let receiver = warm_receiver(ends);
    begin.now();
    let received = receiver.recv_ref().map(|received| received.to_vec());
    assert!(received.is_ok_and(|received| received.number() == Ok(1)));
}

fn recv_ref_and_keep(ends: &Ends<Bytes>, begin: Begin) {
    let receiver = warm_receiver(ends);
    begin.now();
    mem::forget(receiver.recv_ref().expect("it is there"));
}
