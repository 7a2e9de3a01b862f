//! Rows of things with a name. Whoever makes, opens or removes one is killed: it is all
//! there or not at all, and its name in nobody's way.

use std::mem;

use killproof::channel::{Builder, PipeReceiver, PipeSender, Receiver, Sender};
use killproof::sync::Value;
use killproof::{Named, Shared};

use crate::common::case::Case;
use crate::common::name::Name;
use crate::row::{After, Begin, Peer, Row};

pub fn cases() -> Vec<Case> {
    vec![
        value("Named create", nothing, create).every(151, 30).case(),
        value("Named create, taken over", left, create).every(151, 30).case(),
        value("Named create, in use", left, create_in_vain).holder(uses).every(151, 30).case(),
        value("Named open, left behind", left, open).every(151, 30).case(),
        value("Named open, in use", left, open).holder(uses).every(151, 30).case(),
        value("Named open_or_create, to be made", nothing, open_or_create).every(151, 30).case(),
        value("Named open_or_create, left behind", left, open_or_create).every(151, 30).case(),
        value("Named prune", left, prune).every(151, 30).case(),
        value("Named prune, in use", left, prune).holder(uses).every(151, 30).case(),
        value("Named unlink", nothing, unlink).every(151, 30).case(),
        Row::new("Named queue, a sender joins", queue, join_queue, queue_works)
            .every(151, 30)
            .case(),
        Row::new("Named queue, send", queue, send, queue_works).every(5, 60).case(),
        Row::new("Named queue, send of a block", queue, send_large, queue_works)
            .every(5, 60)
            .case(),
        Row::new("Named queue, recv", full_queue, recv, queue_works).every(5, 60).case(),
        Row::new("Named pipe, a sender joins", pipe, join_pipe, pipe_works).every(151, 30).case(),
        Row::new("Named pipe, send", pipe, send_to_pipe, pipe_works).every(5, 60).case(),
    ]
}

/// What somebody has left behind by the name, or who holds it has.
const BEFORE: u64 = 7;
/// What the victim makes.
const NEW: u64 = 8;

fn nothing() -> Name {
    Name::new("value")
}

fn left() -> Name {
    let name = nothing();
    drop(name.named().create_shared(Value::new(BEFORE)).expect("memory"));
    name
}

fn uses(name: &Name, holder: &Peer<'_>) -> Result<(), String> {
    let shared = open_value(name)?;
    holder.until_killed();
    holder.until_over();
    if shared.get() == BEFORE { Ok(()) } else { Err(format!("it is {}", shared.get())) }
}

fn open_value(name: &Name) -> Result<Shared<Value<u64>>, String> {
    name.named().open_shared().map_err(|e| e.to_string())
}

type Act = fn(&Name);

/// The first use of everything is before the begin.
fn value(name: &str, world: fn() -> Name, act: Act) -> Row<Name> {
    let victim = move |name: &Name, begin: Begin| {
        {
            let other = Name::new("warm");
            drop(other.named().create_shared(Value::new(0_u64)));
            drop(other.named().open_shared::<Value<u64>>());
            assert_eq!(other.named().unlink(), Ok(()));
        }
        begin.now();
        act(name);
    };
    let row = name.to_owned();
    Row::new(name, world, victim, move |name, after| free_or_whole(&row, name, after))
}

fn create(name: &Name) {
    mem::forget(name.named().create_shared(Value::new(NEW)).unwrap());
}

fn create_in_vain(name: &Name) {
    assert!(name.named().create_shared(Value::new(NEW)).is_err());
}

fn open(name: &Name) {
    mem::forget(name.named().open_shared::<Value<u64>>().unwrap());
}

fn open_or_create(name: &Name) {
    mem::forget(name.named().open_or_create_shared(|| Value::new(NEW)).unwrap());
}

fn prune(_: &Name) {
    Named::prune().unwrap();
}

fn unlink(name: &Name) {
    mem::forget(name.named().create_shared(Value::new(NEW)).unwrap());
    assert_eq!(name.named().unlink(), Ok(()));
}

/// What has the name is whole; it is in use only if somebody alive uses it; and the name
/// can be had again.
fn free_or_whole(row: &str, name: &Name, after: &After<'_>) -> Result<(), String> {
    let in_use = row.ends_with("in use");
    let there = match name.named().open_shared::<Value<u64>>() {
        Ok(shared) => Some(shared.get()),
        Err(error) if error.is_not_found() => None,
        Err(error) => return Err(error.to_string()),
    };
    let may_be: &[Option<u64>] = match row {
        _ if in_use => &[Some(BEFORE)],
        "Named create" | "Named open_or_create, to be made" if after.finished() => &[Some(NEW)],
        "Named create" | "Named open_or_create, to be made" => &[None, Some(NEW)],
        "Named create, taken over" if after.finished() => &[Some(NEW)],
        "Named create, taken over" => &[Some(BEFORE), None, Some(NEW)],
        "Named prune" | "Named unlink" if after.finished() => &[None],
        "Named prune" => &[Some(BEFORE), None],
        "Named unlink" => &[None, Some(NEW)],
        _ => &[Some(BEFORE)],
    };
    if !may_be.contains(&there) {
        return Err(format!("there is {there:?}, not {may_be:?}"));
    }
    let created = name.named().create_shared(Value::new(9_u64));
    match (in_use, created) {
        (true, Err(error)) if error.is_already_exists() => {}
        (false, Ok(shared)) if shared.get() == 9 && open_value(name)?.get() == 9 => {}
        (_, other) => return Err(format!("created: {other:?}")),
    }
    after.recovered();
    let entries = Named::list().map_err(|e| e.to_string())?;
    let named = entries.iter().filter(|entry| entry.name() == name.text()).count();
    if named != 1 {
        return Err(format!("{named} entries of the name"));
    }
    let pruned = Named::prune().map_err(|e| e.to_string())?;
    if pruned.contains(&name.text().into()) == in_use {
        return Err(format!("pruned, though {in_use}"));
    }
    Ok(())
}

/// So many may be at each side: the dead must not keep their places.
const SEATS: usize = 2;
const CAPACITY: u64 = 3;
const LARGE: usize = 500;

fn queue() -> Name {
    let name = Name::new("queue");
    let sizes = Builder::new().participants(SEATS).leases(2).inline(32).largest(1000);
    let named = name.named().capacity(CAPACITY as usize).queue(sizes);
    drop(named.create::<Sender<Vec<u8>>>().expect("memory"));
    name
}

fn full_queue() -> Name {
    let name = queue();
    let sender: Sender<Vec<u8>> = name.named().open().expect("it was made");
    (0..CAPACITY).for_each(|_| sender.send(vec![1]).expect("there is room"));
    name
}

fn join_queue(name: &Name, begin: Begin) {
    // All that is new to the process.
    drop(name.named().open::<Receiver<Vec<u8>>>());
    begin.now();
    mem::forget(name.named().open::<Sender<Vec<u8>>>().unwrap());
}

fn warm_sender(name: &Name) -> mem::ManuallyDrop<Sender<Vec<u8>>> {
    let sender: Sender<Vec<u8>> = name.named().open().unwrap();
    let receiver: Receiver<Vec<u8>> = name.named().open().unwrap();
    for len in [1, LARGE] {
        sender.send(vec![0; len]).unwrap();
        receiver.recv().unwrap();
    }
    mem::forget(receiver);
    mem::ManuallyDrop::new(sender)
}

fn send(name: &Name, begin: Begin) {
    let sender = warm_sender(name);
    begin.now();
    sender.send(vec![1]).unwrap();
}

fn send_large(name: &Name, begin: Begin) {
    let sender = warm_sender(name);
    begin.now();
    sender.send(vec![1; LARGE]).unwrap();
}

fn recv(name: &Name, begin: Begin) {
    let receiver: Receiver<Vec<u8>> = name.named().open().unwrap();
    let receiver = mem::ManuallyDrop::new(receiver);
    begin.now();
    assert_eq!(receiver.recv(), Ok(vec![1]));
}

/// As many processes as before may join, and the queue holds what it did.
fn queue_works(name: &Name, after: &After<'_>) -> Result<(), String> {
    let text = |e: killproof::Error| e.to_string();
    let sender: Sender<Vec<u8>> = name.named().open().map_err(text)?;
    let receiver: Receiver<Vec<u8>> = name.named().open().map_err(text)?;
    let mut found = 0;
    while let Ok(message) = receiver.try_recv() {
        if !matches!(message.len(), 1 | LARGE) || message.iter().any(|byte| *byte != 1) {
            return Err(format!("{message:?} was never sent"));
        }
        found += 1;
    }
    after.recovered();
    if found > CAPACITY {
        return Err(format!("{found} messages"));
    }
    for round in 0..3 {
        for number in 0..CAPACITY {
            let len = if number == 1 { LARGE } else { 1 };
            sender.try_send(vec![9; len]).map_err(|e| format!("round {round}: {e}"))?;
        }
        if !sender.is_full() {
            return Err("more room than there was".into());
        }
        for _ in 0..CAPACITY {
            receiver.try_recv().map_err(|e| format!("round {round}: {e}"))?;
        }
    }
    Ok(())
}

fn pipe() -> Name {
    let name = Name::new("pipe");
    drop(name.named().capacity(64).create::<PipeReceiver<u64>>().expect("memory"));
    name
}

fn join_pipe(name: &Name, begin: Begin) {
    drop(name.named().open::<PipeReceiver<u64>>());
    begin.now();
    mem::forget(name.named().open::<PipeSender<u64>>().unwrap());
}

fn send_to_pipe(name: &Name, begin: Begin) {
    let mut sender: PipeSender<u64> = name.named().open().unwrap();
    sender.send(1).unwrap();
    begin.now();
    sender.send(2).unwrap();
    mem::forget(sender);
}

fn pipe_works(name: &Name, after: &After<'_>) -> Result<(), String> {
    let text = |e: killproof::Error| e.to_string();
    let mut sender: PipeSender<u64> = name.named().open().map_err(text)?;
    let mut receiver: PipeReceiver<u64> = name.named().open().map_err(text)?;
    sender.try_send(9).map_err(|e| e.to_string())?;
    after.recovered();
    let mut received = Vec::new();
    while received.last() != Some(&9) {
        received.push(receiver.try_recv().map_err(|e| format!("{received:?}, then {e}"))?);
    }
    let first: &[u64] = &received[..received.len() - 1];
    if ![&[][..], &[1], &[1, 2]].contains(&first) {
        return Err(format!("{received:?}"));
    }
    Ok(())
}
