//! Things with a name against the same without, and against what POSIX has.
//!
//! ```text
//! cargo bench --bench named [-- PART-OF-A-NAME ..]
//! ```

#![allow(unsafe_code)]

mod common;

use std::ffi::CString;
use std::hint::black_box;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;

use common::carry::{Actors, carry};
use common::compare::{
    FEW, MANY, Unit, compare, cpu_nanoseconds_per_call, header, nanoseconds_per_call,
};
use common::transport::{Ours, Payload};
use killproof::Named;
use killproof::channel::{Builder, PipeReceiver, PipeSender, Receiver, Sender, pipe, queue};
use killproof::named::Region;

/// What a queue of a few small messages takes.
const SMALL: usize = 16 << 10;
const LARGE: usize = 16 << 20;

fn main() {
    header("named");
    for (size, bytes) in [("16KiB", SMALL), ("16MiB", LARGE)] {
        create_and_open(size, bytes);
    }
    let small = |number: u64| number;
    through_a_queue("8B", small);
    through_a_queue("64B", |number| [number; 8]);
    through_a_queue("200B", |number| vec![number as u8; 200]);
    through_a_queue("4KiB", |number| vec![number as u8; 4 << 10]);
    between_processes::<u64>("8B");
    between_processes::<[u64; 8]>("64B");
    through_a_pipe("8B", small);
    through_a_pipe("4KiB", |number| vec![number as u8; 4 << 10]);
    at_a_region();
}

fn name(part: &str) -> String {
    format!("bench-{}-{part}", std::process::id())
}

/// Made by one, opened by another, and gone again. Both take the memory: an `shm_open`
/// that does not is killed later, where there is none.
fn create_and_open(size: &str, bytes: usize) {
    let named = Named::new(name("region")).capacity(bytes);
    let ours = || {
        let made: Region = named.create().unwrap();
        let opened: Region = named.open().unwrap();
        named.unlink().unwrap();
        black_box((made, opened));
    };
    let path = CString::new(format!("/{}", name("posix"))).unwrap();
    let posix = || {
        let made = shared(&path, libc::O_CREAT | libc::O_EXCL, bytes);
        let opened = shared(&path, 0, bytes);
        // SAFETY: a string that lives until the call is over.
        assert_eq!(unsafe { libc::shm_unlink(path.as_ptr()) }, 0);
        black_box((made, opened));
    };
    compare(
        MANY,
        Unit::Nanoseconds,
        &format!("named/create-open-unlink/{size}/shm_open"),
        "shm_open+fallocate+mmap",
        || nanoseconds_per_call(ours),
        || nanoseconds_per_call(posix),
    );
}

/// A mapping, as `shm_open` gives it.
struct Posix {
    start: *mut libc::c_void,
    bytes: usize,
    _file: OwnedFd,
}

fn shared(path: &CString, flags: libc::c_int, bytes: usize) -> Posix {
    // SAFETY: a string that lives until the call is over.
    let file = unsafe { libc::shm_open(path.as_ptr(), flags | libc::O_RDWR, 0o600) };
    assert!(file >= 0);
    // SAFETY: just opened, and nobody else's.
    let file = unsafe { OwnedFd::from_raw_fd(file) };
    if flags != 0 {
        // SAFETY: a descriptor and numbers.
        assert_eq!(unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, bytes as libc::off_t) }, 0);
    }
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping, anywhere.
    let start = unsafe {
        libc::mmap(ptr::null_mut(), bytes, access, libc::MAP_SHARED, file.as_raw_fd(), 0)
    };
    assert_ne!(start, libc::MAP_FAILED);
    Posix { start, bytes, _file: file }
}

impl Drop for Posix {
    fn drop(&mut self) {
        // SAFETY: mapped so, and nobody refers to it any more.
        unsafe { libc::munmap(self.start, self.bytes) };
    }
}

/// In one process, one message after the other: what a copy before a look costs.
fn through_a_queue<T: killproof::Message>(size: &str, message: fn(u64) -> T) {
    let named = Named::new(name("queue")).capacity(64).queue(Builder::new());
    let jobs: Sender<T> = named.create().unwrap();
    let todo: Receiver<T> = named.open().unwrap();
    named.unlink().unwrap();
    let (anonymous, inbox) = queue(64).unwrap();
    let ours = || {
        assert!(jobs.send(message(black_box(7))).is_ok());
        black_box(todo.recv().is_ok());
    };
    let peer = || {
        assert!(anonymous.send(message(black_box(7))).is_ok());
        black_box(inbox.recv().is_ok());
    };
    compare(
        MANY,
        Unit::Nanoseconds,
        &format!("named/queue-send-recv/{size}/anonymous"),
        "anonymous",
        || cpu_nanoseconds_per_call(64, ours),
        || cpu_nanoseconds_per_call(64, peer),
    );
}

/// From one process to another, as many messages as there is time for.
fn between_processes<M: Payload>(size: &str) {
    let carried = |queue: Ours<M>| carry((1, 1), &queue, Actors::Processes);
    compare(
        FEW,
        Unit::PerSecond,
        &format!("named/queue-1-to-1/{size}/anonymous"),
        "anonymous",
        || carried(Ours::named()),
        || carried(Ours::new()),
    );
}

fn through_a_pipe<T: killproof::Message>(size: &str, message: fn(u64) -> T) {
    let named = Named::new(name("pipe"));
    let mut sender: PipeSender<T> = named.create().unwrap();
    let mut receiver: PipeReceiver<T> = named.open().unwrap();
    named.unlink().unwrap();
    let (mut anonymous, mut inbox) = pipe().unwrap();
    let mut ours = || {
        assert!(sender.send(message(black_box(7))).is_ok());
        black_box(receiver.recv().is_ok());
    };
    let mut peer = || {
        assert!(anonymous.send(message(black_box(7))).is_ok());
        black_box(inbox.recv().is_ok());
    };
    compare(
        MANY,
        Unit::Nanoseconds,
        &format!("named/pipe-send-recv/{size}/anonymous"),
        "anonymous",
        || cpu_nanoseconds_per_call(64, &mut ours),
        || cpu_nanoseconds_per_call(64, &mut peer),
    );
}

/// Word by word against memcpy(3), which may tear any of them.
fn at_a_region() {
    const BYTES: usize = 4 << 10;
    let named = Named::new(name("bytes")).capacity(BYTES);
    let region: Region = named.create().unwrap();
    named.unlink().unwrap();
    let (mut copy, plain) = (vec![0_u8; BYTES], vec![7_u8; BYTES]);
    let mut other = copy.clone();
    compare(
        MANY,
        Unit::Nanoseconds,
        "named/region-read/4KiB/memcpy",
        "memcpy",
        || cpu_nanoseconds_per_call(64, || region.read_at(0, black_box(&mut copy))),
        || {
            cpu_nanoseconds_per_call(64, || {
                black_box(&mut other).copy_from_slice(black_box(&plain))
            })
        },
    );
}
