//! Rows of the pipe. The survivor gets what was committed, in order and whole, and is
//! then told that it is alone.

use std::mem::{self, ManuallyDrop};

use killproof::channel::{PipeSender, RecvError, SendError};
use killproof::process::spawn;

use crate::common::case::Case;
use crate::common::forms::Form;
use crate::common::numbered::{Large, Mixed, Numbered, Small, Words};
use crate::process::orphans_end;
use crate::queue::LONG;
use crate::row::{Begin, Row};
use crate::tube::{CAPACITY, Tube, alone, drain, received, receives, sends, told, world};

pub fn cases() -> Vec<Case> {
    vec![
        send::<Words>("empty", 0, 0).case(),
        send::<Words>("empty, zombie", 0, 0).zombie().case(),
        send::<Words>("in the middle", 2, 5).case(),
        send::<Words>("around the end", 1, 13).case(),
        send::<Words>("the last room", 6, 0).case(),
        send::<Words>("full", 7, 0).blocks().every(121, 25).case(),
        Row::new("pipe send_timeout, full", world(7, 0), send_in_time, drain::<Words, 1>)
            .blocks()
            .every(121, 25)
            .case(),
        send::<Small>("small, in the middle", 1, 5).every(3, 60).case(),
        send::<Large>("large, around the end", 1, 3).every(3, 60).case(),
        Row::new("pipe send, small and large", world::<Mixed>(2, 5), send_two, drain::<_, 2>)
            .every(5, 60)
            .case(),
        Row::new("pipe try_send, full", world::<Words>(7, 0), try_in_vain, drain::<_, 0>)
            .every(2, 60)
            .case(),
        Row::new(
            "pipe send, first use in a process",
            world::<Words>(1, 0),
            first_send,
            drain::<_, 1>,
        )
        .every(29, 40)
        .case(),
        send::<Words>("a receiver asleep", 0, 3).peer(receives(Form::Asleep)).case(),
        send::<Words>("a receiver asleep, zombie", 0, 3)
            .peer(receives(Form::Asleep))
            .zombie()
            .case(),
        Row::new(
            "pipe send, two, a receiver asleep",
            world::<Words>(0, 0),
            send_two,
            received::<_, 2>,
        )
        .peer(receives(Form::Asleep))
        .every(3, 60)
        .case(),
        Row::new(
            "pipe drop of the sender, a receiver asleep",
            world::<Words>(0, 2),
            drop_sender,
            received::<_, 0>,
        )
        .peer(receives(Form::Asleep))
        .case(),
        Row::new("pipe drop of the sender", world::<Words>(3, 2), drop_sender, drain::<_, 0>)
            .case(),
        Row::new(
            "pipe moved by spawn, a receiver asleep",
            world(0, 2),
            spawn_sender,
            |tube, after| {
                orphans_end();
                received::<Words, 1>(tube, after)
            },
        )
        .peer(receives(Form::Asleep))
        .every(61, 40)
        .case(),
        Row::new(
            "pipe moved by spawn, its destructor sends",
            world(1, 2),
            spawn_last_words,
            |tube, after| {
                orphans_end();
                drain::<Words, 2>(tube, after)
            },
        )
        .every(61, 40)
        .case(),
        recv::<Words>("only one", 1, 0).case(),
        recv::<Words>("only one, zombie", 1, 0).zombie().case(),
        recv::<Words>("around the end", 2, 14).case(),
        recv::<Words>("full", 7, 2).case(),
        recv::<Words>("empty", 0, 0).blocks().every(121, 25).case(),
        Row::new("pipe recv_timeout, empty", world(0, 0), recv_in_time, alone::<Words>)
            .blocks()
            .every(121, 25)
            .case(),
        recv::<Small>("small, in the middle", 2, 5).every(3, 60).case(),
        recv::<Large>("large, around the end", 3, 9).every(3, 60).case(),
        Row::new("pipe try_recv, empty", world::<Words>(0, 3), try_recv_in_vain, alone)
            .every(2, 60)
            .case(),
        Row::new("pipe recv, first use in a process", world::<Words>(2, 0), first_recv, alone)
            .every(29, 40)
            .case(),
        recv::<Words>("a sender asleep", 7, 3).peer(sends(Form::Asleep)).case(),
        recv::<Large>("large, a sender asleep", 5, 0).peer(sends(Form::Asleep)).every(3, 60).case(),
        Row::new("pipe send_bytes", world(1, 3), send_bytes, drain::<_, 1>).every(2, 60).case(),
        Row::new("pipe send_bytes, full", world(5, 0), send_bytes, drain::<_, 1>)
            .blocks()
            .every(121, 25)
            .case(),
        Row::new("pipe send_bytes, a receiver asleep", world(0, 3), send_bytes, received::<_, 1>)
            .peer(receives(Form::Asleep))
            .every(2, 60)
            .case(),
        Row::new("pipe recv_into", world(2, 3), recv_into, alone).every(2, 60).case(),
        Row::new("pipe recv_into, empty", world(0, 3), recv_into, alone)
            .blocks()
            .every(121, 25)
            .case(),
        Row::new("pipe recv_into, a sender asleep", world(5, 0), recv_into, told)
            .peer(sends(Form::Asleep))
            .every(2, 60)
            .case(),
        Row::new(
            "pipe drop of the receiver, a sender asleep",
            world::<Words>(7, 2),
            drop_receiver,
            told,
        )
        .peer(sends(Form::Asleep))
        .case(),
    ]
}

fn send<T: Numbered>(name: &str, level: u64, earlier: u64) -> Row<Tube<T>> {
    let survive = if name.contains("asleep") { received::<T, 1> } else { drain::<T, 1> };
    Row::new(format!("pipe send, {name}"), world(level, earlier), send_one, survive)
}

fn recv<T: Numbered>(name: &str, level: u64, earlier: u64) -> Row<Tube<T>> {
    let survive = if name.contains("asleep") { told } else { alone };
    Row::new(format!("pipe recv, {name}"), world(level, earlier), recv_one, survive)
}

pub fn send_one<T: Numbered>(tube: &Tube<T>, begin: Begin) {
    let (mut sender, message) = (tube.warm_sender(), tube.next());
    begin.now();
    assert!(sender.send(message).is_ok());
}

fn send_in_time<T: Numbered>(tube: &Tube<T>, begin: Begin) {
    let (mut sender, message) = (tube.warm_sender(), tube.next());
    begin.now();
    assert!(sender.send_timeout(message, LONG).is_ok());
}

pub fn send_two<T: Numbered>(tube: &Tube<T>, begin: Begin) {
    let mut sender = tube.warm_sender();
    let [first, second] = [1, 2].map(|more| T::new(tube.level + more));
    begin.now();
    let sent = sender.send(first).and_then(|()| sender.send(second));
    assert!(sent.is_ok());
}

fn try_in_vain<T: Numbered>(tube: &Tube<T>, begin: Begin) {
    let (mut sender, message) = (tube.warm_sender(), tube.next());
    begin.now();
    assert!(matches!(sender.try_send(message), Err(SendError::Full(_))));
}

fn first_send<T: Numbered>(tube: &Tube<T>, begin: Begin) {
    let (mut sender, message) = (ManuallyDrop::new(tube.sender()), tube.next());
    begin.now();
    assert!(sender.send(message).is_ok());
}

pub fn drop_sender<T: Numbered>(tube: &Tube<T>, begin: Begin) {
    let sender = ManuallyDrop::into_inner(tube.warm_sender());
    begin.now();
    drop(sender);
}

/// The child sends one message.
fn spawn_sender(tube: &Tube<Words>, begin: Begin) {
    assert_eq!(spawn(|| ()).expect("allowed").join(), Ok(()));
    let (mut sender, message) = (tube.sender(), tube.next());
    let body = move || assert!(sender.send(message).is_ok());
    begin.now();
    mem::forget(spawn(body));
}

/// Sends one more when it is dropped.
struct LastWords(PipeSender<Words>, u64);

impl Drop for LastWords {
    fn drop(&mut self) {
        assert!(self.0.send(Words::new(self.1)).is_ok());
    }
}

/// Here the destructor sends, after the fork, and then the child does.
fn spawn_last_words(tube: &Tube<Words>, begin: Begin) {
    assert_eq!(spawn(|| ()).expect("allowed").join(), Ok(()));
    let words = LastWords(tube.sender(), tube.level + 1);
    let body = move || {
        let mut words = ManuallyDrop::new(words);
        let next = Words::new(words.1 + 1);
        assert!(words.0.send(next).is_ok());
    };
    begin.now();
    mem::forget(spawn(body));
}

pub fn recv_one<T: Numbered>(tube: &Tube<T>, begin: Begin) {
    let mut receiver = tube.warm_receiver();
    begin.now();
    assert!(receiver.recv().is_ok());
}

fn recv_in_time<T: Numbered>(tube: &Tube<T>, begin: Begin) {
    let mut receiver = tube.warm_receiver();
    begin.now();
    assert!(receiver.recv_timeout(LONG).is_ok());
}

fn try_recv_in_vain<T: Numbered>(tube: &Tube<T>, begin: Begin) {
    let mut receiver = tube.warm_receiver();
    begin.now();
    assert!(matches!(receiver.try_recv(), Err(RecvError::Empty)));
}

fn first_recv<T: Numbered>(tube: &Tube<T>, begin: Begin) {
    let mut receiver = ManuallyDrop::new(tube.receiver());
    begin.now();
    assert!(receiver.recv().is_ok());
}

fn send_bytes(tube: &Tube<Vec<u8>>, begin: Begin) {
    let (mut sender, message) = (tube.warm_sender(), tube.next());
    begin.now();
    assert!(sender.send_bytes(&message).is_ok());
}

fn recv_into(tube: &Tube<Vec<u8>>, begin: Begin) {
    let (mut receiver, mut buffer) = (tube.warm_receiver(), Vec::with_capacity(CAPACITY));
    begin.now();
    assert!(receiver.recv_into(&mut buffer).is_ok());
}

pub fn drop_receiver<T: Numbered>(tube: &Tube<T>, begin: Begin) {
    let receiver = ManuallyDrop::into_inner(tube.warm_receiver());
    begin.now();
    drop(receiver);
}
