//! A sender is overtaken between its last look at a slot and its claim of it. In
//! between, another's message is there, and its leaser has died one instruction
//! before the lease was committed. The late sender takes the slot from the dead
//! leaser, finds it in use and gives it back. The message must come once.

use std::mem::{self, ManuallyDrop};

use killproof::channel::{Receiver, RecvError, Sender, queue};

use crate::common::case::Case;
use crate::common::trace::mark;
use crate::frozen::{freeze, steps_until, thaw};
use crate::{expect, kill, scenario};

pub fn cases() -> Vec<Case> {
    vec![scenario("an overtaken sender comes to a dead leaser", overtaken)]
}

type Ends = (Sender<u64>, Receiver<u64>);

fn send((sender, _): &Ends) {
    let sender = ManuallyDrop::new(sender.clone());
    mark();
    assert_eq!(sender.send(2), Ok(()));
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
    // The claim keeps others out of the slot; one instruction before it does not.
    let claimed = steps_until(empty, send, |(sender, _)| sender.try_send(1).is_err())?;
    // The commit takes the message out of the ring.
    let committed = steps_until(with_one, lease, |(_, receiver)| receiver.is_empty())?;

    let ends = empty()?;
    let late = freeze(|| send(&ends), claimed - 1)?;
    let (sender, receiver) = &ends;
    expect("the overtaker's send", sender.send(1), Ok(()))?;
    let leaser = freeze(|| lease(&ends), committed - 1)?;
    kill(leaser.child());
    thaw(&late)?;

    expect("in the queue", receiver.len(), 2)?;
    expect("the overtaker's", receiver.recv(), Ok(1))?;
    expect("the late one's", receiver.recv(), Ok(2))?;
    expect("in the queue afterwards", receiver.len(), 0)?;
    expect("nothing more", receiver.try_recv(), Err(RecvError::Empty))?;
    Ok(format!("ok, frozen at {claimed}, killed at {committed}"))
}
