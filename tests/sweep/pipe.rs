//! Rows of the pipe. The survivor gets what was committed, in order and whole, and is
//! then told that it is alone.

#![allow(unsafe_code)]

use std::cell::RefCell;
use std::mem::{self, ManuallyDrop};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use killproof::channel::{PipeBuilder, PipeReceiver, PipeSender, RecvError, SendError};
use killproof::process::spawn;

use crate::common::case::Case;
use crate::common::fds;
use crate::common::forms::Form;
use crate::common::mapped::Mapped;
use crate::common::numbered::{Large, Mixed, Numbered, Small, Words};
use crate::process::orphans_end;
use crate::row::{After, Begin, Peer, Row};

/// Room for seven messages of words. Where the name says so, the message of the row is
/// in two pieces.
const CAPACITY: usize = 512;

pub struct Tube<T: Numbered> {
    sender: RefCell<Option<PipeSender<T>>>,
    receiver: RefCell<Option<PipeReceiver<T>>>,
    /// Messages 1 to this are in it.
    level: u64,
    /// The last one that the survivor received, or sent.
    last: Mapped<AtomicU64>,
}

pub fn cases() -> Vec<Case> {
    vec![
        send::<Words>("empty", 0, 0).case(),
        send::<Words>("empty, zombie", 0, 0).zombie().case(),
        send::<Words>("in the middle", 2, 5).case(),
        send::<Words>("around the end", 1, 13).case(),
        send::<Words>("the last room", 6, 0).case(),
        send::<Words>("full", 7, 0).blocks().every(121, 25).case(),
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

pub fn world<T: Numbered>(level: u64, earlier: u64) -> impl Fn() -> Tube<T> {
    move || {
        let pipe = PipeBuilder::new().capacity(CAPACITY).pipe::<T>();
        let (mut sender, mut receiver) = pipe.expect("memory");
        for number in 0..earlier {
            assert!(sender.try_send(T::new(number)).is_ok() && receiver.try_recv().is_ok());
        }
        for number in 1..=level {
            assert!(sender.try_send(T::new(number)).is_ok());
        }
        Tube {
            sender: RefCell::new(Some(sender)),
            receiver: RefCell::new(Some(receiver)),
            level,
            last: Mapped::new(AtomicU64::new(0)),
        }
    }
}

impl<T: Numbered> Tube<T> {
    fn sender(&self) -> PipeSender<T> {
        let mut sender = self.sender.take().expect("one process takes it, once");
        // SAFETY: nobody but the maker of this world had it, before the fork.
        unsafe { sender.adopt() }.expect("it was not given up");
        sender
    }

    fn receiver(&self) -> PipeReceiver<T> {
        let mut receiver = self.receiver.take().expect("one process takes it, once");
        // SAFETY: as in `sender`.
        unsafe { receiver.adopt() }.expect("it was not given up");
        receiver
    }

    /// The victim's own. It is not dropped: that has rows of its own. Where it would have
    /// to wait, it was used until it no longer spins for long.
    pub fn warm_sender(&self) -> ManuallyDrop<PipeSender<T>> {
        first_use();
        let mut sender = ManuallyDrop::new(self.sender());
        if self.is_full() {
            for _ in 0..12 {
                let _ = sender.send_timeout(self.next(), Duration::ZERO);
            }
        }
        sender
    }

    pub fn next(&self) -> T {
        T::new(self.level + 1)
    }

    fn is_full(&self) -> bool {
        let record = |number| (8 + T::new(number).encoded_len()).next_multiple_of(8);
        (1..=self.level + 1).map(record).sum::<usize>() > CAPACITY
    }

    pub fn warm_receiver(&self) -> ManuallyDrop<PipeReceiver<T>> {
        first_use();
        let mut receiver = ManuallyDrop::new(self.receiver());
        if self.level == 0 {
            for _ in 0..12 {
                let _ = receiver.recv_timeout(Duration::ZERO);
            }
        }
        receiver
    }
}

/// What a process does once in its life.
fn first_use() {
    let (mut sender, mut receiver) = PipeBuilder::new().capacity(CAPACITY).pipe().expect("memory");
    assert_eq!((sender.send(1_u8), receiver.recv()), (Ok(()), Ok(1)));
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

pub fn drop_receiver<T: Numbered>(tube: &Tube<T>, begin: Begin) {
    let receiver = ManuallyDrop::into_inner(tube.warm_receiver());
    begin.now();
    drop(receiver);
}

/// Receives to the end of the stream: 1, 2, 3 and so on.
fn receive_to_end<T: Numbered>(tube: &Tube<T>, form: Form) -> Result<(), String> {
    let mut receiver = tube.receiver();
    for wanted in 1.. {
        match form.draw(&mut receiver) {
            Ok(message) => match message.number()? {
                number if number == wanted => tube.last.store(number, Ordering::Release),
                number => return Err(format!("{number} instead of {wanted}")),
            },
            Err(RecvError::Disconnected) => break,
            Err(other) => return Err(other.to_string()),
        }
    }
    // It stays so.
    match receiver.try_recv() {
        Err(RecvError::Disconnected) => Ok(()),
        other => Err(format!("after the end: {:?}", other.map(|message| message.number()))),
    }
}

/// Sends until there is nobody to send to, and has its message back then.
fn send_to_end<T: Numbered>(tube: &Tube<T>, form: Form) -> Result<(), String> {
    let mut sender = tube.sender();
    for number in tube.level + 1.. {
        match form.pour(&mut sender, T::new(number)) {
            Ok(()) => tube.last.store(number, Ordering::Release),
            Err(SendError::Disconnected(message)) if message.number() == Ok(number) => break,
            Err(other) => return Err(other.to_string()),
        }
    }
    match sender.try_send(T::new(0)) {
        Err(SendError::Disconnected(_)) => Ok(()),
        other => Err(format!("after the end: {other:?}")),
    }
}

pub fn receives<T: Numbered>(form: Form) -> impl Fn(&Tube<T>, &Peer<'_>) -> Result<(), String> {
    move |tube, _| receive_to_end(tube, form)
}

pub fn sends<T: Numbered>(form: Form) -> impl Fn(&Tube<T>, &Peer<'_>) -> Result<(), String> {
    move |tube, _| send_to_end(tube, form)
}

/// The victim was sending `N` messages, and a peer has received.
pub fn received<T: Numbered, const N: u64>(
    tube: &Tube<T>,
    after: &After<'_>,
) -> Result<(), String> {
    let last = tube.last.load(Ordering::Acquire);
    let sent = tube.level + N;
    if last > sent || last < if after.finished() { sent } else { tube.level } {
        return Err(format!("received up to {last}, with {} there and {N} more", tube.level));
    }
    Ok(())
}

/// The victim was sending `N` messages: receives what is there.
pub fn drain<T: Numbered, const N: u64>(tube: &Tube<T>, after: &After<'_>) -> Result<(), String> {
    leaves_no_descriptors(|| receive_to_end(tube, Form::Asleep))?;
    after.recovered();
    received::<T, N>(tube, after)
}

/// The victim was receiving, and a peer has sent; at most one message was taken out.
pub fn told<T: Numbered>(tube: &Tube<T>, _: &After<'_>) -> Result<(), String> {
    let last = tube.last.load(Ordering::Acquire).max(tube.level);
    if last > tube.level + 2 { Err(format!("sent up to {last}, to nobody")) } else { Ok(()) }
}

/// The victim was receiving: sends until there is no more room.
pub fn alone<T: Numbered>(tube: &Tube<T>, after: &After<'_>) -> Result<(), String> {
    leaves_no_descriptors(|| send_to_end(tube, Form::Asleep))?;
    after.recovered();
    Ok(())
}

fn leaves_no_descriptors(operation: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    let open = fds::open();
    operation()?;
    let left = fds::open();
    // The end's own mapping may have had the last descriptor.
    if left <= open { Ok(()) } else { Err(format!("{left} descriptors open, before {open}")) }
}
