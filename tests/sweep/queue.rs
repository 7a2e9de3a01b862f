//! Rows of send and recv. A message is there whole or not at all; of those that
//! were there before, at most the one that the victim was receiving is missing.

use std::mem::ManuallyDrop;
use std::time::Duration;

use killproof::Shared;
use killproof::channel::{Receiver, SendError, Sender};
use killproof::sync::Mutex;

use crate::common::case::Case;
use crate::common::numbered::{Large, Mixed, Numbered, Small, Words};
use crate::ends::{Ends, Shape};
use crate::row::{After, Begin, Row};

/// Longer than any row; not for ever, which is a deadline of its own.
pub const LONG: Duration = Duration::from_secs(100_000);

pub fn cases() -> Vec<Case> {
    vec![
        send::<Words>("empty", 4, 0, 0).case(),
        send::<Words>("empty, zombie", 4, 0, 0).zombie().case(),
        send::<Words>("in the middle", 3, 1, 5).case(),
        send::<Words>("the last place", 3, 2, 2).case(),
        send::<Words>("full", 4, 4, 0).blocks().every(121, 25).case(),
        send::<Words>("full of three", 3, 3, 5).blocks().every(121, 25).case(),
        send::<Small>("small, in the middle", 3, 1, 5).every(4, 60).case(),
        send::<Large>("large, in the middle", 3, 1, 5).every(3, 60).case(),
        send::<Large>("large, full", 3, 3, 5).blocks().every(121, 25).case(),
        Row::new("queue send, small and large", world::<Mixed>(4, 1, 3), send_two, sent::<_, 2>)
            .every(5, 60)
            .case(),
        Row::new("queue send_timeout, full", world(4, 4, 0), send_in_time, sent::<Words, 1>)
            .blocks()
            .every(121, 25)
            .case(),
        Row::new("queue send_many", world(4, 1, 3), send_many, sent::<Words, 2>)
            .every(5, 60)
            .case(),
        Row::new("queue send_many, full", world(4, 4, 0), send_many, sent::<Words, 2>)
            .blocks()
            .every(121, 25)
            .case(),
        Row::new("queue try_send, full", world::<Words>(4, 4, 0), try_in_vain, nothing_done)
            .every(2, 60)
            .case(),
        Row::new(
            "queue send, first use in a process",
            world::<Words>(3, 1, 0),
            first_send,
            sent::<_, 1>,
        )
        .every(23, 40)
        .case(),
        recv::<Words>("only one", 4, 1, 0).case(),
        recv::<Words>("only one, zombie", 4, 1, 0).zombie().case(),
        recv::<Words>("in the middle", 3, 2, 5).case(),
        recv::<Words>("full", 3, 3, 2).case(),
        recv::<Words>("empty", 4, 0, 0).blocks().every(121, 25).case(),
        recv::<Small>("small, in the middle", 3, 2, 5).every(4, 60).case(),
        recv::<Large>("large, full", 3, 3, 5).every(3, 60).case(),
        Row::new(
            "queue recv, large and small",
            world::<Mixed>(4, 4, 2),
            recv_two,
            received::<_, 2>,
        )
        .every(9, 50)
        .case(),
        Row::new("queue recv_timeout, empty", world(4, 0, 0), recv_in_time, received::<Words, 1>)
            .blocks()
            .every(121, 25)
            .case(),
        Row::new("queue recv_many", world(4, 3, 2), recv_many, received::<Words, 2>)
            .every(9, 50)
            .case(),
        Row::new("queue recv_many, empty", world(4, 0, 0), recv_many, received::<Words, 2>)
            .blocks()
            .every(121, 25)
            .case(),
        Row::new("queue try_recv, empty", world::<Words>(4, 0, 3), try_recv_in_vain, nothing_done)
            .every(3, 60)
            .case(),
        Row::new(
            "queue recv, first use in a process",
            world::<Words>(3, 2, 0),
            first_recv,
            received::<_, 1>,
        )
        .every(23, 40)
        .case(),
    ]
}

pub fn world<T: Numbered>(capacity: usize, level: u64, earlier: u64) -> impl Fn() -> Ends<T> {
    move || Ends::new(Shape { capacity, level, earlier })
}

fn send<T: Numbered>(name: &str, capacity: usize, level: u64, earlier: u64) -> Row<Ends<T>> {
    let name = format!("queue send, {name}");
    Row::new(name, world(capacity, level, earlier), send_one, sent::<T, 1>)
}

fn recv<T: Numbered>(name: &str, capacity: usize, level: u64, earlier: u64) -> Row<Ends<T>> {
    let name = format!("queue recv, {name}");
    Row::new(name, world(capacity, level, earlier), recv_one, received::<T, 1>)
}

/// The victim's own handle, counted, and where the queue is full, used until it
/// no longer spins for long. It is not dropped: that has rows of its own.
pub fn warm_sender<T: Numbered>(ends: &Ends<T>) -> ManuallyDrop<Sender<T>> {
    let sender = ManuallyDrop::new(ends.sender().clone());
    if sender.is_full() {
        for _ in 0..10 {
            let _ = sender.send_timeout(T::new(0), Duration::ZERO);
        }
    }
    sender
}

/// The same, where the queue is empty; with a thread that has had a guard before.
pub fn warm_receiver<T: Numbered>(ends: &Ends<T>) -> ManuallyDrop<Receiver<T>> {
    drop(Shared::new(Mutex::new(0_u8)).expect("memory").lock());
    let receiver = ManuallyDrop::new(ends.receiver().clone());
    if receiver.is_empty() {
        for _ in 0..10 {
            let _ = receiver.recv_timeout(Duration::ZERO);
        }
    }
    receiver
}

pub fn send_one<T: Numbered>(ends: &Ends<T>, begin: Begin) {
    let sender = warm_sender(ends);
    let message = T::new(ends.shape().level + 1);
    begin.now();
    let sent = sender.send(message);
    assert!(sent.is_ok());
}

pub fn send_two<T: Numbered>(ends: &Ends<T>, begin: Begin) {
    let sender = warm_sender(ends);
    let [first, second] = [1, 2].map(|more| T::new(ends.shape().level + more));
    begin.now();
    let sent = sender.send(first).and_then(|()| sender.send(second));
    assert!(sent.is_ok());
}

fn send_in_time<T: Numbered>(ends: &Ends<T>, begin: Begin) {
    let sender = warm_sender(ends);
    let message = T::new(ends.shape().level + 1);
    begin.now();
    let sent = sender.send_timeout(message, LONG);
    assert!(sent.is_ok());
}

pub fn send_many<T: Numbered>(ends: &Ends<T>, begin: Begin) {
    let sender = warm_sender(ends);
    let messages = [1, 2].map(|more| T::new(ends.shape().level + more));
    begin.now();
    let sent = sender.send_many(messages);
    assert!(sent.is_ok());
}

fn first_send<T: Numbered>(ends: &Ends<T>, begin: Begin) {
    let message = T::new(ends.shape().level + 1);
    begin.now();
    let sent = ends.sender().send(message);
    assert!(sent.is_ok());
}

fn try_in_vain<T: Numbered>(ends: &Ends<T>, begin: Begin) {
    let sender = warm_sender(ends);
    let message = T::new(ends.shape().level + 1);
    begin.now();
    let sent = sender.try_send(message);
    assert!(matches!(sent, Err(SendError::Full(_))));
}

pub fn recv_one<T: Numbered>(ends: &Ends<T>, begin: Begin) {
    let receiver = warm_receiver(ends);
    begin.now();
    let received = receiver.recv();
    assert!(received.is_ok());
}

fn recv_two<T: Numbered>(ends: &Ends<T>, begin: Begin) {
    let receiver = warm_receiver(ends);
    begin.now();
    let received = [receiver.recv().is_ok(), receiver.recv().is_ok()];
    assert_eq!(received, [true, true]);
}

fn recv_in_time<T: Numbered>(ends: &Ends<T>, begin: Begin) {
    let receiver = warm_receiver(ends);
    begin.now();
    let received = receiver.recv_timeout(LONG);
    assert!(received.is_ok());
}

pub fn recv_many<T: Numbered>(ends: &Ends<T>, begin: Begin) {
    let receiver = warm_receiver(ends);
    let mut messages = Vec::with_capacity(2);
    begin.now();
    let received = receiver.recv_many(&mut messages, 2);
    assert!(received.is_ok());
}

fn first_recv<T: Numbered>(ends: &Ends<T>, begin: Begin) {
    begin.now();
    let received = ends.receiver().recv();
    assert!(received.is_ok());
}

fn try_recv_in_vain<T: Numbered>(ends: &Ends<T>, begin: Begin) {
    let receiver = warm_receiver(ends);
    begin.now();
    let received = receiver.try_recv();
    assert!(received.is_err());
}

/// The victim was sending `N` messages.
pub fn sent<T: Numbered, const N: usize>(ends: &Ends<T>, after: &After<'_>) -> Result<(), String> {
    let level = ends.shape().level;
    let all: Vec<u64> = (1..=level + N as u64).collect();
    let surely = if after.finished() { N } else { 0 };
    let (required, maybe) = all.split_at(level as usize + surely);
    ends.check(after, required, maybe)
}

/// The victim was receiving the first `N` messages.
pub fn received<T: Numbered, const N: usize>(
    ends: &Ends<T>,
    after: &After<'_>,
) -> Result<(), String> {
    let (first, required) = ends.split(N);
    let maybe: &[u64] = if after.finished() { &[] } else { &first };
    ends.check(after, &required, maybe)
}

/// What the victim did changes nothing.
pub fn nothing_done<T: Numbered>(ends: &Ends<T>, after: &After<'_>) -> Result<(), String> {
    let required: Vec<u64> = (1..=ends.shape().level).collect();
    ends.check(after, &required, &[])
}
