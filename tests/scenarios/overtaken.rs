//! A sender waits for the owner of a slot, and its slice ends. Before it looks
//! again, that owner's message is there, and the message's leaser has died one
//! instruction before the lease was committed. The late sender takes the slot
//! from the dead leaser, finds it in use and gives it back. The message must come
//! once.

use std::mem::{self, ManuallyDrop};
use std::time::Instant;

use killproof::channel::{Receiver, RecvError, Sender, queue};

use crate::common::case::Case;
use crate::common::trace::{Stop, Traced, mark};
use crate::frozen::{freeze, steps_until, thaw};
use crate::{STUCK, expect, kill, scenario};

pub fn cases() -> Vec<Case> {
    vec![scenario("an overtaken sender comes to a dead leaser", overtaken)]
}

type Ends = (Sender<u64>, Receiver<u64>);

fn send((sender, _): &Ends) {
    let sender = ManuallyDrop::new(sender.clone());
    mark();
    assert_eq!(sender.send(1), Ok(()));
}

/// A second sender, frozen as its first slice ends. Somebody owns the slot.
fn late_sender((sender, _): &Ends) -> Result<Traced, String> {
    let late = Traced::start(|| expect("the late send", sender.send(2), Ok(())))?;
    loop {
        late.resume()?;
        match late.wait(Instant::now() + STUCK) {
            Some(Stop::TimedOut) => return Ok(late),
            Some(Stop::Syscall | Stop::Trap) => {}
            other => return Err(format!("the late sender: {other:?}")),
        }
    }
}

fn lease((_, receiver): &Ends) {
    let receiver = ManuallyDrop::new(receiver.clone());
    mark();
    mem::forget(receiver.lease());
}

fn overtaken() -> Result<String, String> {
    let empty = || queue(4).map_err(|e| e.to_string());
    let with_one = || {
        let ends: Ends = empty()?;
        ends.0.send(1).map_err(|e| e.to_string())?;
        Ok(ends)
    };
    // The claim keeps others out of the slot.
    let claimed = steps_until(empty, send, |(sender, _)| sender.try_send(9).is_err())?;
    // The commit takes the message out of the ring.
    let committed = steps_until(with_one, lease, |(_, receiver)| receiver.is_empty())?;

    let ends = empty()?;
    let first = freeze(|| send(&ends), claimed)?;
    let late = late_sender(&ends)?;
    thaw(&first)?;
    let leaser = freeze(|| lease(&ends), committed - 1)?;
    kill(leaser.child());
    thaw(&late)?;

    let (_, receiver) = &ends;
    expect("in the queue", receiver.len(), 2)?;
    expect("the first one's", receiver.recv(), Ok(1))?;
    expect("the late one's", receiver.recv(), Ok(2))?;
    expect("in the queue afterwards", receiver.len(), 0)?;
    expect("nothing more", receiver.try_recv(), Err(RecvError::Empty))?;
    Ok(format!("ok, claimed at {claimed}, killed at {committed}"))
}
