//! Arbitrary bytes as a region, and valid regions that somebody scribbles on.
//!
//! ```text
//! cargo +nightly fuzz run region
//! ```
//!
//! Only errors and working operations may come of either: no read outside the
//! mapping, no endless loop, no panic.
#![no_main]

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use killproof::sync::{LockError, Mutex, Semaphore};
use killproof::{Error, Shareable, Shared};
use libfuzzer_sys::fuzz_target;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

fuzz_target!(|data: &[u8]| {
    let Some((mode, bytes)) = data.split_first() else { return };
    match mode % 4 {
        0 => drop(open::<Mutex<u64>>(file_of(bytes)).map(|mutex| lock(&mutex, 1))),
        1 => drop(open::<Semaphore>(file_of(bytes)).map(|semaphore| acquire(&semaphore))),
        2 => scribble(Mutex::new(1_u64), bytes, lock),
        _ => scribble(Semaphore::<64>::new(3), bytes, |semaphore, _| acquire(semaphore)),
    }
});

fn open<T: Shareable>(fd: OwnedFd) -> Result<Shared<T>, Error> {
    // SAFETY: 1. A mutex of a number and a semaphore are atomics and numbers,
    //    for which any bytes are valid. 2. Whoever writes to the file does so
    //    between operations.
    unsafe { Shared::open(fd) }
}

/// A file whose length is sealed, so that what is inside is looked at.
fn file_of(bytes: &[u8]) -> OwnedFd {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = File::from(memfd_create("arbitrary", flags).unwrap());
    file.write_all_at(bytes, 0).unwrap();
    fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW).unwrap();
    file.into()
}

/// Eight bytes at a time over a valid region, and an operation after each;
/// whatever has become of the header, the region is also opened again.
fn scribble<T: Shareable>(value: T, bytes: &[u8], operate: impl Fn(&T, u8)) {
    let shared = Shared::new(value).unwrap();
    // SAFETY: any bytes are a lock or a semaphore, which is what is scribbled on.
    let fd = unsafe { shared.as_fd() };
    let file = File::from(fd.try_clone_to_owned().unwrap());
    let len = file.metadata().unwrap().len();
    for stroke in bytes.chunks_exact(11) {
        let at = u64::from(u16::from_ne_bytes([stroke[0], stroke[1]])) % (len - 7);
        file.write_all_at(&stroke[3..], at).unwrap();
        operate(&shared, stroke[2]);
        if let Ok(again) = open::<T>(file.try_clone().unwrap().into()) {
            operate(&again, stroke[2]);
        }
    }
}

fn lock(mutex: &Mutex<u64>, how: u8) {
    let _ = format!("{mutex:?}");
    let result = match how % 2 {
        0 => mutex.try_lock(),
        _ => mutex.lock_timeout(Duration::ZERO),
    };
    match result {
        Ok(mut guard) => {
            *guard = guard.wrapping_add(1);
            drop(guard);
            assert!(mutex.try_lock().is_ok());
        }
        Err(LockError::Abandoned(abandoned)) => {
            let value = abandoned.get();
            drop(abandoned.recover(|inside| *inside = value.wrapping_add(1)));
            assert!(mutex.try_lock().is_ok());
        }
        Err(error) => drop(format!("{error}")),
    }
}

fn acquire(semaphore: &Semaphore) {
    let _ = format!("{semaphore:?}");
    let available = semaphore.available();
    match semaphore.try_acquire() {
        Ok(permit) => {
            assert_eq!(semaphore.available(), available - 1);
            permit.release();
        }
        Err(error) => drop(format!("{error}")),
    }
    assert_eq!(semaphore.available(), available);
    drop(semaphore.acquire_timeout(Duration::ZERO));
}
