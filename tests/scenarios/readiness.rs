//! Whoever waits for a descriptor, by poll(2), by edge-triggered epoll, by `select`
//! or in tokio, misses nothing.

use std::mem::{self, ManuallyDrop};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use killproof::channel::{Receiver, RecvError, Sender, queue};
use killproof::sync::Event;
use killproof::{Ready, process, select};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;

use crate::common::case::Case;
use crate::common::child::{Child, fork};
use crate::common::forms::{BY_DESCRIPTOR, Form};
use crate::common::mapped::{Gate, Mapped};
use crate::common::trace::mark;
use crate::descriptors::exhaust;
use crate::frozen::{freeze, steps_until};
use crate::{expect, fall_asleep, finish, kill, scenario};

type Ends = (Sender<u64>, Receiver<u64>);
type Take = fn(&Receiver<u64>) -> Result<u64, RecvError>;

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        scenario("two poll one queue", || two_take(polling)),
        scenario("two poll one queue, edges", || two_take(by_edges)),
        scenario("two select from one queue", || two_take(by_select)),
        scenario("the only sender killed, poll", || only_sender(polling)),
        scenario("the only sender killed, edges", || only_sender(by_edges)),
        scenario("the only sender killed, select", || only_sender(by_select)),
        scenario("killed before it rings, poll", || killed_before_it_rings(polling)),
        scenario("killed before it rings, edges", || killed_before_it_rings(by_edges)),
        scenario("killed before it rings, select", || killed_before_it_rings(by_select)),
        scenario("a leaser killed, poll", || leaser_killed(polling)),
        scenario("a leaser killed, select", || leaser_killed(by_select)),
        scenario("a child has a descriptor of its own", forked),
        scenario("no descriptors left, readiness", no_descriptors),
        scenario("an event's edges come after its flag", event_by_edges),
        scenario("select tells which", which),
        scenario("select takes turns", turns),
    ];
    if BY_DESCRIPTOR.len() > 1 {
        cases.extend([
            scenario("two poll one queue, tokio", || two_take(awaiting)),
            scenario("the only sender killed, tokio", || only_sender(awaiting)),
            scenario("killed before it rings, tokio", || killed_before_it_rings(awaiting)),
            scenario("a leaser killed, tokio", || leaser_killed(awaiting)),
        ]);
    }
    cases
}

fn polling(receiver: &Receiver<u64>) -> Result<u64, RecvError> {
    Form::Polling.recv(receiver)
}

fn awaiting(receiver: &Receiver<u64>) -> Result<u64, RecvError> {
    BY_DESCRIPTOR[BY_DESCRIPTOR.len() - 1].recv(receiver)
}

fn by_select(receiver: &Receiver<u64>) -> Result<u64, RecvError> {
    loop {
        expect("chosen", select(&[receiver], None), Ok(Some(0))).expect("nothing else is there");
        match receiver.try_recv() {
            Err(RecvError::Empty) => {}
            answer => return answer,
        }
    }
}

/// An edge-triggered epoll, which tells of each change once.
fn by_edges(receiver: &Receiver<u64>) -> Result<u64, RecvError> {
    let set = epoll::create(CreateFlags::CLOEXEC).expect("descriptors");
    let fd = receiver.ready_fd().expect("descriptors");
    let edges = EventFlags::IN | EventFlags::ET;
    epoll::add(&set, fd, EventData::new_u64(0), edges).expect("descriptors");
    loop {
        next_edge(&set);
        match receiver.try_recv() {
            Err(RecvError::Empty) => {}
            answer => return answer,
        }
    }
}

fn next_edge(set: &OwnedFd) {
    let mut seen = Vec::with_capacity(4);
    match epoll::wait(set, spare_capacity(&mut seen), None) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(other) => panic!("epoll_wait: {other}"),
    }
}

fn ends() -> Result<Ends, String> {
    queue(4).map_err(|e| e.to_string())
}

/// A process that takes one message and then does nothing, but lives.
fn taker(receiver: &Receiver<u64>, take: Take, got: &Gate, over: &Gate) -> Result<Child, String> {
    let begins = Mapped::new(Gate::default());
    let taker = fork(|| {
        begins.open();
        take(receiver).map_err(|e| e.to_string())?;
        got.open();
        over.pass();
        Ok(())
    });
    fall_asleep(&taker, &begins)?;
    Ok(taker)
}

/// One bell for both: who is first silences it, and looks no further.
fn two_take(take: Take) -> Result<String, String> {
    let (sender, receiver) = ends()?;
    let gates = Mapped::new(<[Gate; 3]>::default());
    let [first, second, over] = &*gates;
    let takers = [taker(&receiver, take, first, over)?, taker(&receiver, take, second, over)?];
    for number in [1, 2] {
        sender.send(number).map_err(|e| e.to_string())?;
    }
    first.pass();
    second.pass();
    over.open();
    takers.iter().try_for_each(|taker| finish("a taker", taker)).map(|()| String::new())
}

fn only_sender(take: Take) -> Result<String, String> {
    let (sender, receiver) = ends()?;
    let gates = Mapped::new(<[Gate; 3]>::default());
    let [holds, never, begins] = &*gates;
    let producer = fork(|| {
        // Counted at its first use.
        sender.send(1).map_err(|e| e.to_string())?;
        holds.open();
        never.pass();
        Ok(())
    });
    holds.pass();
    drop(sender);
    let consumer = fork(|| {
        expect("the message", take(&receiver), Ok(1))?;
        begins.open();
        expect("the end", take(&receiver), Err(RecvError::Disconnected))
    });
    fall_asleep(&consumer, begins)?;
    kill(&producer);
    finish("the consumer", &consumer).map(|()| String::new())
}

/// The message is there, and nobody was told.
fn killed_before_it_rings(take: Take) -> Result<String, String> {
    let send = |(sender, _): &Ends| {
        let sender = ManuallyDrop::new(sender.clone());
        mark();
        assert_eq!(sender.send(1), Ok(()));
    };
    let committed = steps_until(ends, send, |(_, receiver)| receiver.len() == 1)?;
    let ends = ends()?;
    let begins = Mapped::new(Gate::default());
    let consumer = fork(|| {
        begins.open();
        expect("the message", take(&ends.1), Ok(1))
    });
    fall_asleep(&consumer, &begins)?;
    let frozen = freeze(|| send(&ends), committed)?;
    kill(frozen.child());
    finish("the consumer", &consumer).map(|()| String::new())
}

fn leaser_killed(take: Take) -> Result<String, String> {
    let (sender, receiver) = ends()?;
    sender.send(1).map_err(|e| e.to_string())?;
    let gates = Mapped::new(<[Gate; 3]>::default());
    let [holds, never, begins] = &*gates;
    let worker = fork(|| {
        mem::forget(receiver.lease().map_err(|e| e.to_string())?);
        holds.open();
        never.pass();
        Ok(())
    });
    holds.pass();
    let other = fork(|| {
        begins.open();
        expect("the message", take(&receiver), Ok(1))
    });
    fall_asleep(&other, begins)?;
    kill(&worker);
    finish("the other", &other).map(|()| String::new())
}

/// What a child does with its own leaves its parent's as it was, and the other
/// way round.
fn forked() -> Result<String, String> {
    let (sender, receiver) = ends()?;
    let own = receiver.ready_fd().map_err(|e| e.to_string())?.as_raw_fd();
    let gates = Mapped::new(<[Gate; 2]>::default());
    let [begins, got] = &*gates;
    let child = fork(|| {
        let its = receiver.ready_fd().map_err(|e| e.to_string())?.as_raw_fd();
        if its == own {
            return Err("has its parent's descriptor".into());
        }
        begins.open();
        expect("in the child", polling(&receiver), Ok(1))?;
        got.open();
        expect("the next in the child", polling(&receiver), Ok(2))
    });
    fall_asleep(&child, begins)?;
    sender.send(1).map_err(|e| e.to_string())?;
    got.pass();
    sender.send(2).map_err(|e| e.to_string())?;
    finish("the child", &child)?;
    sender.send(3).map_err(|e| e.to_string())?;
    expect("in the parent", polling(&receiver), Ok(3))?;
    let same = receiver.ready_fd().map_err(|e| e.to_string())?.as_raw_fd();
    expect("the parent's descriptor", same, own).map(|()| String::new())
}

/// The descriptor is refused with a clear error; `select` needs none.
fn no_descriptors() -> Result<String, String> {
    let (sender, receiver) = ends()?;
    let begins = Mapped::new(Gate::default());
    let consumer = fork(|| {
        expect("before", receiver.try_recv(), Err(RecvError::Empty))?;
        exhaust()?;
        let refused = receiver.ready_fd().map(|fd| fd.as_raw_fd()).map_err(|e| e.raw_os_error());
        expect("the descriptor", refused, Err(Some(libc::EMFILE)))?;
        begins.open();
        expect("by select", by_select(&receiver), Ok(1))
    });
    fall_asleep(&consumer, &begins)?;
    sender.send(1).map_err(|e| e.to_string())?;
    finish("the consumer", &consumer).map(|()| String::new())
}

fn which() -> Result<String, String> {
    let (sender, receiver) = ends()?;
    let event = Event::new().map_err(|e| e.to_string())?;
    let its = event.clone();
    let child = process::spawn(move || its.wait()).map_err(|e| e.to_string())?;
    let now = Some(Duration::ZERO);
    let things: [&dyn Ready; 3] = [&receiver, &event, &child];
    expect("nothing", select(&things, now), Ok(None))?;
    expect("room", select(&[&receiver, &sender], None), Ok(Some(1)))?;
    sender.send(1).map_err(|e| e.to_string())?;
    expect("a message", select(&things, None), Ok(Some(0)))?;
    expect("the message", receiver.try_recv(), Ok(1))?;
    event.set();
    expect("the event", select(&things[..2], None), Ok(Some(1)))?;
    expect("the child", select(&[&receiver, &child], None), Ok(Some(1)))?;
    event.clear();
    sender.close();
    expect("closed", select(&things[..2], None), Ok(Some(0)))?;
    expect("its value", child.join(), Ok(()))?;
    expect("no thing, no time", select(&[], None), Ok(None)).map(|()| String::new())
}

/// Nobody dies, and no timer makes up for an edge that came before its flag.
fn event_by_edges() -> Result<String, String> {
    const ROUNDS: u32 = 5000;
    let [ask, answer] = [Event::new(), Event::new()].map(|event| event.expect("memory"));
    let set = epoll::create(CreateFlags::CLOEXEC).expect("descriptors");
    let edges = EventFlags::IN | EventFlags::ET;
    epoll::add(&set, &answer, EventData::new_u64(0), edges).expect("descriptors");
    let other = fork(|| {
        for round in 0..ROUNDS {
            ask.wait();
            ask.clear();
            // Not always as the one who asked falls asleep.
            (0..round % 64 * 64).for_each(|_| std::hint::spin_loop());
            answer.set();
        }
        Ok(())
    });
    for _ in 0..ROUNDS {
        ask.set();
        while !answer.is_set() {
            next_edge(&set);
        }
        answer.clear();
    }
    finish("who answers", &other).map(|()| String::new())
}

/// Of two that are always ready, none waits for the other.
fn turns() -> Result<String, String> {
    let events = [Event::new(), Event::new()].map(|event| event.expect("memory"));
    events.iter().for_each(Event::set);
    let mut seen = [0; 2];
    for _ in 0..10 {
        let index = select(&[&events[0], &events[1]], None).map_err(|e| e.to_string())?;
        seen[index.ok_or("none")?] += 1;
    }
    expect("turns", seen, [5, 5]).map(|()| String::new())
}
