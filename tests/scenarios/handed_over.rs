//! Ends that move into children: which of them keep a queue open, and which do
//! not.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use killproof::channel::{Receiver, RecvError, SendError, Sender, queue};
use killproof::process::{Child, spawn};

use crate::common::case::Case;
use crate::common::mapped::{Gate, Mapped, gate};
use crate::{expect, scenario};

/// How long nothing is to happen; any length is right.
const WHILE: Duration = Duration::from_millis(150);

pub fn cases() -> Vec<Case> {
    vec![
        scenario("a sender moved, the child ends", || moved_sender(|sender, _| drop(sender))),
        scenario("a sender moved, the child drops it and lives", || {
            moved_sender(|sender, over| {
                drop(sender);
                over.pass();
            })
        }),
        scenario("a sender moved, the child is killed", killed),
        scenario("a sender moved, a clone stays", clone_stays),
        scenario("a sender moved, a clone of it dropped", || {
            moved_sender_unused(|sender| drop(sender.clone()))
        }),
        scenario("a receiver moved, the child ends", moved_receiver),
        scenario("a sender passed on unused", passed_on),
        scenario("a sender in an Arc", in_an_arc),
        scenario("a sender in a static", in_a_static),
    ]
}

type Ends = (Sender<u64>, Receiver<u64>);

fn ends(capacity: usize) -> Result<Ends, String> {
    queue(capacity).map_err(|e| e.to_string())
}

fn over(receiver: &Receiver<u64>) -> Result<(), String> {
    expect("afterwards", receiver.recv(), Err(RecvError::Disconnected))
}

fn moved_sender(end: fn(Sender<u64>, &Gate)) -> Result<String, String> {
    let (sender, receiver) = ends(4)?;
    let may_end = gate();
    let its = Arc::clone(&may_end);
    let child = spawn(move || {
        let sent = sender.send(1);
        end(sender, &its);
        sent.is_ok()
    });
    let child = child.map_err(|e| e.to_string())?;
    expect("the message", receiver.recv(), Ok(1))?;
    over(&receiver)?;
    may_end.open();
    expect("the child", child.join(), Ok(true)).map(|()| String::new())
}

/// The child has not sent with it, and is there all the same.
fn moved_sender_unused(meanwhile: fn(&Sender<u64>)) -> Result<String, String> {
    let (sender, receiver) = ends(4)?;
    let (did, may_end) = (gate(), gate());
    let (its_did, its_may_end) = (Arc::clone(&did), Arc::clone(&may_end));
    let child = spawn(move || {
        meanwhile(&sender);
        its_did.open();
        its_may_end.pass();
        sender.send(1).is_ok()
    });
    let child = child.map_err(|e| e.to_string())?;
    did.pass();
    expect("while it lives", receiver.recv_timeout(WHILE), Err(RecvError::Empty))?;
    may_end.open();
    expect("the message", receiver.recv(), Ok(1))?;
    over(&receiver)?;
    expect("the child", child.join(), Ok(true)).map(|()| String::new())
}

fn killed() -> Result<String, String> {
    let (sender, receiver) = ends(4)?;
    let never = gate();
    let child = spawn(move || {
        let _ = sender.send(1);
        never.pass();
    });
    let child = child.map_err(|e| e.to_string())?;
    expect("the message", receiver.recv(), Ok(1))?;
    expect("while it lives", receiver.recv_timeout(WHILE), Err(RecvError::Empty))?;
    child.kill().map_err(|e| e.to_string())?;
    over(&receiver).map(|()| String::new())
}

fn clone_stays() -> Result<String, String> {
    let (sender, receiver) = ends(4)?;
    let stays = sender.clone();
    let child = spawn(move || sender.send(1).is_ok()).map_err(|e| e.to_string())?;
    expect("the child", child.join(), Ok(true))?;
    expect("the message", receiver.recv(), Ok(1))?;
    expect("while one stays", receiver.recv_timeout(WHILE), Err(RecvError::Empty))?;
    drop(stays);
    over(&receiver).map(|()| String::new())
}

fn moved_receiver() -> Result<String, String> {
    let (sender, receiver) = ends(1)?;
    let child = spawn(move || receiver.recv() == Ok(1)).map_err(|e| e.to_string())?;
    expect("the message", sender.send(1), Ok(()))?;
    expect("the child", child.join(), Ok(true))?;
    // The first look at who is left.
    expect("afterwards", sender.send(2), Err(SendError::Disconnected(2))).map(|()| String::new())
}

/// Passes `send`, with the end in it, on to a child and from there, unused, to its
/// child. That one sends when it may; the child says whether it could.
pub fn pass_on(
    send: impl FnOnce() -> bool + Send + 'static,
) -> Result<(Child<bool>, Arc<Mapped<Gate>>), String> {
    let (passed, may_send) = (gate(), gate());
    let (its_passed, its_may_send) = (Arc::clone(&passed), Arc::clone(&may_send));
    let child = spawn(move || {
        let grandchild = spawn(move || {
            its_may_send.pass();
            send()
        });
        its_passed.open();
        grandchild.is_ok_and(|grandchild| grandchild.join() == Ok(true))
    });
    let child = child.map_err(|e| e.to_string())?;
    passed.pass();
    Ok((child, may_send))
}

/// From here to a child, and from there, unused, to its child, which takes its
/// time. All the while somebody is there who may send.
fn passed_on() -> Result<String, String> {
    let (sender, receiver) = ends(4)?;
    let (child, may_send) = pass_on(move || sender.send(1).is_ok())?;
    expect("before it sends", receiver.recv_timeout(WHILE), Err(RecvError::Empty))?;
    may_send.open();
    expect("the message", receiver.recv(), Ok(1))?;
    over(&receiver)?;
    expect("the child", child.join(), Ok(true)).map(|()| String::new())
}

/// What lies behind an `Arc` is nobody's in particular: each process counts
/// itself at its first use.
fn in_an_arc() -> Result<String, String> {
    let (sender, receiver) = ends(4)?;
    let sender = Arc::new(sender);
    let (its, used, may_end) = (Arc::clone(&sender), gate(), gate());
    let (its_used, its_may_end) = (Arc::clone(&used), Arc::clone(&may_end));
    let child = spawn(move || {
        let sent = its.send(1);
        its_used.open();
        its_may_end.pass();
        sent.is_ok()
    });
    let child = child.map_err(|e| e.to_string())?;
    used.pass();
    drop(sender);
    expect("the message", receiver.recv(), Ok(1))?;
    expect("while it lives", receiver.recv_timeout(WHILE), Err(RecvError::Empty))?;
    may_end.open();
    expect("the child", child.join(), Ok(true))?;
    over(&receiver).map(|()| String::new())
}

fn in_a_static() -> Result<String, String> {
    static ENDS: OnceLock<Ends> = OnceLock::new();
    let _ = ENDS.set(ends(4)?);
    let (sender, receiver) = ENDS.get().ok_or("set just now")?;
    for number in 0..3 {
        let child = spawn(move || ENDS.get().is_some_and(|ends| ends.0.send(number).is_ok()));
        expect("a child", child.map_err(|e| e.to_string())?.join(), Ok(true))?;
        expect("its message", receiver.recv(), Ok(number))?;
    }
    // This process is there all the time.
    expect("afterwards", receiver.recv_timeout(WHILE), Err(RecvError::Empty))?;
    expect("a message of its own", sender.send(9), Ok(()))?;
    expect("received", receiver.recv(), Ok(9)).map(|()| String::new())
}
