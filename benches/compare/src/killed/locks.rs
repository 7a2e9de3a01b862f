//! The question about locks.

use std::thread;
use std::time::{Duration, Instant};

use killproof::Shared;
use killproof::sync::{LockError, Mutex};

use super::{Found, LIMIT};
use crate::channel::Missing;
use crate::common::posix::PthreadMutex;
use crate::peers::boost;
use crate::stage::{Stage, until};

/// A lock that is taken and never given back.
pub trait Lock: Sized {
    fn new() -> Result<Self, Missing>;
    /// Returns when this process has it, or is told about its owner.
    fn lock(&self);
}

pub struct Ours(Shared<Mutex<u64>>);

impl Lock for Ours {
    fn new() -> Result<Self, Missing> {
        Shared::new(Mutex::new(0)).map(Ours).map_err(|error| Missing(error.to_string()))
    }

    fn lock(&self) {
        match self.0.lock() {
            Ok(guard) => std::mem::forget(guard),
            Err(LockError::Abandoned(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// `PTHREAD_MUTEX_ROBUST`.
pub struct Robust(Shared<PthreadMutex>);

impl Lock for Robust {
    fn new() -> Result<Self, Missing> {
        Ok(Robust(PthreadMutex::new(true)))
    }

    fn lock(&self) {
        self.0.lock_of_the_dead();
    }
}

pub struct Plain(Shared<PthreadMutex>);

impl Lock for Plain {
    fn new() -> Result<Self, Missing> {
        Ok(Plain(PthreadMutex::new(false)))
    }

    fn lock(&self) {
        self.0.lock();
    }
}

impl Lock for boost::Mutex {
    fn new() -> Result<Self, Missing> {
        boost::Mutex::new()
    }

    fn lock(&self) {
        assert!(boost::Mutex::lock(self), "an exception");
    }
}

/// Somebody waits for a lock, and its owner is killed.
pub fn lock<L: Lock>(pause: Duration) -> Result<Found, Missing> {
    let (lock, stage, start) = (L::new()?, Stage::new(), Instant::now());
    let nanoseconds = || start.elapsed().as_nanos() as u64;
    let stay = || loop {
        thread::park();
    };
    let owner = stage.start(|| {
        lock.lock();
        stage.count(0, 1);
        stay()
    });
    assert!(until(LIMIT, || stage.counted(0) == 1), "a free lock is not to be had");
    let _waiter = stage.start(|| {
        stage.count(1, 1);
        lock.lock();
        stage.answer(nanoseconds());
        stay()
    });
    until(LIMIT, || stage.counted(1) == 1);
    thread::sleep(pause);
    let killed = nanoseconds();
    drop(owner);
    until(LIMIT, || stage.answered().is_some());
    Ok(match stage.answered() {
        Some(told) => Found::Told(Duration::from_nanos(told - killed)),
        None if stage.has_failed() => Found::Fails,
        None => Found::Hangs,
    })
}
