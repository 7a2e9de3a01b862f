//! The queue against what the kernel has, a ring behind a mutex and, between threads,
//! crossbeam's ArrayQueue.

use std::cell::Cell;

use crate::common::bare::{Bare, Claim};
use crate::common::carry::{Actors, carry};
use crate::common::compare::{FEW, MANY, Unit, compare, cpu_nanoseconds_per_call};
use crate::common::frames::{BareFrames, Frames};
use crate::common::kernel::Kernel;
use crate::common::locked::Locked;
use crate::common::slots::{self, Steps};
use crate::common::transport::{Array, Ours, Payload, Transport};
use crate::common::trips::{Lines, Places, between, on_one_cpu, trips};

/// Senders and receivers.
const SHAPES: [(usize, usize); 4] = [(1, 1), (2, 2), (4, 1), (1, 4)];

pub fn rows() {
    alone::<u64>(8);
    alone::<[u64; 8]>(64);
    for shape in SHAPES {
        throughput::<u64>(8, shape);
        throughput::<[u64; 8]>(64, shape);
    }
    locked();
    crowd();
    frames();
    round_trip::<u64>(8);
    round_trip::<[u64; 8]>(64);
}

/// One thread sends a message and takes it out again: the way in and out, without
/// anybody to wait for or to share a cache line with.
fn alone<M: Payload>(bytes: usize) {
    fn there_and_out<M: Payload>(transport: &impl Transport<M>) -> f64 {
        let mut value = 0;
        cpu_nanoseconds_per_call(1000, || {
            value += 1;
            transport.send(M::of(value));
            assert_eq!(transport.recv().map(|message| message.value()), Some(value));
        })
    }
    let name = |peer| format!("queue/{bytes}B/alone/{peer}");
    let (queue, pipe, array) = (Ours::<M>::new(), Kernel::pipe(), Array::<M>::new(1));
    let locked = Locked::<M>::new();
    let ours = || there_and_out(&queue);
    let unit = Unit::Nanoseconds;
    compare(MANY, unit, &name("pipe"), "pipe(2)", ours, || there_and_out::<M>(&pipe));
    compare(MANY, unit, &name("array"), "ArrayQueue", ours, || there_and_out(&array));
    let peer = "ring, pthread_mutex_t";
    compare(MANY, unit, &name("locked"), peer, ours, || there_and_out(&locked));
}

fn throughput<M: Payload>(bytes: usize, shape: (usize, usize)) {
    let (senders, receivers) = shape;
    let name = |peer| format!("queue/{bytes}B/{senders}-to-{receivers}/{peer}");
    let ours = || carry(shape, &Ours::<M>::new(), Actors::Processes);
    let unit = Unit::PerSecond;
    compare(FEW, unit, &name("pipe"), "pipe(2)", ours, || {
        carry::<M>(shape, &Kernel::pipe(), Actors::Processes)
    });
    compare(FEW, unit, &name("seqpacket"), "SOCK_SEQPACKET", ours, || {
        carry::<M>(shape, &Kernel::seqpacket(), Actors::Processes)
    });
    compare(FEW, unit, &name("locked"), "ring, pthread_mutex_t", ours, || {
        carry::<M>(shape, &Locked::new(), Actors::Processes)
    });
    compare(FEW, unit, &name("array"), "ArrayQueue threads", ours, || {
        carry(shape, &Array::<M>::new(senders), Actors::Threads)
    });
}

/// Why a ring behind a mutex is not far behind with one on each side. Of each two figures
/// the first is not ours, but: a ring's without anything that ours does for its safety; the
/// same with an owner for each slot, and then with a hint as ours; and of the mutex, in how
/// many rounds, from one side to the other and back, it lets so many messages through.
fn locked() {
    let name = |what| format!("queue/8B/1-to-1/locked/{what}");
    let unit = Unit::PerSecond;
    for (claim, what) in
        [(Claim::Index, "bare"), (Claim::Owner, "owning"), (Claim::OwnerThenHint, "moving-on")]
    {
        let bare = || carry(SHAPES[0], &Bare::new(claim), Actors::Processes);
        compare(FEW, unit, &name(what), "ring, pthread_mutex_t", bare, || {
            carry::<u64>(SHAPES[0], &Locked::new(), Actors::Processes)
        });
    }
    let rounds = Cell::new(0.0);
    let messages = || {
        let ring = Locked::<u64>::counting();
        let messages = carry(SHAPES[0], &ring, Actors::Processes);
        rounds.set(messages / ring.messages_a_round());
        messages
    };
    compare(FEW, unit, &name("rounds"), "rounds of its mutex", messages, || rounds.get());
}

/// Many more processes than CPUs, against as many as there are.
fn crowd() {
    let of = |shape| carry::<u64>(shape, &Ours::new(), Actors::Processes);
    let name = "queue/8B/32-to-32/2-to-2";
    compare(FEW, Unit::PerSecond, name, "ours, 2 to 2", || of((32, 32)), || of((2, 2)));
}

/// 64 KiB in place.
fn frames() {
    let ours = || carry(SHAPES[0], &Frames::new(), Actors::Processes);
    compare(FEW, Unit::PerSecond, "queue/64KiB/in-place/bare", "a bare ring", ours, || {
        carry(SHAPES[0], &BareFrames::new(), Actors::Processes)
    });
}

/// There and back again, one message at a time.
fn round_trip<M: Payload>(bytes: usize) {
    let name = |peer: &str| format!("queue/{bytes}B/round-trip/{peer}");
    let ours = |places| echoed(places, Ours::<M>::new);
    let pipe = || echoed::<M, _>(Places::Any, Kernel::pipe);
    let wherever = || ours(Places::Any);
    let unit = Unit::Nanoseconds;
    compare(FEW, unit, &name("pipe"), "pipe(2)", wherever, pipe);
    compare(FEW, unit, &name("array"), "ArrayQueue threads", wherever, || {
        echoed_by_thread(|| Array::<M>::new(1))
    });
    let apart = || ours(Places::Apart);
    compare(FEW, unit, &name("lines"), "bare cache lines", apart, || Lines::trip(bytes));
    // What that is made of: of the two figures the first is the stripped-down one.
    for (steps, what) in
        [(Steps::Move, "moving"), (Steps::Own, "owning"), (Steps::Fetch, "fetching")]
    {
        let stripped = || slots::trip(bytes, steps);
        let name = name(&format!("lines/{what}"));
        compare(FEW, unit, &name, "bare cache lines", stripped, || Lines::trip(bytes));
    }
    let on_one = || on_one_cpu(wherever);
    compare(FEW, unit, &name("one-cpu/pipe"), "pipe(2)", on_one, || on_one_cpu(pipe));
}

/// Nanoseconds of a round trip between processes.
fn echoed<M: Payload, T: Transport<M>>(places: Places, new: impl Fn() -> T) -> f64 {
    let (there, back) = (new(), new());
    between(places, || echo(&there, &back), || ask(&there, &back))
}

fn echoed_by_thread<M: Payload, T: Transport<M>>(new: impl Fn() -> T) -> f64 {
    let (there, back) = (&new(), &new());
    std::thread::scope(|scope| {
        scope.spawn(|| echo(there, back));
        ask(there, back)
    })
}

/// Sends back what comes, up to number 0.
fn echo<M: Payload>(there: &impl Transport<M>, back: &impl Transport<M>) {
    while let Some(message) = there.recv() {
        if message.value() == 0 {
            return;
        }
        back.send(message);
    }
}

fn ask<M: Payload>(there: &impl Transport<M>, back: &impl Transport<M>) -> f64 {
    let nanoseconds = trips(|value| {
        there.send(M::of(value));
        assert_eq!(back.recv().map(|message| message.value()), Some(value));
    });
    there.send(M::of(0));
    nanoseconds
}
