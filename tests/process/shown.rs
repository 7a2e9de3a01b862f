//! `Debug` of a primitive names who has part in it, and whether they live.
#![allow(unsafe_code)]

use std::mem::forget;

use killproof::process::{JoinError, spawn, spawn_unchecked};
use killproof::sync::{LockError, Mutex, OrRecover, ReentrantMutex, RwLock, Semaphore};
use killproof::{Shared, shareable};

use crate::case;
use crate::common::case::Case;

pub fn cases() -> Vec<Case> {
    vec![
        case("shown::owners_that_are_dead", owners_that_are_dead),
        case("shown::who_left_it", who_left_it),
        case("shown::a_writer_killed_while_it_waits", a_writer_killed_while_it_waits),
    ]
}

shareable! {
    struct State {
        mutex: Mutex<u8>,
        nested: ReentrantMutex<u8>,
        read: RwLock<u8>,
        written: RwLock<u8>,
        semaphore: Semaphore,
    }
}

fn owners_that_are_dead() {
    let state = Shared::new(State {
        mutex: Mutex::new(0),
        nested: ReentrantMutex::new(0),
        read: RwLock::new(0),
        written: RwLock::new(0),
        semaphore: Semaphore::new(2),
    });
    let state = state.unwrap();
    let its = state.clone();
    let child = spawn(move || {
        forget(its.mutex.lock().unwrap());
        forget(its.nested.lock().unwrap());
        forget(its.read.read().unwrap());
        forget(its.written.write().unwrap());
        forget(its.semaphore.acquire().unwrap());
    });
    let child = child.unwrap();
    let dead = format!("{} (dead)", child.pid());
    assert_eq!(child.join(), Ok(()));

    let State { mutex, nested, read, written, semaphore } = &*state;
    let shows = |shown: String, part: &str| assert!(shown.contains(part), "{shown}");
    shows(format!("{mutex:?}"), &format!("owner: {dead}"));
    shows(format!("{nested:?}"), &format!("owner: {dead}, depth: 1"));
    shows(format!("{read:?}"), &format!("writer: nobody, readers: [{dead}]"));
    shows(format!("{written:?}"), &format!("writer: {dead}"));
    shows(format!("{semaphore:?}"), &format!("available: 2, owners: [{dead}]"));
}

/// It is free, as whoever took it over gave it back unrepaired, and names the dead one.
/// A writer that waits has not begun to write.
fn a_writer_killed_while_it_waits() {
    let lock = Shared::new(RwLock::new(5_u8)).unwrap();
    let reader = lock.read().unwrap();
    let its = lock.clone();
    // SAFETY: the child uses nothing that came out of the guard.
    let waits = unsafe { spawn_unchecked(move || drop(its.write())) }.unwrap();
    let pid = waits.pid();
    while !format!("{:?}", *lock).contains(&format!("writer: {pid} (alive)")) {}
    waits.kill().unwrap();
    assert_eq!(waits.join(), Err(JoinError::Signalled(9)));
    let shown = format!("{:?}", *lock);
    assert!(shown.contains(&format!("writer: {pid} (dead)")), "{shown}");
    assert!(shown.contains("abandoned: false"), "{shown}");
    drop(reader);
    assert_eq!(*lock.read().unwrap(), 5);
}

/// One that is held names its holder.
fn who_left_it() {
    let mutex = Shared::new(Mutex::new(0_u8)).unwrap();
    let nested = Shared::new(ReentrantMutex::new(0_u8)).unwrap();
    let both = Shared::new(RwLock::new(0_u8)).unwrap();
    let its = (mutex.clone(), nested.clone(), both.clone());
    let child = spawn(move || {
        forget(its.0.lock().unwrap());
        forget(its.1.lock().unwrap());
        forget(its.2.write().unwrap());
    });
    let child = child.unwrap();
    let pid = child.pid();
    assert_eq!(child.join(), Ok(()));
    // Before anybody was told.
    for shown in [format!("{:?}", *mutex), format!("{:?}", *nested), format!("{:?}", *both)] {
        assert!(shown.contains(&format!(": {pid} (dead), ")), "{shown}");
        assert!(shown.contains(&format!("abandoned: by {pid}")), "{shown}");
    }
    let Err(LockError::Abandoned(left)) = mutex.lock() else { panic!("not told") };
    let own = std::process::id();
    let shown = format!("{:?}", *mutex);
    assert_eq!(shown, format!("Mutex {{ owner: {own} (alive), abandoned: true, .. }}"));
    drop(left);
    let Err(LockError::Abandoned(left)) = nested.lock() else { panic!("not told") };
    drop(left);
    let shows = |shown: String| {
        let part = format!("owner: nobody, abandoned: by {pid}");
        assert!(shown.contains(&part), "{shown}");
    };
    shows(format!("{:?}", *mutex));
    shows(format!("{:?}", *nested));
    drop(mutex.lock().or_recover(|_| ()).unwrap());
    let shown = format!("{:?}", *mutex);
    assert_eq!(shown, "Mutex { owner: nobody, abandoned: false, .. }");
}
