//! Destructors of what a closure captured, that use an end or a party: they run in the
//! parent too, between the fork and the hand-over.

use std::process::id;
use std::sync::Arc;

use killproof::Shared;
use killproof::channel::{
    PipeBuilder, PipeReceiver, PipeSender, Receiver, RecvError, Sender, duplex, pipe, queue,
};
use killproof::process::spawn;
use killproof::sync::{Barrier, Party, Value};

use crate::common::case::Case;
use crate::common::mapped::gate;
use crate::{expect, scenario};

pub fn cases() -> Vec<Case> {
    vec![
        scenario("a pipe's sender, moved, used by its destructor", pipe_sender),
        scenario("a pipe's sender, moved on, used by its destructors", pipe_sender_moved_on),
        scenario("a pipe's receiver, moved, used by its destructor", pipe_receiver),
        scenario("a pipe's large messages, and a destructor's", large),
        scenario("a duplex, moved, used by its destructor", both_ways),
        scenario("a queue's ends, moved, used by their destructors", queue_ends),
        scenario("a queue's ends, cloned by a destructor", queue_clones),
        scenario("ends and a party that a destructor makes", made_meanwhile),
        scenario("a party, moved, used by its destructor", party),
    ]
}

/// A value whose destructor does something with it.
struct Last<T>(T, fn(&mut T));

impl<T> Drop for Last<T> {
    fn drop(&mut self) {
        (self.1)(&mut self.0);
    }
}

fn says_who(sender: &mut PipeSender<u64>) {
    let _ = sender.send(id().into());
}

fn all<T: killproof::Message>(receiver: &mut PipeReceiver<T>) -> Result<Vec<T>, String> {
    let mut received = Vec::new();
    loop {
        match receiver.recv() {
            Ok(message) => received.push(message),
            Err(RecvError::Disconnected) => return Ok(received),
            Err(other) => return Err(other.to_string()),
        }
    }
}

/// First this process's, then the child's, and nothing twice.
fn pipe_sender() -> Result<String, String> {
    let (mut sender, mut receiver) = pipe().map_err(|e| e.to_string())?;
    expect("the first", sender.send(1), Ok(()))?;
    let sender = Last(sender, says_who);
    let child = spawn(move || {
        let mut sender = sender;
        (2..=4).all(|number| sender.0.send(number).is_ok())
    });
    let child = child.map_err(|e| e.to_string())?;
    let its = child.pid().into();
    expect("the messages", all(&mut receiver)?, vec![1, id().into(), 2, 3, 4, its])?;
    expect("the child", child.join(), Ok(true)).map(|()| String::new())
}

/// The child's copy is as old as the first fork, the grandchild's as the second.
fn pipe_sender_moved_on() -> Result<String, String> {
    let (sender, mut receiver) = pipe().map_err(|e| e.to_string())?;
    let sender = Last(sender, says_who);
    let child = spawn(move || {
        let sender = sender;
        let grandchild = spawn(move || {
            let mut sender = sender;
            sender.0.send(1).is_ok()
        });
        grandchild.map_or(0, |grandchild| {
            let pid = grandchild.pid();
            if grandchild.join() == Ok(true) { pid.into() } else { 0_u64 }
        })
    });
    let child = child.map_err(|e| e.to_string())?;
    let (its, received) = (child.pid().into(), all(&mut receiver)?);
    let last = child.join().map_err(|e| e.to_string())?;
    expect("the messages", received, vec![id().into(), its, 1, last]).map(|()| String::new())
}

/// What this process takes, the child does not get; and the room is the sender's.
fn pipe_receiver() -> Result<String, String> {
    let builder = PipeBuilder::new().capacity(64);
    let (mut sender, receiver) = builder.pipe().map_err(|e| e.to_string())?;
    for number in 1_u64..=4 {
        expect("a message", sender.try_send(number), Ok(()))?;
    }
    let receiver = Last(receiver, |receiver| {
        let _ = receiver.try_recv();
    });
    let may_go = gate();
    let its = Arc::clone(&may_go);
    let child = spawn(move || {
        let mut receiver = receiver;
        its.pass();
        (0..6).filter_map(|_| receiver.0.recv().ok()).collect::<Vec<u64>>()
    });
    let child = child.map_err(|e| e.to_string())?;
    expect("room for one", sender.try_send(5), Ok(()))?;
    expect("and no more", sender.try_send(6).is_err(), true)?;
    may_go.open();
    for number in 6..=7 {
        expect("a message", sender.send(number), Ok(()))?;
    }
    expect("received", child.join(), Ok(vec![2, 3, 4, 5, 6, 7])).map(|()| String::new())
}

/// Long enough to be read while they are written, if they lay in one place.
fn large() -> Result<String, String> {
    const WORDS: usize = 4096;
    for _ in 0..30 {
        let builder = PipeBuilder::new().capacity(1 << 20);
        let (sender, mut receiver) = builder.pipe().map_err(|e| e.to_string())?;
        let sender = Last(sender, |sender: &mut PipeSender<[u64; WORDS]>| {
            let _ = sender.send([99; WORDS]);
        });
        let child = spawn(move || {
            let mut sender = sender;
            (1..=20).all(|number| sender.0.send([number; WORDS]).is_ok())
        });
        let child = child.map_err(|e| e.to_string())?;
        let received = all(&mut receiver)?;
        let whole = received.iter().all(|words| words.iter().all(|word| *word == words[0]));
        expect("whole", whole, true)?;
        let firsts: Vec<u64> = received.iter().map(|words| words[0]).collect();
        let wanted = std::iter::once(99).chain(1..=20).chain(std::iter::once(99));
        expect("the messages", firsts, wanted.collect())?;
        expect("the child", child.join(), Ok(true))?;
    }
    Ok(String::new())
}

/// Both destructors answer what they take.
fn both_ways() -> Result<String, String> {
    let (mut ours, its) = duplex::<u64, u64>().map_err(|e| e.to_string())?;
    for number in 1..=3 {
        expect("a message", ours.send(number), Ok(()))?;
    }
    let its = Last(its, |its| {
        if let Ok(number) = its.try_recv() {
            let _ = its.send(number * 10);
        }
    });
    let child = spawn(move || {
        let mut its = its;
        let number = its.0.recv().unwrap_or_default();
        its.0.send(number * 100).is_ok()
    });
    expect("the child", child.map_err(|e| e.to_string())?.join(), Ok(true))?;
    for answer in [10, 200, 30] {
        expect("an answer", ours.recv(), Ok(answer))?;
    }
    expect("and then", ours.recv(), Err(RecvError::Disconnected)).map(|()| String::new())
}

/// Any process may use an end of a queue; each is counted where it uses it.
fn queue_ends() -> Result<String, String> {
    let (jobs, todo) = queue::<u64>(8).map_err(|e| e.to_string())?;
    let (results, done) = queue::<u64>(8).map_err(|e| e.to_string())?;
    for number in 1..=3 {
        expect("a job", jobs.send(number), Ok(()))?;
    }
    let pass = |(todo, results): &mut (Receiver<u64>, Sender<u64>)| {
        if let Ok(number) = todo.try_recv() {
            let _ = results.send(number);
        }
    };
    let ends = Last((todo, results), pass);
    let child = spawn(move || {
        let ends = ends;
        let (todo, results) = &ends.0;
        results.send(todo.recv().unwrap_or_default() * 10).is_ok()
    });
    expect("the child", child.map_err(|e| e.to_string())?.join(), Ok(true))?;
    for number in [1, 20, 3] {
        expect("a result", done.recv(), Ok(number))?;
    }
    expect("and then", done.recv(), Err(RecvError::Disconnected))?;
    let sent = jobs.send(4);
    expect("nobody works", sent.is_err(), true).map(|()| String::new())
}

/// A clone that a destructor made has no copy in the child: once the child has dropped
/// its own, nobody is left, though the child lives on.
fn queue_clones() -> Result<String, String> {
    let (jobs, todo) = queue::<u64>(8).map_err(|e| e.to_string())?;
    let (results, done) = queue::<u64>(8).map_err(|e| e.to_string())?;
    expect("a job", jobs.send(1), Ok(()))?;
    let ends = Last((todo, results), |(todo, results): &mut (Receiver<u64>, Sender<u64>)| {
        let (todo, results) = (todo.clone(), results.clone());
        if let Ok(number) = todo.try_recv() {
            let _ = results.send(number);
        }
    });
    let may_end = gate();
    let its = Arc::clone(&may_end);
    let child = spawn(move || {
        drop(ends);
        its.pass();
    });
    let child = child.map_err(|e| e.to_string())?;
    expect("a result", done.recv(), Ok(1))?;
    expect("and then", done.recv(), Err(RecvError::Disconnected))?;
    expect("nobody works", jobs.send(2).is_err(), true)?;
    may_end.open();
    expect("the child", child.join(), Ok(())).map(|()| String::new())
}

/// They are this process's, as they would be anywhere else.
fn made_meanwhile() -> Result<String, String> {
    let told = Shared::new(Value::new(0_u64)).map_err(|e| e.to_string())?;
    let last = Last(told.clone(), |told: &mut Shared<Value<u64>>| {
        let Ok((sender, receiver)) = queue::<u64>(1) else { return };
        drop(sender);
        let is_alone = receiver.recv() == Err(RecvError::Disconnected);
        let Ok((sender, mut receiver)) = pipe::<u64>() else { return };
        drop(sender);
        let is_closed = receiver.recv() == Err(RecvError::Disconnected);
        let Ok(barrier) = Shared::new(Barrier::<2>::with_capacity(1)) else { return };
        drop(barrier.party());
        let is_left = barrier.party().is_ok();
        if is_alone && is_closed && is_left {
            let _ = told.fetch_add(1);
        }
    });
    let may_end = gate();
    let its = Arc::clone(&may_end);
    let child = spawn(move || {
        let last = last;
        its.pass();
        drop(last);
    });
    let child = child.map_err(|e| e.to_string())?;
    expect("here", told.get(), 1)?;
    may_end.open();
    expect("the child", child.join(), Ok(()))?;
    expect("and there", told.get(), 2).map(|()| String::new())
}

/// One round of this process's, with a child that came before, and one of the child's.
fn party() -> Result<String, String> {
    let barrier = Shared::new(Barrier::new(2)).map_err(|e| e.to_string())?;
    let mut other = barrier.party().map_err(|e| e.to_string())?;
    let party = barrier.party().map_err(|e| e.to_string())?;
    let other = spawn(move || (0..3).filter(|_| other.wait().is_ok()).count() as u64);
    let other = other.map_err(|e| e.to_string())?;
    let party = Last(party, |party: &mut Party| {
        let _ = party.wait();
    });
    let child = spawn(move || {
        let mut party = party;
        party.0.wait().is_ok()
    });
    expect("the child", child.map_err(|e| e.to_string())?.join(), Ok(true))?;
    expect("rounds", other.join(), Ok(3)).map(|()| String::new())
}
