//! Who was told once that nobody is at the other end is told so by every later call, though
//! there is room for what it sends.

use std::time::Duration;

use killproof::channel::{
    Duplex, PipeBuilder, PipeSender, RecvError, SendError, connection, duplex, pipe,
};
use killproof::process::{Child, spawn};

use crate::common::case::Case;
use crate::common::child::fork;
use crate::common::mapped::{Gate, Mapped, gate};
use crate::{expect, kill, scenario};

/// How often each call is made: some ask who lives, most do not.
const CALLS: usize = 100;
const SOON: Duration = Duration::from_micros(50);

pub fn cases() -> Vec<Case> {
    vec![
        scenario("told once, a pipe's sender with room for less", small_after_large),
        scenario("told once, a pipe's receiver", receiver),
        scenario("told once, a duplex", both_ways),
        scenario("told once, a connection whose socket a sibling has", socket_kept_open),
        scenario("told, and a copy of the dead one's end is adopted", adopted_by_another),
    ]
}

#[allow(unsafe_code)]
fn adopt(sender: &mut PipeSender<Vec<u8>>) -> Result<(), String> {
    // SAFETY: no other process has a copy of it.
    unsafe { sender.adopt() }.map_err(|e| e.to_string())
}

/// A child that has `end`, and does nothing.
fn holder<T: Send + 'static>(end: T) -> Result<Child<()>, String> {
    let never = gate();
    let child = spawn(move || {
        let _end = end;
        never.pass();
    });
    child.map_err(|e| e.to_string())
}

fn killed(child: Child<()>) -> Result<(), String> {
    child.kill().map_err(|e| e.to_string())?;
    expect("killed", child.join().is_err(), true)
}

/// Every way to send `value`, again and again.
fn none_is_sent(sender: &mut PipeSender<Vec<u8>>, value: &[u8]) -> Result<(), String> {
    for _ in 0..CALLS {
        let own = || value.to_vec();
        let told = || Err(SendError::Disconnected(own()));
        expect("try_send", sender.try_send(own()), told())?;
        expect("send_timeout", sender.send_timeout(own(), SOON), told())?;
        expect("send", sender.send(own()), told())?;
        let told = Err(SendError::Disconnected(value));
        expect("send_bytes", sender.send_bytes(value), told)?;
    }
    Ok(())
}

fn small_after_large() -> Result<String, String> {
    let builder = PipeBuilder::new().capacity(128);
    let (mut sender, receiver) = builder.pipe::<Vec<u8>>().map_err(|e| e.to_string())?;
    let child = holder(receiver)?;
    let (large, small) = (vec![1; 64], vec![2; 1]);
    expect("the first", sender.send(large.clone()), Ok(()))?;
    killed(child)?;
    let sent = sender.send(large.clone());
    expect("no room", sent, Err(SendError::Disconnected(large.clone())))?;
    none_is_sent(&mut sender, &small)?;
    none_is_sent(&mut sender, &large)?;
    adopt(&mut sender)?;
    none_is_sent(&mut sender, &small).map(|()| String::new())
}

fn receiver() -> Result<String, String> {
    let (sender, mut receiver) = pipe::<u64>().map_err(|e| e.to_string())?;
    killed(holder(sender)?)?;
    for _ in 0..CALLS {
        expect("recv", receiver.recv(), Err(RecvError::Disconnected))?;
        expect("recv_timeout", receiver.recv_timeout(SOON), Err(RecvError::Disconnected))?;
    }
    for _ in 0..CALLS {
        expect("try_recv", receiver.try_recv(), Err(RecvError::Disconnected))?;
    }
    Ok(String::new())
}

/// Each way finds it for itself: there, once it is full.
fn both_ways() -> Result<String, String> {
    let (mut ours, its): (Duplex<u64, u64>, _) = duplex().map_err(|e| e.to_string())?;
    killed(holder(its)?)?;
    expect("recv", ours.recv(), Err(RecvError::Disconnected))?;
    while ours.send(1).is_ok() {}
    for _ in 0..CALLS {
        expect("try_send", ours.try_send(2), Err(SendError::Disconnected(2)))?;
        expect("try_recv", ours.try_recv(), Err(RecvError::Disconnected))?;
    }
    Ok(String::new())
}

/// The socket itself goes on taking messages there.
fn socket_kept_open() -> Result<String, String> {
    let (mut ours, its) = connection::<u64, u64>().map_err(|e| e.to_string())?;
    let sibling = holder(())?;
    killed(holder(its)?)?;
    let received = |received: Result<(u64, _), _>| received.map(|(number, _)| number);
    expect("recv", received(ours.recv()), Err(RecvError::Disconnected))?;
    for _ in 0..CALLS {
        expect("send", ours.send(1, &[]), Err(SendError::Disconnected(1)))?;
        let late = ours.send_timeout(2, &[], SOON);
        expect("send_timeout", late, Err(SendError::Disconnected(2)))?;
        expect("try_send", ours.try_send(3, &[]), Err(SendError::Disconnected(3)))?;
        expect("try_recv", received(ours.try_recv()), Err(RecvError::Disconnected))?;
    }
    killed(sibling).map(|()| String::new())
}

/// What was found is that the process is dead, not that the end is nobody's for good.
fn adopted_by_another() -> Result<String, String> {
    let builder = PipeBuilder::new().capacity(64);
    let (mut sender, mut receiver) = builder.pipe::<[u64; 7]>().map_err(|e| e.to_string())?;
    let gates = Mapped::new(<[Gate; 2]>::default());
    let [holds, never] = &*gates;
    let mut adopts = || {
        // SAFETY: whoever else has a copy of it leaves it alone, or is dead.
        #[allow(unsafe_code)]
        unsafe { receiver.adopt() }.map_err(|e| e.to_string())
    };
    let holder = fork(|| {
        adopts()?;
        holds.open();
        never.pass();
        Ok(())
    });
    holds.pass();
    expect("the first", sender.send([1; 7]), Ok(()))?;
    kill(&holder);
    expect("told", sender.send([2; 7]), Err(SendError::Disconnected([2; 7])))?;
    adopts()?;
    expect("full", sender.try_send([2; 7]), Err(SendError::Full([2; 7])))?;
    expect("received", receiver.recv(), Ok([1; 7]))?;
    expect("sent", sender.send([2; 7]), Ok(()))?;
    expect("and received", receiver.recv(), Ok([2; 7])).map(|()| String::new())
}
