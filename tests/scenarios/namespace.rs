//! A child in a new PID namespace calls the living by other numbers, so that
//! they would look dead to it. It gets an error from everything, and takes
//! nothing.

#![allow(unsafe_code)]

use std::cell::RefCell;
use std::mem;

use killproof::channel::{Receiver, RecvError, SendError, Sender, queue};
use killproof::sync::{
    Barrier, Broken, Guard, LockError, Mutex, OnceLock, Party, ReentrantMutex, RwLock, Semaphore,
};
use killproof::{Error, Shared};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};

use crate::common::case::Case;
use crate::common::mapped::{Mapped, Note};
use crate::{expect, scenario};

pub fn cases() -> Vec<Case> {
    vec![
        scenario("a child in a new PID namespace", child_outside),
        scenario("a child in a new time namespace", child_in_other_time),
    ]
}

/// To a child that reads another start time, where start times tell lives apart, its
/// parent must not look reborn: it gets an error, or finds the lock held.
fn child_in_other_time() -> Result<String, String> {
    let lock = Shared::new(Mutex::new(0)).map_err(|e| e.to_string())?;
    let guard = lock.lock().map_err(|e| e.to_string())?;
    // SAFETY: no memory is touched; it changes what later forks are born into.
    if unsafe { libc::unshare(libc::CLONE_NEWTIME) } != 0 {
        return Ok(format!("SKIPPED, unshare: {}", std::io::Error::last_os_error()));
    }
    std::fs::write("/proc/self/timens_offsets", "boottime 1000000 0\n")
        .map_err(|e| format!("timens_offsets: {e}"))?;
    let told = Mapped::new(Note::new());
    // SAFETY: as in `child_outside`.
    match unsafe { fork() }.map_err(|e| e.to_string())? {
        ForkResult::Child => {
            match lock.try_lock() {
                Err(LockError::WouldBlock) => {}
                Err(LockError::Failed(error)) if error.is_foreign_namespace() => {}
                other => told.write(&format!("{other:?}")),
            }
            // SAFETY: ends this process at once; no destructor is the child's.
            unsafe { libc::_exit(0) }
        }
        ForkResult::Parent { child } => {
            let end = waitpid(child, None).map_err(|e| e.to_string())?;
            expect("the child's end", end, WaitStatus::Exited(child, 0))?;
        }
    }
    expect("the living owner's lock", told.read(), String::new())?;
    drop(guard);
    expect("afterwards", lock.try_lock().is_ok(), true).map(|()| String::new())
}

struct Held {
    lock: Shared<Mutex<u64>>,
    readers: Shared<RwLock<u64>>,
    again: Shared<ReentrantMutex<u64>>,
    permits: Shared<Semaphore>,
    barrier: Shared<Barrier>,
    party: RefCell<Party>,
    value: Shared<OnceLock<u64>>,
    sender: Sender<u64>,
    receiver: Receiver<u64>,
    /// Of another queue.
    last: Receiver<u64>,
}

fn child_outside() -> Result<String, String> {
    let (sender, receiver) = queue(2).map_err(|e| e.to_string())?;
    let lock = Shared::new(Mutex::new(0)).map_err(|e| e.to_string())?;
    let readers = Shared::new(RwLock::new(0)).map_err(|e| e.to_string())?;
    let again = Shared::new(ReentrantMutex::new(0)).map_err(|e| e.to_string())?;
    let permits = Shared::new(Semaphore::new(1)).map_err(|e| e.to_string())?;
    let barrier = Shared::new(Barrier::new(2)).map_err(|e| e.to_string())?;
    let party = RefCell::new(barrier.party().map_err(|e| e.to_string())?);
    let value = Shared::new(OnceLock::new()).map_err(|e| e.to_string())?;
    let (to_last, last) = queue(1).map_err(|e| e.to_string())?;
    to_last.send(9).map_err(|e| e.to_string())?;
    let held =
        Held { lock, readers, again, permits, barrier, party, value, sender, receiver, last };
    held.sender.send(1).map_err(|e| e.to_string())?;
    held.sender.send(2).map_err(|e| e.to_string())?;
    let guard = held.lock.lock().map_err(|e| e.to_string())?;
    let reader = held.readers.read().map_err(|e| e.to_string())?;
    let outer = held.again.lock().map_err(|e| e.to_string())?;
    let permit = held.permits.acquire().map_err(|e| e.to_string())?;
    let task = held.receiver.lease().map_err(|e| e.to_string())?;

    // SAFETY: no memory is touched; it changes what later forks are born into.
    if unsafe { libc::unshare(libc::CLONE_NEWPID) } != 0 {
        return Ok(format!("SKIPPED, unshare: {}", std::io::Error::last_os_error()));
    }
    let told = Mapped::new(Note::new());
    // SAFETY: this process has one thread. The child uses no reference that came
    // out of a guard, and drops none of the guards.
    match unsafe { fork() }.map_err(|e| e.to_string())? {
        ForkResult::Child => {
            told.write(&try_everything(&held));
            // SAFETY: ends this process at once; no destructor is the child's.
            unsafe { libc::_exit(0) }
        }
        ForkResult::Parent { child } => {
            let end = waitpid(child, None).map_err(|e| e.to_string())?;
            expect("the child's end", end, WaitStatus::Exited(child, 0))?;
        }
    }
    expect("got through", told.read(), String::new())?;

    expect("permits left", held.permits.available(), 0)?;
    expect("messages left", held.receiver.len(), 1)?;
    expect("the barrier", (held.barrier.waiting(), held.barrier.broken()), (0, None))?;
    expect("closed", to_last.send(10), Err(SendError::Closed(10)))?;
    expect("the last message", held.last.recv(), Ok(9))?;
    expect("after it", held.last.recv(), Err(RecvError::Closed))?;
    expect("no value", held.value.get(), None)?;
    expect("the other party", held.barrier.party().map(mem::forget), Ok(()))?;
    expect("the value afterwards", held.value.set(7), Ok(()))?;
    drop((guard, reader, outer, permit));
    task.done();
    expect("the lock afterwards", held.lock.try_lock().is_ok(), true)?;
    expect("readers afterwards", held.readers.try_write().is_ok(), true)?;
    expect("the reentrant lock afterwards", held.again.try_lock().is_ok(), true)?;
    expect("permits afterwards", held.permits.available(), 1)?;
    expect("the message afterwards", held.receiver.recv(), Ok(2))?;
    expect("nothing more", held.receiver.try_recv(), Err(RecvError::Empty))?;
    Ok(String::new())
}

fn taken<G: Guard>(result: Result<G, LockError<G>>) -> Result<(), Option<Error>> {
    result.map(mem::forget).map_err(|error| Some(error.into()))
}

/// The names of what did not fail as it should.
fn try_everything(held: &Held) -> String {
    let waited = match held.party.borrow_mut().wait() {
        Err(Broken::Failed(error)) => Err(Some(error)),
        other => other.map(drop).map_err(|_| None),
    };
    let tries: [(&str, Result<(), Option<Error>>); 17] = [
        ("lock", taken(held.lock.lock())),
        ("try_lock", taken(held.lock.try_lock())),
        ("read", taken(held.readers.read())),
        ("try_read", taken(held.readers.try_read())),
        ("write", taken(held.readers.write())),
        ("lock again", taken(held.again.lock())),
        ("try_lock again", taken(held.again.try_lock())),
        ("acquire", held.permits.acquire().map(mem::forget).map_err(|e| Some(e.into()))),
        ("try_acquire", held.permits.try_acquire().map(mem::forget).map_err(|e| Some(e.into()))),
        ("party", held.barrier.party().map(mem::forget).map_err(Some)),
        ("Party::wait", waited),
        ("abort", held.barrier.abort().map_err(Some)),
        ("get_or_init", held.value.get_or_init(|| 1).map(drop).map_err(Some)),
        ("send", held.sender.send(3).map_err(sent)),
        ("recv", held.receiver.recv().map(drop).map_err(received)),
        ("lease", held.receiver.lease().map(mem::forget).map_err(received)),
        ("Shared::new", Shared::new(0_u64).map(drop).map_err(Some)),
    ];
    let is_foreign = |result: &Result<(), Option<Error>>| matches!(result, Err(Some(error)) if error.is_foreign_namespace());
    let through: Vec<_> = tries.iter().filter(|(_, result)| !is_foreign(result)).collect();
    // From here the family's numbers are nobody's; nobody is dead for that.
    let counts = (held.permits.available(), held.receiver.len());
    // That names nobody.
    held.last.close();
    let last = (held.last.is_closed(), held.last.len());
    match (through.is_empty(), counts, last) {
        (true, (0, 1), (true, 1)) => String::new(),
        _ => format!("{through:?}, permits and messages {counts:?}, the closed queue {last:?}"),
    }
}

fn sent(error: SendError<u64>) -> Option<Error> {
    match error {
        SendError::Failed(_, error) => Some(error),
        _ => None,
    }
}

fn received(error: RecvError) -> Option<Error> {
    match error {
        RecvError::Failed(error) => Some(error),
        _ => None,
    }
}
