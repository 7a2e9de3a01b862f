//! Messages that are written and read where they lie, in the hands of the dead: their
//! memory goes to whoever needs it, and nothing half-written is seen.

use std::mem;

use killproof::channel::{Builder, Receiver, RecvError, SendError, Sender};

use crate::common::case::Case;
use crate::common::child::{Child, fork};
use crate::common::mapped::{Gate, Mapped};
use crate::{expect, fall_asleep, finish, kill, scenario};

type Ends = (Sender<Vec<u8>>, Receiver<Vec<u8>>);

/// More than fits into a slot.
const LARGE: usize = 1000;
/// One place, one lease, and three participants: so many blocks.
const BLOCKS: usize = 5;

pub fn cases() -> Vec<Case> {
    vec![
        scenario("killed with every reservation", reserved),
        scenario("killed with every reservation, a sender waits", reserved_and_waited_for),
        scenario("killed with every block to read", received),
        scenario("a reservation in a forked copy", copied),
        scenario("a received message in a forked copy", received_and_copied),
        scenario("a reservation outlives the receivers", alone),
    ]
}

fn ends() -> Result<Ends, String> {
    let builder = Builder::new().capacity(1).leases(1).participants(3).largest(2 * LARGE);
    builder.queue().map_err(|e| e.to_string())
}

/// Takes all blocks by `take`, keeps them, and lives until it is killed.
fn holder(take: impl Fn(usize) -> Result<(), String>) -> Result<Child, String> {
    let gates = Mapped::new(<[Gate; 2]>::default());
    let [holds, never] = &*gates;
    let holder = fork(|| {
        (0..BLOCKS).try_for_each(&take)?;
        holds.open();
        never.pass();
        Ok(())
    });
    fall_asleep(&holder, holds)?;
    Ok(holder)
}

fn all_reserved(sender: &Sender<Vec<u8>>) -> Result<Child, String> {
    let holder = holder(|_| {
        let mut reservation = sender.try_reserve(LARGE).map_err(|e| e.to_string())?;
        reservation.fill(13);
        mem::forget(reservation);
        Ok(())
    })?;
    let refused = sender.try_reserve(LARGE).map(drop);
    expect("while it lives", refused, Err(SendError::Full(())))?;
    // What fits into a slot needs no block.
    expect("a small one", sender.try_reserve(8).map(|small| small.len()), Ok(8))?;
    Ok(holder)
}

fn reserved() -> Result<String, String> {
    let (sender, receiver) = ends()?;
    let holder = all_reserved(&sender)?;
    kill(&holder);
    expect("nothing sent", receiver.try_recv(), Err(RecvError::Empty))?;
    let mut all = Vec::new();
    for number in 0..BLOCKS {
        let mut reservation = sender.try_reserve(LARGE).map_err(|e| format!("{number}: {e}"))?;
        reservation.fill(number as u8);
        all.push(reservation);
    }
    for (number, reservation) in all.into_iter().enumerate() {
        expect("committed", reservation.commit().is_ok(), true)?;
        expect("received", receiver.try_recv(), Ok(vec![number as u8; LARGE]))?;
    }
    Ok(String::new())
}

fn reserved_and_waited_for() -> Result<String, String> {
    let (sender, receiver) = ends()?;
    let holder = all_reserved(&sender)?;
    let begins = Mapped::new(Gate::default());
    let waiter = fork(|| {
        begins.open();
        let mut reservation = sender.reserve(LARGE).map_err(|e| e.to_string())?;
        reservation.fill(1);
        reservation.commit().map_err(|e| e.to_string())
    });
    fall_asleep(&waiter, &begins)?;
    kill(&holder);
    finish("who waits", &waiter)?;
    expect("its message", receiver.try_recv(), Ok(vec![1; LARGE])).map(|()| String::new())
}

/// At most once: what the dead had is gone, and its memory is not.
fn received() -> Result<String, String> {
    let (sender, receiver) = ends()?;
    let holder = holder(|number| {
        sender.try_send(vec![number as u8; LARGE]).map_err(|e| e.to_string())?;
        let received = receiver.try_recv_ref().map_err(|e| e.to_string())?;
        expect("in place", received[..] == [number as u8; LARGE], true)?;
        mem::forget(received);
        Ok(())
    })?;
    let message = || vec![7; LARGE];
    expect("while it lives", sender.try_send(message()), Err(SendError::Full(message())))?;
    kill(&holder);
    expect("nothing comes back", receiver.try_recv(), Err(RecvError::Empty))?;
    for _ in 0..2 * BLOCKS {
        expect("sent", sender.try_send(message()), Ok(()))?;
        expect("received", receiver.try_recv(), Ok(message()))?;
    }
    Ok(String::new())
}

/// The copy can neither send nor give back.
fn copied() -> Result<String, String> {
    let (sender, receiver) = ends()?;
    let mut reservation = Some(sender.reserve(LARGE).map_err(|e| e.to_string())?);
    let child = fork(|| {
        let refused = reservation.take().ok_or("once")?.commit();
        let is_not_owner =
            matches!(&refused, Err(SendError::Failed(_, error)) if error.is_not_owner());
        drop(refused);
        expect("refused", is_not_owner, true)
    });
    finish("the child", &child)?;
    let mut others = Vec::new();
    while let Ok(mut other) = sender.try_reserve(LARGE) {
        other.fill(9);
        others.push(other);
    }
    expect("the other blocks", others.len(), BLOCKS - 1)?;
    let mut reservation = reservation.take().ok_or("ours")?;
    reservation.fill(1);
    expect("committed", reservation.commit().is_ok(), true)?;
    expect("received", receiver.try_recv(), Ok(vec![1; LARGE])).map(|()| String::new())
}

fn received_and_copied() -> Result<String, String> {
    let (sender, receiver) = ends()?;
    expect("sent", sender.send(vec![1; LARGE]), Ok(()))?;
    let mut received = Some(receiver.recv_ref().map_err(|e| e.to_string())?);
    let child = fork(|| {
        drop(received.take());
        Ok(())
    });
    finish("the child", &child)?;
    let others = std::iter::from_fn(|| sender.try_reserve(LARGE).ok());
    let others: Vec<_> = others.map(|mut other| other.fill(9)).take(BLOCKS).collect();
    expect("reserved and given back", others.len(), BLOCKS)?;
    let received = received.take().ok_or("ours")?;
    expect("as it was", received[..] == [1; LARGE], true).map(|()| String::new())
}

fn alone() -> Result<String, String> {
    let (sender, receiver) = ends()?;
    let reservation = sender.reserve(LARGE).map_err(|e| e.to_string())?;
    drop(receiver);
    let refused = reservation.commit();
    let is_alone = matches!(refused, Err(SendError::Disconnected(_)));
    expect("alone", is_alone, true)?;
    drop(refused);
    let refused = sender.reserve(LARGE).map(drop);
    expect("and then", refused, Err(SendError::Disconnected(()))).map(|()| String::new())
}
