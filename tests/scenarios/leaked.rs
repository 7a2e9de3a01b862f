//! A leaked guard's `&mut` may live on as long as its process, in whatever
//! thread: nobody else gets one before that, and no child gets a copy.

use std::mem;
use std::thread;
use std::time::Duration;

use killproof::Shared;
use killproof::process::{SpawnError, spawn};
use killproof::sync::{LockError, Mutex};

use crate::common::case::Case;
use crate::common::child::fork;
use crate::common::mapped::{Gate, Mapped};
use crate::{expect, finish, kill, scenario};

/// How long others try; any length is right.
const TRY: Duration = Duration::from_millis(150);

type Lock = Shared<Mutex<u64>>;

pub fn cases() -> Vec<Case> {
    vec![
        scenario("a guard leaked", || leaked(|lock| mem::forget(lock.lock()), true)),
        scenario("a guard leaked by a thread that ended", || leaked(leak_in_a_thread, false)),
        scenario("a `&mut` sent away by a thread that ended", sent_away),
    ]
}

fn leak_in_a_thread(lock: &Lock) {
    let lock = lock.clone();
    thread::spawn(move || mem::forget(lock.lock())).join().expect("it only leaks");
}

fn leaked(leak: fn(&Lock), by_this_thread: bool) -> Result<String, String> {
    let lock = new_lock()?;
    let (leaked, never) = (Mapped::new(Gate::default()), Mapped::new(Gate::default()));
    let leaker = fork(|| {
        leak(&lock);
        let again = if by_this_thread { "Deadlock" } else { "TimedOut" };
        expect("the leaker's own try", name(&lock), again.to_owned())?;
        let lock = lock.clone();
        let of_another = thread::spawn(move || name(&lock)).join();
        expect("another thread's try", of_another.expect("it only tries"), "TimedOut".into())?;
        expect("spawn", spawn(|| ()).map(drop), Err(SpawnError::Loans(1)))?;
        leaked.open();
        never.pass();
        Ok(())
    });
    while !leaked.is_open() {
        if leaker.ended(std::time::Instant::now()) {
            return finish("the leaker", &leaker).and(Err("the leaker ended".into()));
        }
        thread::yield_now();
    }
    expect("another process's try", name(&lock), "TimedOut".to_owned())?;
    kill(&leaker);
    match lock.lock() {
        Err(LockError::Abandoned(left)) => {
            expect("left by", left.pid(), leaker.pid().as_raw() as u32)?;
        }
        other => return Err(format!("after the leaker's death: {other:?}")),
    }
    Ok(String::new())
}

/// The mark of a robust futex says "the thread has ended"; here that is so while
/// the reference is in use.
fn sent_away() -> Result<String, String> {
    let lock: &'static Lock = Box::leak(Box::new(new_lock()?));
    let first: &'static mut u64 = thread::spawn(|| {
        let guard = Box::leak(Box::new(lock.lock().expect("free")));
        &mut **guard
    })
    .join()
    .expect("it only leaks");
    *first = 1;
    let second = fork(|| expect("a second `&mut`", name(lock), "TimedOut".to_owned()));
    finish("another process", &second)?;
    *first += 1;
    expect("the only `&mut`", *first, 2).map(|()| String::new())
}

fn new_lock() -> Result<Lock, String> {
    Shared::new(Mutex::new(0)).map_err(|e| e.to_string())
}

/// What a try that may wait comes to.
fn name(lock: &Lock) -> String {
    match lock.lock_timeout(TRY) {
        Ok(_) => "Ok".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}
