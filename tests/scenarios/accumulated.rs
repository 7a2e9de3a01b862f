//! One queue, and processes killed over it one after the other, all along an
//! operation. What a single kill may leave behind unseen, a block or a seat, would
//! be used up by hundreds. (A kill at each instruction is the sweep's to try; the
//! steps grow with the square of the kills.)

use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, Ordering};

use killproof::Shared;
use killproof::channel::{Builder, Receiver, RecvError, SendError, Sender};
use killproof::sync::Mutex;

use crate::common::case::Case;
use crate::common::mapped::Mapped;
use crate::common::numbered::{INLINE, LARGEST, Large, Numbered};
use crate::common::trace::mark;
use crate::frozen::freeze;
use crate::{expect, scenario};

const CAPACITY: usize = 3;
const LEASES: usize = 2;
/// Instructions from one kill to the next.
const STRIDE: usize = 4;

type Ends = (Sender<Large>, Receiver<Large>);

pub fn cases() -> Vec<Case> {
    vec![
        scenario("kills all along a large send", || accumulate(send)),
        scenario("kills all along a large recv", || accumulate(recv)),
        scenario("kills all along a large lease", || accumulate(lease)),
    ]
}

fn send((sender, _): &Ends) {
    let sender = ManuallyDrop::new(sender.clone());
    let message = Large::new(4);
    mark();
    assert!(sender.send(message).is_ok());
}

fn recv((_, receiver): &Ends) {
    let receiver = ManuallyDrop::new(receiver.clone());
    mark();
    assert!(receiver.recv().is_ok());
}

fn lease((_, receiver): &Ends) {
    // A thread's first guard takes a thousand instructions more.
    drop(Shared::new(Mutex::new(0_u8)).expect("memory").lock());
    let receiver = ManuallyDrop::new(receiver.clone());
    mark();
    assert!(receiver.lease().map(|task| task.done()).is_ok());
}

fn accumulate(operation: fn(&Ends)) -> Result<String, String> {
    let builder = Builder::new().capacity(CAPACITY).participants(2).leases(LEASES);
    let ends: Ends = builder.inline(INLINE).largest(LARGEST).queue().map_err(|e| e.to_string())?;
    let (sender, receiver) = &ends;
    let finished = Mapped::new(AtomicBool::new(false));
    let mut kills = 0;
    while !finished.load(Ordering::Acquire) {
        for number in 1..=2 {
            sender.try_send(Large::new(number)).map_err(|e| format!("after {kills}: {e}"))?;
        }
        let whole = || {
            operation(&ends);
            finished.store(true, Ordering::Release);
        };
        drop(freeze(whole, kills * STRIDE)?);
        kills += 1;
        while !receiver.is_empty() {
            receiver.recv().map_err(|e| e.to_string())?.number()?;
        }
    }

    fill(sender, CAPACITY)?;
    let lease = |_| receiver.try_lease().map_err(|e| e.to_string());
    let tasks = (0..LEASES).map(lease).collect::<Result<Vec<_>, _>>()?;
    fill(sender, LEASES)?;
    tasks.into_iter().for_each(|task| drop(task.done()));
    for _ in 0..CAPACITY {
        receiver.try_recv().map_err(|e| e.to_string())?.number()?;
    }
    let nothing = matches!(receiver.try_recv(), Err(RecvError::Empty));
    expect("empty afterwards", nothing, true)?;
    Ok(format!("ok, {kills} kills"))
}

/// Takes exactly so many more.
fn fill(sender: &Sender<Large>, room: usize) -> Result<(), String> {
    for number in 0..room as u64 {
        sender.try_send(Large::new(number)).map_err(|e| format!("room for {number}: {e}"))?;
    }
    let full = matches!(sender.try_send(Large::new(0)), Err(SendError::Full(_)));
    expect("full", full, true)
}
