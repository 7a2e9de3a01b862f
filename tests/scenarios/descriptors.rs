//! A process that cannot open another descriptor, and so no pidfd, still finds
//! out who is dead.

use std::fs::File;
use std::mem::{self, ManuallyDrop};

use killproof::Shared;
use killproof::channel::{Receiver, Sender, queue};
use killproof::sync::{LockError, Mutex, Semaphore};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::common::case::Case;
use crate::common::child::{Child, fork};
use crate::common::mapped::{Gate, Mapped};
use crate::common::trace::mark;
use crate::frozen::{freeze, steps_until};
use crate::{expect, fall_asleep, finish, kill, scenario};

pub fn cases() -> Vec<Case> {
    vec![
        scenario("no descriptors left, Mutex", mutex),
        scenario("no descriptors left, Semaphore", semaphore),
        scenario("no descriptors left, lease", lease),
        scenario("no descriptors left, a slot of the queue", slot),
    ]
}

/// From here on every new descriptor is refused.
pub fn exhaust() -> Result<(), String> {
    // One, and not none: poll refuses to look at more descriptors than may be.
    let limit = Rlimit { current: Some(1), ..getrlimit(Resource::Nofile) };
    setrlimit(Resource::Nofile, limit).map_err(|e| e.to_string())?;
    let refused = File::open("/dev/null").map(drop).map_err(|e| e.raw_os_error());
    expect("one more descriptor", refused, Err(Some(libc::EMFILE)))
}

/// Somebody who does `take`, keeps what that gives, and is there until killed.
fn holder<T>(take: impl FnOnce() -> Result<T, String>) -> Result<Child, String> {
    let (holds, never) = (Mapped::new(Gate::default()), Mapped::new(Gate::default()));
    let holder = fork(|| {
        mem::forget(take()?);
        holds.open();
        never.pass();
        Ok(())
    });
    fall_asleep(&holder, &holds)?;
    Ok(holder)
}

/// Kills the holder while another waits without descriptors; that must go on.
fn killed_under(
    holder: &Child,
    warm_up: impl FnOnce(),
    wait: impl FnOnce() -> Result<(), String>,
) -> Result<String, String> {
    let begins = Mapped::new(Gate::default());
    let waiter = fork(|| {
        warm_up();
        exhaust()?;
        begins.open();
        wait()
    });
    fall_asleep(&waiter, &begins)?;
    kill(holder);
    finish("the waiter", &waiter).map(|()| String::new())
}

/// The first use of a stamp takes a descriptor.
fn first_use() {
    drop(Shared::new(0_u8));
}

fn mutex() -> Result<String, String> {
    let lock = Shared::new(Mutex::new(0_u64)).map_err(|e| e.to_string())?;
    let holder = holder(|| lock.lock().map_err(|e| e.to_string()))?;
    killed_under(&holder, first_use, || match lock.lock() {
        Err(LockError::Abandoned(left)) => {
            expect("left by", left.pid(), holder.pid().as_raw() as u32)
        }
        other => Err(format!("{other:?}")),
    })
}

fn semaphore() -> Result<String, String> {
    let permits = Shared::new(Semaphore::new(1)).map_err(|e| e.to_string())?;
    let holder = holder(|| permits.acquire().map_err(|e| e.to_string()))?;
    killed_under(&holder, first_use, || permits.acquire().map(drop).map_err(|e| e.to_string()))
}

fn lease() -> Result<String, String> {
    let (sender, receiver) = queue(2).map_err(|e| e.to_string())?;
    sender.send(5_u64).map_err(|e| e.to_string())?;
    let holder = holder(|| receiver.lease().map_err(|e| e.to_string()))?;
    killed_under(&holder, first_use, || {
        let task = receiver.lease().map_err(|e| e.to_string())?;
        expect("value and attempts", (*task, task.attempts()), (5, 2))
    })
}

type Ends = (Sender<u64>, Receiver<u64>);

fn slot() -> Result<String, String> {
    let ends = || queue(2).map_err(|e| e.to_string());
    let send = |(sender, _): &Ends| {
        let sender = ManuallyDrop::new(sender.clone());
        mark();
        assert_eq!(sender.send(1), Ok(()));
    };
    // From there on nobody else gets the slot.
    let claimed = steps_until(ends, send, |(sender, _)| sender.try_send(2).is_err())?;
    let ends = ends()?;
    let frozen = freeze(|| send(&ends), claimed)?;
    let (sender, receiver) = &ends;
    killed_under(frozen.child(), first_use, || {
        expect("its send", sender.send(2), Ok(()))?;
        expect("its receive", receiver.recv(), Ok(2))
    })
}
