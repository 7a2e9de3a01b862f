//! The world of the pipe's rows: a pipe with some messages in it, of which each process
//! takes an end; and what the other end must be told.

#![allow(unsafe_code)]

use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use killproof::channel::{PipeBuilder, PipeReceiver, PipeSender, RecvError, SendError};

use crate::common::fds;
use crate::common::forms::Form;
use crate::common::mapped::Mapped;
use crate::common::numbered::Numbered;
use crate::row::{After, Peer};

/// Room for seven messages of words. Where the name says so, the message of the row is
/// in two pieces.
pub const CAPACITY: usize = 512;

pub struct Tube<T: Numbered> {
    sender: RefCell<Option<PipeSender<T>>>,
    receiver: RefCell<Option<PipeReceiver<T>>>,
    /// Messages 1 to this are in it.
    pub level: u64,
    /// The last one that the survivor received, or sent.
    last: Mapped<AtomicU64>,
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
    pub fn sender(&self) -> PipeSender<T> {
        let mut sender = self.sender.take().expect("one process takes it, once");
        // SAFETY: nobody but the maker of this world had it, before the fork.
        unsafe { sender.adopt() }.expect("it was not given up");
        sender
    }

    pub fn receiver(&self) -> PipeReceiver<T> {
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

/// Receives 1, 2, 3 and so on, and says which was the last, until nobody sends.
pub fn in_order<T: Numbered>(
    receiver: &mut PipeReceiver<T>,
    last: &AtomicU64,
    form: Form,
) -> Result<(), String> {
    for wanted in 1.. {
        match form.draw(receiver) {
            Ok(message) => match message.number()? {
                number if number == wanted => last.store(number, Ordering::Release),
                number => return Err(format!("{number} instead of {wanted}")),
            },
            Err(RecvError::Disconnected) => break,
            Err(other) => return Err(other.to_string()),
        }
    }
    Ok(())
}

/// Receives to the end of the stream.
fn receive_to_end<T: Numbered>(tube: &Tube<T>, form: Form) -> Result<(), String> {
    let mut receiver = tube.receiver();
    in_order(&mut receiver, &tube.last, form)?;
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
    all_or_more(&tube.last, tube.level, N, after)
}

/// The `last` that was received is of what was `there`, or of the victim's `more`: the last
/// of these if it has sent them.
pub fn all_or_more(
    last: &AtomicU64,
    there: u64,
    more: u64,
    after: &After<'_>,
) -> Result<(), String> {
    let (last, all) = (last.load(Ordering::Acquire), there + more);
    if last > all || last < if after.finished() { all } else { there } {
        return Err(format!("received up to {last}, with {there} there and {more} more"));
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
