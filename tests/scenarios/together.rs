//! Several victims at once: the owner of a slot, and the one that was woken and
//! would have gone on in its place.

use std::mem::ManuallyDrop;
use std::time::Instant;

use killproof::channel::{Receiver, Sender, queue};

use crate::common::case::Case;
use crate::common::child::fork;
use crate::common::mapped::{Gate, Mapped};
use crate::common::script::{Seen, put_to_sleep, wait_ended, wait_woken};
use crate::common::trace::{Traced, mark};
use crate::frozen::{freeze, steps_until};
use crate::{STUCK, expect, fall_asleep, finish, kill, scenario};

/// A sleep that ends by itself in the wrong moment spoils a try.
const TRIES: usize = 50;

pub fn cases() -> Vec<Case> {
    vec![
        scenario("a woken receiver and a sender in its slot killed", sender_and_woken),
        scenario("a receiver in its slot and the next one killed", receiver_and_next),
    ]
}

type Ends = (Sender<u64>, Receiver<u64>);

fn ends() -> Result<Ends, String> {
    queue(4).map_err(|e| e.to_string())
}

fn sender_and_woken() -> Result<String, String> {
    let send = |(sender, _): &Ends| {
        let sender = ManuallyDrop::new(sender.clone());
        mark();
        assert_eq!(sender.send(2), Ok(()));
    };
    let claimed = steps_until(ends, send, |(sender, _)| sender.try_send(9).is_err())?;
    for _ in 0..TRIES {
        let ends = ends()?;
        let receive = || Traced::start(|| expect("the first", ends.1.recv(), Ok(1)));
        let receivers = [receive()?, receive()?];
        let both = [&receivers[0], &receivers[1]];
        let soon = || Instant::now() + STUCK;
        if put_to_sleep(&both, soon())? != Seen::AllAsleep {
            return Err("the receivers do not sleep".into());
        }
        expect("the first send", ends.0.send(1), Ok(()))?;
        let Seen::Woken(woken) = wait_woken(&both, soon())? else { continue };
        let writer = freeze(|| send(&ends), claimed)?;
        writer.child().kill();
        kill(receivers[woken].child());
        writer.child().reap();

        match wait_ended(both[1 - woken], soon())? {
            Seen::Ended(_, result) => result?,
            other => return Err(format!("the other receiver: {other:?}")),
        }
        expect("the next send", ends.0.send(3), Ok(()))?;
        expect("what the dead sender had not committed", ends.1.recv(), Ok(3))?;
        return Ok(String::new());
    }
    Err(format!("spoiled {TRIES} times"))
}

fn receiver_and_next() -> Result<String, String> {
    let two = || {
        let ends = ends()?;
        ends.0.send(1).and_then(|()| ends.0.send(2)).map_err(|e| e.to_string())?;
        Ok(ends)
    };
    let receive = |(_, receiver): &Ends| {
        let receiver = ManuallyDrop::new(receiver.clone());
        mark();
        assert_eq!(receiver.recv(), Ok(1));
    };
    let claimed = steps_until(two, receive, |(_, receiver)| receiver.try_recv().is_err())?;
    let ends = two()?;
    let reader = freeze(|| receive(&ends), claimed)?;
    let begins = [Mapped::new(Gate::default()), Mapped::new(Gate::default())];
    let next = |begin: usize| {
        let (begins, receiver) = (&begins[begin], &ends.1);
        fork(move || {
            begins.open();
            expect("the first", receiver.recv(), Ok(1))?;
            expect("the second", receiver.recv(), Ok(2))
        })
    };
    let waiting = [next(0), next(1)];
    fall_asleep(&waiting[0], &begins[0])?;
    fall_asleep(&waiting[1], &begins[1])?;
    reader.child().kill();
    kill(&waiting[0]);
    reader.child().reap();
    finish("the last receiver", &waiting[1]).map(|()| String::new())
}
