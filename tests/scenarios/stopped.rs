//! A stopped owner is alive: nobody robs it, and once it goes on all goes on.

use std::mem::ManuallyDrop;
use std::time::Duration;

use killproof::Shared;
use killproof::channel::{RecvError, SendError, queue};
use killproof::sync::{AcquireError, LockError, Mutex, Semaphore};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

use crate::common::case::Case;
use crate::common::child::{Child, fork};
use crate::common::mapped::{Gate, Mapped};
use crate::common::trace::mark;
use crate::frozen::{freeze, steps_until, thaw};
use crate::{expect, fall_asleep, finish, scenario};

/// How long others try, several slices; any length is right.
pub const TRY: Duration = Duration::from_millis(200);

pub fn cases() -> Vec<Case> {
    vec![
        scenario("an owner of a lock, a permit and a lease stopped", everything),
        scenario("a sender stopped in its slot", sender),
    ]
}

/// Stops a child that sleeps, and sees it stopped.
pub fn stop(child: &Child) -> Result<(), String> {
    kill(child.pid(), Signal::SIGSTOP).map_err(|e| e.to_string())?;
    let stopped = waitpid(child.pid(), Some(WaitPidFlag::WUNTRACED)).map_err(|e| e.to_string())?;
    expect("the owner", stopped, WaitStatus::Stopped(child.pid(), Signal::SIGSTOP))
}

fn everything() -> Result<String, String> {
    let lock = Shared::new(Mutex::new(0_u64)).map_err(|e| e.to_string())?;
    let permits = Shared::new(Semaphore::new(1)).map_err(|e| e.to_string())?;
    let (sender, receiver) = queue::<u64>(2).map_err(|e| e.to_string())?;
    sender.send(7).map_err(|e| e.to_string())?;
    let (holds, may_go, begins) =
        (Mapped::new(Gate::default()), Mapped::new(Gate::default()), Mapped::new(Gate::default()));
    let owner = fork(|| {
        let mut guard = lock.lock().map_err(|e| e.to_string())?;
        let permit = permits.acquire().map_err(|e| e.to_string())?;
        let task = receiver.lease().map_err(|e| e.to_string())?;
        holds.open();
        may_go.pass();
        *guard += 1;
        drop((guard, permit));
        task.done();
        Ok(())
    });
    fall_asleep(&owner, &holds)?;
    stop(&owner)?;

    let waiter = fork(|| {
        begins.open();
        expect("the lock, waited for", lock.lock().map(|guard| *guard).ok(), Some(1))
    });
    fall_asleep(&waiter, &begins)?;
    let tried = matches!(lock.try_lock(), Err(LockError::WouldBlock));
    expect("try_lock would block", tried, true)?;
    let waited = matches!(lock.lock_timeout(TRY), Err(LockError::TimedOut));
    expect("lock_timeout times out", waited, true)?;
    let acquired = permits.acquire_timeout(TRY).map(drop);
    expect("acquire_timeout", acquired, Err(AcquireError::TimedOut))?;
    expect("available", permits.available(), 0)?;
    expect("recv_timeout", receiver.recv_timeout(TRY), Err(RecvError::Empty))?;
    expect("len", receiver.len(), 0)?;

    may_go.open();
    kill(owner.pid(), Signal::SIGCONT).map_err(|e| e.to_string())?;
    finish("the owner", &owner)?;
    finish("the waiter", &waiter)?;
    expect("the lock afterwards", lock.lock().map(|guard| *guard).ok(), Some(1))?;
    expect("available afterwards", permits.available(), 1)?;
    expect("the queue afterwards", receiver.try_recv(), Err(RecvError::Empty))?;
    Ok(String::new())
}

/// It holds up those behind it, as the documentation says, and loses nothing.
fn sender() -> Result<String, String> {
    let ends = || queue::<u64>(4).map_err(|e| e.to_string());
    let send = |(sender, _): &(killproof::channel::Sender<u64>, _)| {
        let sender = ManuallyDrop::new(sender.clone());
        mark();
        assert_eq!(sender.send(1), Ok(()));
    };
    let claimed = steps_until(ends, send, |(sender, _)| sender.try_send(2).is_err())?;
    let ends = ends()?;
    let frozen = freeze(|| send(&ends), claimed)?;
    let (sender, receiver) = &ends;
    expect("behind it", sender.send_timeout(2, TRY), Err(SendError::Full(2)))?;
    expect("nothing yet", receiver.recv_timeout(TRY), Err(RecvError::Empty))?;
    let begins = Mapped::new(Gate::default());
    let next = fork(|| {
        begins.open();
        expect("the next send", sender.send(2), Ok(()))
    });
    fall_asleep(&next, &begins)?;
    thaw(&frozen)?;
    finish("the next sender", &next)?;
    expect("the first", receiver.recv(), Ok(1))?;
    expect("the second", receiver.recv(), Ok(2)).map(|()| String::new())
}
