//! What is refused, and that the error says why.
#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;

use killproof::channel::{Builder, PipeReceiver, PipeSender, Receiver, Sender};
use killproof::named::Region;
use killproof::sync::Value;
use killproof::{Error, Named, Shared};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};

use crate::common::case::{Case, case, case_saying};
use crate::common::mapped::{Mapped, Note};
use crate::common::name::Name;

pub fn cases() -> Vec<Case> {
    vec![
        case("errors::both_sides_are_named", both_sides_are_named),
        case("errors::what_is_said_must_be_so_and_the_rest_is_taken", the_rest_is_taken),
        case("errors::what_is_not_whole_is_corrupt", what_is_not_whole_is_corrupt),
        case("errors::names_and_settings_that_cannot_be", names_that_cannot_be),
        case_saying("errors::another_namespace", another_namespace),
    ]
}

#[track_caller]
fn differs<T>(result: Result<T, Error>, wanted: &str) {
    let error = result.err().expect("it differs");
    assert!(error.is_mismatch(), "{error}");
    assert_eq!(error.to_string(), format!("region: {wanted}"));
}

fn both_sides_are_named() {
    let name = Name::new("differs");
    let named = name.named();
    let jobs: Sender<u64> = named.clone().capacity(16).create().unwrap();
    let other = named.clone().capacity(64).open::<Receiver<u64>>();
    differs(other, "capacity is 64 here and 16 there");
    let other = named.open::<Receiver<u32>>();
    differs(other, "the region is queue of u32 here and queue of u64 there");
    let other = named.open::<PipeReceiver<u64>>();
    differs(other, "the region is pipe of u64 here and queue of u64 there");
    let other = named.open::<Region>();
    differs(other, "the region is region of bytes here and queue of u64 there");
    let other = named.open_or_create_shared(|| Value::new(0_u8));
    differs(other, "the region is value of Value<u8> here and queue of u64 there");
    for (sizes, wanted) in [
        (Builder::new().participants(7), "participants is 7 here and 32 there"),
        (Builder::new().leases(7), "leases is 7 here and 32 there"),
        (Builder::new().max_attempts(7), "attempts is 7 here and 0 there"),
    ] {
        differs(named.clone().queue(sizes).open::<Sender<u64>>(), wanted);
    }
    // The version is at the ninth byte: see `shared::region`.
    let file = OpenOptions::new().write(true).open(name.path()).unwrap();
    file.write_all_at(&7_u32.to_ne_bytes(), 8).unwrap();
    differs(named.open::<Receiver<u64>>(), "version is 3 here and 7 there");
    drop(jobs);

    let name = Name::new("differs-text");
    let sizes = Builder::new().largest(1000).inline(100);
    let _lines: Sender<String> = name.named().queue(sizes).create().unwrap();
    let other = name.named().queue(Builder::new().largest(2000)).open::<Sender<String>>();
    differs(other, "bytes of a message is 2000 here and 1000 there");
    let other = name.named().queue(Builder::new().inline(10)).open::<Sender<String>>();
    differs(other, "bytes in a slot is 10 here and 100 there");

    let name = Name::new("differs-pipe");
    let _pipe: PipeSender<u64> = name.named().capacity(1000).create().unwrap();
    let other = name.named().capacity(2000).open::<PipeReceiver<u64>>();
    differs(other, "capacity is 2048 here and 1024 there");
}

fn the_rest_is_taken() {
    let name = Name::new("taken");
    let sizes = Builder::new().max_attempts(1).leases(3);
    let tasks: Sender<String> = name.named().capacity(5).queue(sizes).create().unwrap();
    let todo: Receiver<String> = name.named().open().unwrap();
    assert_eq!((tasks.capacity(), todo.capacity()), (5, 5));
    tasks.send_many(["a", "b", "c", "d"].map(String::from)).unwrap();
    let leases: Vec<_> = (0..3).map(|_| todo.lease().unwrap()).collect();
    assert!(todo.lease().is_err(), "three leases");
    drop(leases);
    assert_eq!(todo.dead_letters().len(), 3, "one attempt each");
}

fn what_is_not_whole_is_corrupt() {
    let name = Name::new("cut");
    drop(name.named().capacity(100).create::<Sender<String>>().unwrap());
    let whole = File::open(name.path()).unwrap().metadata().unwrap().len();
    for len in [whole - 1, whole / 2, 257, 256, 255, 100, 1, 0, whole + 1] {
        drop(name.named().capacity(100).create::<Sender<String>>().unwrap());
        let file = OpenOptions::new().write(true).open(name.path()).unwrap();
        file.set_len(len).unwrap();
        let error = name.named().open::<Receiver<String>>().unwrap_err();
        assert!(error.is_corrupt(), "{len} of {whole}: {error}");
    }
    // Sizes that the header alleges and that there is no room for, or no such queue.
    for (at, number) in [(48, 1 << 19), (48, 0), (56, 9), (72, 1 << 30), (80, 1000), (88, 0)] {
        drop(name.named().capacity(100).create::<Sender<String>>().unwrap());
        let file = OpenOptions::new().write(true).open(name.path()).unwrap();
        file.write_all_at(&u64::to_ne_bytes(number), at).unwrap();
        let error = name.named().open::<Receiver<String>>().unwrap_err();
        let is_refused = error.is_corrupt() || at == 56 && error.is_mismatch();
        assert!(is_refused, "{number} at {at}: {error}");
    }
}

fn names_that_cannot_be() {
    for name in ["", "a/b", "a\0b", &"x".repeat(201)] {
        let named = Named::new(name).capacity(8);
        assert!(named.create::<Region>().unwrap_err().is_limit());
        assert!(named.open::<Region>().unwrap_err().is_limit());
        assert!(named.unlink().unwrap_err().is_limit());
    }
    let name = Name::new("settings");
    for named in [
        name.named(),
        name.named().capacity(0),
        name.named().capacity(usize::MAX),
        name.named().capacity(8).mode(0o400),
        name.named().capacity(8).mode(0o700),
        name.named().capacity(8).mode(0o4600),
    ] {
        assert!(named.create::<Region>().unwrap_err().is_limit(), "{named:?}");
    }
    assert!(name.named().capacity(0).create::<Sender<u8>>().unwrap_err().is_limit());
    assert!(name.named().capacity(1 << 31).create::<PipeSender<u8>>().unwrap_err().is_limit());
    let other = name.named().capacity(8).owner(rustix::process::getuid().as_raw() + 1);
    assert!(other.create::<Region>().unwrap_err().is_not_owner());
    assert!(!name.is_taken());
}

/// What is there was made in the family's namespace. In another, the numbers in it would
/// name others; and it has its user all the same.
fn another_namespace() -> String {
    let name = Name::new("namespace");
    let shared: Shared<Value<u64>> = name.named().create_shared(Value::new(1)).unwrap();
    // SAFETY: no memory is touched; it changes what later forks are born into.
    if unsafe { libc::unshare(libc::CLONE_NEWPID) } != 0 {
        let error = std::io::Error::last_os_error();
        return format!("SKIPPED errors::another_namespace: unshare: {error}");
    }
    let told = Mapped::new(Note::new());
    // SAFETY: this process has one thread.
    match unsafe { fork() }.unwrap() {
        ForkResult::Child => {
            let opened = name.named().open_shared::<Value<u64>>().map(drop);
            let created = name.named().create_shared(Value::new(2_u64)).map(drop);
            let unlinked = name.named().unlink();
            let is_foreign =
                [opened, created, unlinked].map(|r| r.is_err_and(|e| e.is_foreign_namespace()));
            let pruned = Named::prune().unwrap().contains(&name.text().into());
            told.write(&format!("{is_foreign:?} {pruned}"));
            // SAFETY: ends this process at once; no destructor is the child's.
            unsafe { libc::_exit(0) }
        }
        ForkResult::Parent { child } => {
            assert_eq!(waitpid(child, None), Ok(WaitStatus::Exited(child, 0)));
        }
    }
    assert_eq!(told.read(), "[true, true, true] false");
    assert_eq!(shared.get(), 1);
    String::new()
}
