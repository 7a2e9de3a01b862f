//! Whoever waits for a descriptor of a pipe's end misses nothing.

use std::os::fd::AsRawFd;
use std::time::Duration;

use killproof::channel::{PipeBuilder, PipeReceiver, PipeSender, RecvError, SendError, pipe};
use killproof::process::spawn;
use killproof::{Ready, select};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;

use crate::common::case::Case;
use crate::common::child::fork;
use crate::common::forms::{BY_DESCRIPTOR, Form};
use crate::common::mapped::{Gate, Mapped};
use crate::common::trace::mark;
use crate::descriptors::exhaust;
use crate::frozen::{freeze, steps_until};
use crate::{expect, fall_asleep, finish, kill, scenario};

type Word = [u64; 7];
type Ends = (PipeSender<Word>, PipeReceiver<Word>);
type Draw = fn(&mut PipeReceiver<Word>) -> Result<Word, RecvError>;
type Pour = fn(&mut PipeSender<Word>, Word) -> Result<(), SendError<Word>>;

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        scenario("a pipe's message, poll", || message(polling)),
        scenario("a pipe's message, edges", || message(by_edges)),
        scenario("a pipe's message, select", || message(by_select)),
        scenario("a pipe's sender killed, poll", || sender_killed(polling)),
        scenario("a pipe's sender killed, edges", || sender_killed(by_edges)),
        scenario("a pipe's sender killed, select", || sender_killed(by_select)),
        scenario("a pipe's sender killed before it rings, poll", || killed_before(polling)),
        scenario("a pipe's sender killed before it rings, edges", || killed_before(by_edges)),
        scenario("a pipe's sender killed before it rings, select", || killed_before(by_select)),
        scenario("a pipe's receiver killed, poll", || receiver_killed(pouring)),
        scenario("a pipe's receiver killed, select", || receiver_killed(pouring_by_select)),
        scenario("a pipe's descriptor after a move", moved),
        scenario("a pipe's descriptor of an end that is not ours", not_ours),
        scenario("a pipe's room for a large message", room),
        scenario("no descriptors left, a pipe's readiness", no_descriptors),
    ];
    if BY_DESCRIPTOR.len() > 1 {
        cases.extend([
            scenario("a pipe's message, tokio", || message(awaiting)),
            scenario("a pipe's sender killed, tokio", || sender_killed(awaiting)),
            scenario("a pipe's sender killed before it rings, tokio", || killed_before(awaiting)),
            scenario("a pipe's receiver killed, tokio", || receiver_killed(pouring_awaiting)),
        ]);
    }
    cases
}

fn polling(receiver: &mut PipeReceiver<Word>) -> Result<Word, RecvError> {
    Form::Polling.draw(receiver)
}

fn awaiting(receiver: &mut PipeReceiver<Word>) -> Result<Word, RecvError> {
    BY_DESCRIPTOR[BY_DESCRIPTOR.len() - 1].draw(receiver)
}

fn pouring(sender: &mut PipeSender<Word>, value: Word) -> Result<(), SendError<Word>> {
    Form::Polling.pour(sender, value)
}

fn pouring_awaiting(sender: &mut PipeSender<Word>, value: Word) -> Result<(), SendError<Word>> {
    BY_DESCRIPTOR[BY_DESCRIPTOR.len() - 1].pour(sender, value)
}

fn by_select(receiver: &mut PipeReceiver<Word>) -> Result<Word, RecvError> {
    loop {
        expect("chosen", select(&[receiver], None), Ok(Some(0))).expect("nothing else is there");
        match receiver.try_recv() {
            Err(RecvError::Empty) => {}
            answer => return answer,
        }
    }
}

fn pouring_by_select(sender: &mut PipeSender<Word>, value: Word) -> Result<(), SendError<Word>> {
    loop {
        expect("chosen", select(&[sender], None), Ok(Some(0))).expect("nothing else is there");
        match sender.try_send(value) {
            Err(SendError::Full(_)) => {}
            answer => return answer,
        }
    }
}

/// An edge-triggered epoll, which tells of each change once.
fn by_edges(receiver: &mut PipeReceiver<Word>) -> Result<Word, RecvError> {
    let set = epoll::create(CreateFlags::CLOEXEC).expect("descriptors");
    let edges = EventFlags::IN | EventFlags::ET;
    let fd = receiver.ready_fd().expect("descriptors");
    epoll::add(&set, fd, EventData::new_u64(0), edges).expect("descriptors");
    loop {
        let mut seen = Vec::with_capacity(4);
        match epoll::wait(&set, spare_capacity(&mut seen), None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(other) => panic!("epoll_wait: {other}"),
        }
        match receiver.try_recv() {
            Err(RecvError::Empty) => {}
            answer => return answer,
        }
    }
}

/// With room for one message.
fn ends() -> Result<Ends, String> {
    PipeBuilder::new().capacity(64).pipe().map_err(|e| e.to_string())
}

/// This process's from now on, in a child made by a bare fork.
#[allow(unsafe_code)]
fn adopt_receiver(receiver: &mut PipeReceiver<Word>) -> Result<(), String> {
    // SAFETY: its parent leaves the receiver alone.
    unsafe { receiver.adopt() }.map_err(|e| e.to_string())
}

#[allow(unsafe_code)]
fn adopt_sender(sender: &mut PipeSender<Word>) -> Result<(), String> {
    // SAFETY: its parent leaves the sender alone.
    unsafe { sender.adopt() }.map_err(|e| e.to_string())
}

/// One after the other, and at last the end, each told to who waits.
fn message(draw: Draw) -> Result<String, String> {
    let (mut sender, mut receiver) = ends()?;
    let gates = Mapped::new(<[Gate; 3]>::default());
    let [begins, second, third] = &*gates;
    let consumer = fork(|| {
        adopt_receiver(&mut receiver)?;
        for (number, gate) in [(1, begins), (2, second)] {
            gate.open();
            expect("a message", draw(&mut receiver), Ok([number; 7]))?;
        }
        third.open();
        expect("the end", draw(&mut receiver), Err(RecvError::Disconnected))
    });
    for (number, gate) in [(1, begins), (2, second)] {
        fall_asleep(&consumer, gate)?;
        expect("sent", sender.send([number; 7]), Ok(()))?;
    }
    fall_asleep(&consumer, third)?;
    drop(sender);
    finish("the consumer", &consumer).map(|()| String::new())
}

fn sender_killed(draw: Draw) -> Result<String, String> {
    let (mut sender, mut receiver) = ends()?;
    let gates = Mapped::new(<[Gate; 3]>::default());
    let [holds, never, begins] = &*gates;
    let producer = fork(|| {
        adopt_sender(&mut sender)?;
        expect("sent", sender.send([1; 7]), Ok(()))?;
        holds.open();
        never.pass();
        Ok(())
    });
    holds.pass();
    let consumer = fork(|| {
        adopt_receiver(&mut receiver)?;
        expect("the message", draw(&mut receiver), Ok([1; 7]))?;
        begins.open();
        expect("the end", draw(&mut receiver), Err(RecvError::Disconnected))
    });
    fall_asleep(&consumer, begins)?;
    kill(&producer);
    finish("the consumer", &consumer).map(|()| String::new())
}

/// The message is there, and nobody was told.
fn killed_before(draw: Draw) -> Result<String, String> {
    type World = std::cell::RefCell<Ends>;
    let world = || ends().map(World::new);
    let send = |world: &World| {
        let mut ends = world.borrow_mut();
        adopt_sender(&mut ends.0).expect("it was not given up");
        mark();
        assert_eq!(ends.0.send([1; 7]), Ok(()));
        std::mem::forget(ends);
    };
    let received = |world: &World| world.borrow_mut().1.try_recv() == Ok([1; 7]);
    let committed = steps_until(world, send, received)?;
    let world = world()?;
    let begins = Mapped::new(Gate::default());
    let consumer = fork(|| {
        let receiver = &mut world.borrow_mut().1;
        adopt_receiver(receiver)?;
        begins.open();
        expect("the message", draw(receiver), Ok([1; 7]))?;
        expect("the end", draw(receiver), Err(RecvError::Disconnected))
    });
    fall_asleep(&consumer, &begins)?;
    let frozen = freeze(|| send(&world), committed)?;
    kill(frozen.child());
    finish("the consumer", &consumer)?;
    Ok(format!("committed at step {committed}"))
}

fn receiver_killed(pour: Pour) -> Result<String, String> {
    let (mut sender, mut receiver) = ends()?;
    let gates = Mapped::new(<[Gate; 3]>::default());
    let [holds, never, begins] = &*gates;
    let consumer = fork(|| {
        adopt_receiver(&mut receiver)?;
        holds.open();
        never.pass();
        Ok(())
    });
    holds.pass();
    let producer = fork(|| {
        adopt_sender(&mut sender)?;
        expect("the first", pour(&mut sender, [1; 7]), Ok(()))?;
        begins.open();
        expect("the next", pour(&mut sender, [2; 7]), Err(SendError::Disconnected([2; 7])))
    });
    fall_asleep(&producer, begins)?;
    kill(&consumer);
    finish("the producer", &producer).map(|()| String::new())
}

/// The child has a descriptor of its own, and what its parent had was closed.
fn moved() -> Result<String, String> {
    let (mut sender, mut receiver) = ends()?;
    let own = receiver.ready_fd().map_err(|e| e.to_string())?.as_raw_fd();
    let child = spawn(move || {
        let its = receiver.ready_fd().map(|fd| fd.as_raw_fd());
        (its.is_ok_and(|its| its != own), polling(&mut receiver) == Ok([1; 7]))
    });
    let child = child.map_err(|e| e.to_string())?;
    expect("sent", sender.send([1; 7]), Ok(()))?;
    expect("the child", child.join(), Ok((true, true)))?;
    expect("by poll", pouring(&mut sender, [2; 7]), Err(SendError::Disconnected([2; 7])))?;
    Ok(String::new())
}

/// Refused: it would silence the bell of whoever has it.
fn not_ours() -> Result<String, String> {
    let (mut sender, mut receiver) = ends()?;
    let child = fork(|| {
        let refused = |thing: &dyn Ready| {
            let fd = thing.ready_fd().map(|fd| fd.as_raw_fd());
            let chosen = select(&[thing], None);
            fd.is_err_and(|e| e.is_not_owner()) && chosen.is_err_and(|e| e.is_not_owner())
        };
        expect("refused", [refused(&sender), refused(&receiver)], [true; 2])
    });
    finish("the child", &child)?;
    expect("sent", sender.send([1; 7]), Ok(()))?;
    expect("received", polling(&mut receiver), Ok([1; 7])).map(|()| String::new())
}

/// Who was refused a large message is not told of room for a small one.
fn room() -> Result<String, String> {
    let (mut sender, mut receiver) = pipe::<Vec<u8>>().map_err(|e| e.to_string())?;
    let small = || vec![0; 1000];
    let count = (0..).take_while(|_| sender.try_send(small()).is_ok()).count();
    let large = vec![1; 50_000];
    let tried = sender.try_send(large.clone());
    expect("refused", tried, Err(SendError::Full(large.clone())))?;
    let now = Some(Duration::ZERO);
    expect("full", select(&[&sender], now), Ok(None))?;
    expect("one is out", receiver.recv(), Ok(small()))?;
    expect("room for a small one", select(&[&sender], now), Ok(None))?;
    for _ in 1..count {
        expect("another is out", receiver.recv(), Ok(small()))?;
    }
    expect("room for it", select(&[&receiver, &sender], None), Ok(Some(1)))?;
    expect("sent", sender.try_send(large.clone()), Ok(()))?;
    expect("a message", select(&[&receiver], None), Ok(Some(0)))?;
    expect("room for some", select(&[&sender], now), Ok(Some(0))).map(|()| String::new())
}

/// The descriptor is refused with a clear error; `select` needs none.
fn no_descriptors() -> Result<String, String> {
    let (mut sender, mut receiver) = ends()?;
    let begins = Mapped::new(Gate::default());
    let consumer = fork(|| {
        adopt_receiver(&mut receiver)?;
        expect("before", receiver.try_recv(), Err(RecvError::Empty))?;
        exhaust()?;
        let refused = receiver.ready_fd().map(|fd| fd.as_raw_fd()).map_err(|e| e.raw_os_error());
        expect("the descriptor", refused, Err(Some(libc::EMFILE)))?;
        begins.open();
        expect("by select", by_select(&mut receiver), Ok([1; 7]))
    });
    fall_asleep(&consumer, &begins)?;
    expect("sent", sender.send([1; 7]), Ok(()))?;
    finish("the consumer", &consumer).map(|()| String::new())
}
