//! A child in a new PID namespace: its code runs, and nothing of ours does.
#![allow(unsafe_code)]

use killproof::process::{SpawnError, current, spawn};
use killproof::sync::Mutex;
use killproof::{Error, Shared};

use crate::common::case::Case;
use crate::{case_saying, gate};

pub fn cases() -> Vec<Case> {
    vec![case_saying("namespace::a_child_outside", a_child_outside)]
}

fn a_child_outside() -> String {
    let mutex = Shared::new(Mutex::new(0_u32)).unwrap();
    // SAFETY: no memory is touched; it changes what later forks are born into.
    if unsafe { libc::unshare(libc::CLONE_NEWPID) } != 0 {
        let error = std::io::Error::last_os_error();
        return format!("SKIPPED namespace::a_child_outside: unshare: {error}");
    }
    // The first is the init of the new namespace, which ends with it.
    let go = gate();
    let inner = go.clone();
    let init = spawn(move || inner.pass()).unwrap();
    let child = spawn(move || {
        let lock = mutex.lock().map(drop).map_err(Error::from).unwrap_err();
        let region = Shared::new(0_u32).map(drop).unwrap_err();
        let spawned = match spawn(|| ()) {
            Err(SpawnError::Failed(error)) => error.is_foreign_namespace(),
            _ => false,
        };
        let me = current();
        let foreign = (lock.is_foreign_namespace(), region.is_foreign_namespace(), spawned);
        (me.pid(), me.parent(), me.name().to_owned(), foreign)
    });
    let seen = child.unwrap().join();
    assert_eq!(seen, Ok((2, 0, "Process-2".to_owned(), (true, true, true))));
    assert!(init.is_alive());
    go.open();
    assert_eq!(init.join(), Ok(()), "a gate is no primitive of ours");
    String::new()
}
