//! Rows of spawn and join. Nobody is left over: a child whose parent died ends
//! before its closure begins, or runs it to its end.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use killproof::channel::RecvError;
use killproof::process::{Builder, Child, Zygote, spawn};
use nix::unistd::{getpid, getppid};

use crate::common::case::Case;
use crate::common::child::{children_of, is_running};
use crate::common::fds;
use crate::common::mapped::{Gate, Mapped, gate};
use crate::common::numbered::{Numbered, Words};
use crate::ends::{Ends, Shape};
use crate::row::{After, Begin, Peer, Row};

struct World {
    /// How often the closure ran.
    runs: Arc<Mapped<AtomicU32>>,
    may_end: Arc<Mapped<Gate>>,
}

pub fn cases() -> Vec<Case> {
    vec![
        Row::new("process spawn", world, spawn_one, nobody_is_left).every(31, 40).case(),
        Row::new("process spawn, zombie", world, spawn_one, nobody_is_left)
            .zombie()
            .every(61, 10)
            .case(),
        Row::new("process spawn, a daemon", world, spawn_daemon, no_daemon_is_left)
            .every(31, 40)
            .case(),
        Row::new("process spawn, the first daemon", world, spawn_first_daemon, no_daemon_is_left)
            .every(61, 20)
            .case(),
        Row::new("process Zygote start", world, start_zygote, no_daemon_is_left)
            .every(2003, 20)
            .case(),
        Row::new("process Zygote spawn", world, spawn_by_zygote, no_daemon_is_left)
            .every(31, 40)
            .case(),
        Row::new("process join, of a zygote's", world, join_of_zygote, no_daemon_is_left)
            .every(7, 40)
            .case(),
        Row::new("process spawn, with the last sender", ends, spawn_sender, over_for_receivers)
            .apart(Ends::drop_sender)
            .peer(receive_all)
            .every(61, 40)
            .case(),
        Row::new("process join", world, join_ended, nobody_is_left).every(3, 60).case(),
        Row::new("process join, waiting", world, join_running, nobody_is_left)
            .holder(let_it_end)
            .blocks()
            .every(3, 60)
            .case(),
    ]
}

fn world() -> World {
    World { runs: Arc::new(Mapped::new(AtomicU32::new(0))), may_end: gate() }
}

fn ends() -> Ends<Words> {
    Ends::new(Shape { capacity: 4, level: 0, earlier: 0 })
}

/// What is only done once was done.
fn warm_up() {
    assert_eq!(spawn(|| ()).expect("allowed").join(), Ok(()));
}

fn count(world: &World) -> impl FnOnce() -> u32 + Send + 'static {
    let runs = Arc::clone(&world.runs);
    move || runs.fetch_add(1, Ordering::AcqRel)
}

fn spawn_one(world: &World, begin: Begin) {
    warm_up();
    let body = count(world);
    begin.now();
    mem::forget(spawn(body));
}

/// It never ends by itself.
fn stay(world: &World) -> impl FnOnce() + Send + 'static {
    let (body, never) = (count(world), Arc::clone(&world.may_end));
    move || {
        body();
        never.pass();
    }
}

fn spawn_daemon(world: &World, begin: Begin) {
    warm_up();
    assert_eq!(Builder::new().daemon(true).spawn(|| ()).expect("allowed").join(), Ok(()));
    let body = stay(world);
    begin.now();
    mem::forget(Builder::new().daemon(true).spawn(body));
}

/// The first one makes the lifeline.
fn spawn_first_daemon(world: &World, begin: Begin) {
    warm_up();
    let body = stay(world);
    begin.now();
    mem::forget(Builder::new().daemon(true).spawn(body));
}

fn start_zygote(_: &World, begin: Begin) {
    warm_up();
    begin.now();
    mem::forget(Zygote::start());
}

/// A zygote that has had a child.
fn zygote() -> Zygote {
    let zygote = Zygote::start().expect("allowed");
    assert_eq!(zygote.spawn(|n: u32| n, 7).expect("allowed").join(), Ok(7));
    zygote
}

fn for_ever(_: u32) {
    loop {
        thread::park();
    }
}

fn spawn_by_zygote(_: &World, begin: Begin) {
    let zygote = zygote();
    begin.now();
    mem::forget(zygote.spawn(for_ever, 7));
}

fn join_of_zygote(_: &World, begin: Begin) {
    let zygote = zygote();
    let child = zygote.spawn(|n: u32| n, 7).expect("allowed");
    while child.exit_code().is_none() {
        thread::yield_now();
    }
    begin.now();
    assert_eq!(child.join(), Ok(7));
}

fn spawn_sender(ends: &Ends<Words>, begin: Begin) {
    warm_up();
    let sender = ends.sender().clone();
    let body = move || assert!(sender.send(Words::new(1)).is_ok());
    begin.now();
    mem::forget(spawn(body));
}

fn join_ended(world: &World, begin: Begin) {
    let child = spawn(count(world)).expect("allowed");
    while child.is_alive() {
        thread::yield_now();
    }
    begin.now();
    assert_eq!(child.join(), Ok(0));
}

fn join_running(world: &World, begin: Begin) {
    let (body, may_end) = (count(world), Arc::clone(&world.may_end));
    let child: Child<u32> = spawn(move || {
        may_end.pass();
        body()
    })
    .expect("allowed");
    begin.now();
    assert_eq!(child.join(), Ok(0));
}

fn let_it_end(world: &World, holder: &Peer<'_>) -> Result<(), String> {
    holder.until_killed();
    world.may_end.open();
    Ok(())
}

fn receive_all(ends: &Ends<Words>, _: &Peer<'_>) -> Result<(), String> {
    loop {
        match ends.receiver().recv() {
            Ok(message) => ends.note(&message)?,
            Err(RecvError::Disconnected) => return Ok(()),
            Err(other) => return Err(other.to_string()),
        };
    }
}

/// The child of a victim that died ends by itself; what it did, it did once.
/// Afterwards a process spawns and joins as ever.
fn nobody_is_left(world: &World, after: &After<'_>) -> Result<(), String> {
    let open = fds::open();
    orphans_end();
    after.recovered();
    let runs = world.runs.load(Ordering::Acquire);
    if runs > 1 || (after.finished() && runs == 0) {
        return Err(format!("the closure ran {runs} times"));
    }
    let child = spawn(|| 6 * 7).map_err(|e| e.to_string())?;
    if child.join() != Ok(42) {
        return Err("the next child's value is lost".into());
    }
    let again = fds::open();
    // One page is kept for the next child.
    if again > open + 1 {
        return Err(format!("{again} descriptors open, before {open}"));
    }
    Ok(())
}

/// Nor is one that ends with the victim; whether it had begun is another matter.
fn no_daemon_is_left(world: &World, after: &After<'_>) -> Result<(), String> {
    orphans_end();
    after.recovered();
    let runs = world.runs.load(Ordering::Acquire);
    if runs > 1 {
        return Err(format!("the closure ran {runs} times"));
    }
    let child = spawn(|| 6 * 7).map_err(|e| e.to_string())?;
    let joined = child.join();
    if joined == Ok(42) { Ok(()) } else { Err(format!("the next child: {joined:?}")) }
}

fn over_for_receivers(ends: &Ends<Words>, after: &After<'_>) -> Result<(), String> {
    orphans_end();
    if after.finished() { ends.settle(&[1], &[]) } else { ends.settle(&[], &[1]) }
}

/// Waits for the victim's children, which come to the process above this one.
pub fn orphans_end() {
    let is_other = |pid: &_| *pid != getpid();
    while children_of(getppid()).into_iter().filter(is_other).any(is_running) {
        thread::sleep(Duration::from_micros(100));
    }
}
