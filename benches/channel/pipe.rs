//! The pipe against rtrb, between threads; and there and back again between processes,
//! against pipe(2) and against nothing but the cache lines that it takes.
//!
//! Every message is checked to be the next one, at both of its ends.
#![allow(unsafe_code)]

use std::io::{PipeReader, PipeWriter, Read, Write};
use std::sync::Mutex;

use killproof::channel::{Duplex, PipeBuilder, PipeReceiver, PipeSender};
use rtrb::{Consumer, Producer, RingBuffer};

use crate::common::compare::{FEW, Unit, compare};
use crate::common::records::{self, Records};
use crate::common::trips::{Lines, Places, between, on_one_cpu, trips, wait};
use crate::common::workers::{Board, Crew};

/// Bytes of a ring, ours and rtrb's.
const RING: usize = 256 << 10;
const NUMBER: usize = size_of::<u64>();

pub fn rows() {
    for len in [64, 1 << 10, 64 << 10] {
        throughput(len);
    }
    for len in [64, 1 << 10] {
        round_trip(len);
    }
}

trait Sends: Send {
    fn send(&mut self, bytes: &[u8]);
}

trait Receives: Send {
    /// False at the end of the stream.
    fn recv(&mut self, into: &mut Vec<u8>) -> bool;
}

impl Sends for PipeSender<Vec<u8>> {
    #[inline]
    fn send(&mut self, bytes: &[u8]) {
        self.send_bytes(bytes).unwrap();
    }
}

impl Receives for PipeReceiver<Vec<u8>> {
    #[inline]
    fn recv(&mut self, into: &mut Vec<u8>) -> bool {
        self.recv_into(into).is_ok()
    }
}

impl Sends for Producer<u8> {
    #[inline]
    fn send(&mut self, bytes: &[u8]) {
        let mut looks = 0;
        while self.slots() < bytes.len() {
            wait(&mut looks);
        }
        let mut chunk = self.write_chunk(bytes.len()).unwrap();
        let (first, second) = chunk.as_mut_slices();
        let (start, rest) = bytes.split_at(first.len());
        first.copy_from_slice(start);
        second.copy_from_slice(rest);
        chunk.commit_all();
    }
}

/// `into` says how long a message is.
impl Receives for Consumer<u8> {
    #[inline]
    fn recv(&mut self, into: &mut Vec<u8>) -> bool {
        let (len, mut looks) = (into.len(), 0);
        while self.slots() < len {
            // Asked first: what was sent before the sender ended is there.
            if self.is_abandoned() && self.slots() < len {
                return false;
            }
            wait(&mut looks);
        }
        let chunk = self.read_chunk(len).unwrap();
        let (first, second) = chunk.as_slices();
        into.clear();
        into.extend_from_slice(first);
        into.extend_from_slice(second);
        chunk.commit_all();
        true
    }
}

impl Sends for PipeWriter {
    fn send(&mut self, bytes: &[u8]) {
        self.write_all(bytes).unwrap();
    }
}

impl Receives for PipeReader {
    fn recv(&mut self, into: &mut Vec<u8>) -> bool {
        self.read_exact(into).is_ok()
    }
}

/// The number stands at both ends of the message.
fn write(message: &mut [u8], number: u64) {
    let len = message.len();
    message[..NUMBER].copy_from_slice(&number.to_ne_bytes());
    message[len - NUMBER..].copy_from_slice(&number.to_ne_bytes());
}

fn check(message: &[u8], number: u64) {
    assert_eq!(message[..NUMBER], number.to_ne_bytes());
    assert_eq!(message[message.len() - NUMBER..], number.to_ne_bytes());
}

fn throughput(len: usize) {
    let ours = || {
        let (sender, receiver) = PipeBuilder::new().capacity(RING).pipe::<Vec<u8>>().unwrap();
        carry(len, sender, receiver)
    };
    compare(FEW, Unit::PerSecond, &format!("pipe/{len}B/threads/rtrb"), "rtrb", ours, || {
        let (producer, consumer) = RingBuffer::new(RING);
        carry(len, producer, consumer)
    });
}

/// Carries messages for a while, from thread to thread; how many a second.
fn carry(len: usize, sender: impl Sends, receiver: impl Receives) -> f64 {
    let board = Board::new();
    let (sender, receiver) = (Mutex::new(Some(sender)), Mutex::new(Some(receiver)));
    let receive = |worker: usize| {
        let mut receiver = receiver.lock().unwrap().take().unwrap();
        let mut message = vec![0; len];
        let mut count = 0;
        while receiver.recv(&mut message) {
            check(&message, count);
            count += 1;
            board.count(worker);
        }
        board.received().add(count, 0);
    };
    let send = |_: usize| {
        let mut sender = sender.lock().unwrap().take().unwrap();
        let mut message = vec![0; len];
        let mut count = 0;
        while !board.is_stopped() {
            write(&mut message, count);
            sender.send(&message);
            count += 1;
        }
        board.sent().add(count, 0);
    };
    let members = [&receive as &(dyn Fn(usize) + Sync), &send];
    let pace = Crew { members: &members, watched: 1 }.as_threads(&board);
    assert!(board.is_even(), "messages lost or doubled");
    pace.per_second
}

fn round_trip(len: usize) {
    let name = |peer: &str| format!("pipe/{len}B/round-trip/{peer}");
    let unit = Unit::Nanoseconds;
    let wherever = || through_ours(len, Places::Any);
    let pipe = || through_the_kernels(len);
    compare(FEW, unit, &name("pipe"), "pipe(2)", wherever, pipe);
    let apart = || through_ours(len, Places::Apart);
    compare(FEW, unit, &name("lines"), "bare cache lines", apart, || Lines::trip(len));
    // What that is made of: of the two figures the first is the stripped-down one.
    for (records, what) in [(Records::Stay, "index"), (Records::Move, "moving")] {
        let stripped = || records::trip(len, records);
        let name = name(&format!("lines/{what}"));
        compare(FEW, unit, &name, "bare cache lines", stripped, || Lines::trip(len));
    }
    let on_one = || on_one_cpu(wherever);
    compare(FEW, unit, &name("one-cpu/pipe"), "pipe(2)", on_one, || on_one_cpu(pipe));
}

fn through_the_kernels(len: usize) -> f64 {
    let (mut its_reader, mut writer) = std::io::pipe().unwrap();
    let (mut reader, mut its_writer) = std::io::pipe().unwrap();
    let echo = || echo(len, &mut its_reader, &mut its_writer);
    between(Places::Any, echo, || ask(len, &mut writer, &mut reader))
}

fn through_ours(len: usize, places: Places) -> f64 {
    type End = Duplex<Vec<u8>, Vec<u8>>;
    let (mut ours, mut its): (End, End) = PipeBuilder::new().capacity(RING).duplex().unwrap();
    let echo = || {
        // SAFETY: this fork is the first to use it.
        unsafe { its.adopt() }.unwrap();
        let (sender, receiver) = its.as_ends();
        echo(len, receiver, sender);
    };
    let (sender, receiver) = ours.as_ends();
    between(places, echo, || ask(len, sender, receiver))
}

/// Sends back what comes, to number 0.
fn echo(len: usize, receiver: &mut impl Receives, sender: &mut impl Sends) {
    let mut message = vec![0; len];
    while receiver.recv(&mut message) && message[..NUMBER] != 0_u64.to_ne_bytes() {
        sender.send(&message);
    }
}

fn ask(len: usize, sender: &mut impl Sends, receiver: &mut impl Receives) -> f64 {
    let mut message = vec![0; len];
    let nanoseconds = trips(|number| {
        write(&mut message, number);
        sender.send(&message);
        assert!(receiver.recv(&mut message));
        check(&message, number);
    });
    write(&mut message, 0);
    sender.send(&message);
    nanoseconds
}
