//! Rows of messages that are written and read where they lie. Whoever dies with one has
//! sent nothing, or taken it; the memory is others'.

use std::mem;
use std::time::Duration;

use killproof::channel::{RecvError, SendError};

use crate::common::case::Case;
use crate::common::numbered::{INLINE, Numbered};
use crate::ends::Ends;
use crate::kind::BYTES;
use crate::queue::{nothing_done, received, sent, warm_receiver, warm_sender, world};
use crate::row::{After, Begin, Peer, Row};

type Bytes = Vec<u8>;

/// So many do not fit into a slot.
const LARGE: usize = 2 * INLINE;

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
        new("queue recv_ref, empty", 0, recv_ref, received::<_, 1>).blocks().every(121, 25).case(),
        new("queue recv_ref, kept", 2, recv_ref_and_keep, received::<_, 1>).every(3, 60).case(),
        BYTES
            .last_sender::<1>("commit, a receiver asleep in recv_ref", commit)
            .peer(recv_ref_or_end)
            .every(3, 60)
            .case(),
        BYTES
            .last_receiver("recv_ref, a sender asleep in commit", recv_ref)
            .peer(commit_or_end)
            .every(3, 60)
            .case(),
        new("queue reserve, no memory", 1, reserve, nothing_done)
            .holder(|ends, holder| with_all_but(ends, 0, || holder.until_killed()))
            .blocks()
            .every(121, 25)
            .case(),
        new("queue drop of a reservation, another waits for memory", 0, drop_reservation, one_left)
            .holder(|ends, holder| stay_with_all_but(ends, holder, 1))
            .peer(reserve_and_drop)
            .every(2, 60)
            .case(),
        new("queue drop of a message read, another waits for memory", 1, drop_received, one_left)
            .holder(|ends, holder| stay_with_all_but(ends, holder, 0))
            .peer(reserve_and_drop)
            .every(2, 60)
            .case(),
    ]
}

/// With all the memory that is free but for so many messages.
fn with_all_but(ends: &Ends<Bytes>, left: usize, act: impl FnOnce()) -> Result<(), String> {
    let sender = ends.sender();
    let mut taken = Vec::new();
    loop {
        match sender.try_reserve(LARGE) {
            Ok(reservation) => taken.push(reservation),
            Err(SendError::Full(())) => break,
            Err(other) => return Err(other.to_string()),
        }
    }
    taken.truncate(taken.len() - left);
    act();
    Ok(())
}

/// Nothing of it is ever free: who waits has what the victim had, or nothing.
fn stay_with_all_but(ends: &Ends<Bytes>, holder: &Peer<'_>, left: usize) -> Result<(), String> {
    with_all_but(ends, left, || {
        holder.until_killed();
        holder.until_over();
    })
}

fn reserve(ends: &Ends<Bytes>, begin: Begin) {
    let sender = warm_sender(ends);
    for _ in 0..10 {
        assert!(sender.reserve_timeout(LARGE, Duration::ZERO).is_err());
    }
    begin.now();
    mem::forget(sender.reserve(LARGE).expect("room"));
}

fn drop_reservation(ends: &Ends<Bytes>, begin: Begin) {
    let sender = warm_sender(ends);
    let reservation = sender.try_reserve(LARGE).expect("one is left");
    begin.now();
    drop(reservation);
}

fn drop_received(ends: &Ends<Bytes>, begin: Begin) {
    let receiver = warm_receiver(ends);
    let received = receiver.recv_ref().expect("it is there");
    begin.now();
    drop(received);
}

fn reserve_and_drop(ends: &Ends<Bytes>, _: &Peer<'_>) -> Result<(), String> {
    ends.sender().reserve(LARGE).map(drop).map_err(|e| e.to_string())
}

fn recv_ref_or_end(ends: &Ends<Bytes>, _: &Peer<'_>) -> Result<(), String> {
    let receiver = ends.receiver();
    match receiver.recv_ref() {
        Ok(received) => ends.note(&received.to_vec()).map(drop),
        Err(RecvError::Disconnected) => Ok(()),
        Err(other) => Err(other.to_string()),
    }
}

fn commit_or_end(ends: &Ends<Bytes>, _: &Peer<'_>) -> Result<(), String> {
    let (sender, message) = (ends.sender(), next(ends));
    let mut reservation = sender.reserve(message.len()).map_err(|e| e.to_string())?;
    reservation.copy_from_slice(&message);
    match reservation.commit() {
        Ok(()) | Err(SendError::Disconnected(_)) => Ok(()),
        Err(other) => Err(other.to_string()),
    }
}

/// Memory for one message, whoever had it, and no more.
fn one_left(ends: &Ends<Bytes>, after: &After<'_>) -> Result<(), String> {
    let sender = ends.sender();
    let one = sender.reserve(LARGE).map_err(|e| e.to_string())?;
    after.recovered();
    let more = sender.try_reserve(LARGE).map(drop);
    drop(one);
    match more {
        Err(SendError::Full(())) => Ok(()),
        other => Err(format!("memory for another one: {other:?}")),
    }
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
