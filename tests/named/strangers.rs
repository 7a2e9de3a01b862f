//! Other users, and what they may put in the way in a folder that everybody writes to.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::ptr;

use killproof::channel::Sender;
use killproof::named::Region;
use killproof::sync::Value;
use killproof::{Error, Named, Shared};
use rustix::fs::Mode;
use rustix::process::getuid;

use crate::common::case::{Case, case, case_saying};
use crate::common::child::fork;
use crate::common::name::{Name, left_behind};
use crate::finish;

pub fn cases() -> Vec<Case> {
    vec![
        case_saying("strangers::another_user_is_refused", another_user_is_refused),
        case_saying("strangers::another_user_may_be_let_in", another_user_may_be_let_in),
        case_saying("strangers::a_name_that_another_user_has_taken", a_taken_name),
        case("strangers::links_and_pipes_in_the_way", links_and_pipes_in_the_way),
        case_saying("strangers::no_memory_left", no_memory_left),
    ]
}

const NOBODY: u32 = 65534;

/// Runs `body` as another user; why not, if it cannot be.
fn as_nobody(body: impl FnOnce()) -> Result<(), String> {
    if !getuid().is_root() {
        return Err("this is not root".into());
    }
    finish(&fork(|| {
        // SAFETY: it takes a number. The group first: it is root's to change.
        let group = unsafe { libc::setgid(NOBODY) };
        // SAFETY: as above.
        let user = unsafe { libc::setuid(NOBODY) };
        if (group, user) != (0, 0) {
            return Err(std::io::Error::last_os_error().to_string());
        }
        body();
        Ok(())
    }));
    Ok(())
}

fn skipped(case: &str, done: Result<(), String>) -> String {
    done.map_or_else(|reason| format!("SKIPPED strangers::{case}: {reason}"), |()| String::new())
}

const EACCES: Option<i32> = Some(libc::EACCES);

fn errno<T>(result: Result<T, Error>) -> Option<i32> {
    result.err().and_then(|error| error.raw_os_error())
}

fn another_user_is_refused() -> String {
    let name = Name::new("refused");
    let _shared = name.named().create_shared(Value::new(1_u64)).unwrap();
    let mode = fs::metadata(name.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    let root = getuid().as_raw();
    let done = as_nobody(|| {
        let open = |named: &Named| named.open_shared::<Value<u64>>().map(drop);
        assert!(open(&name.named()).unwrap_err().is_not_found(), "names are each user's own");
        assert_eq!(errno(open(&name.named().owner(root))), EACCES);
        assert_eq!(errno(name.named().owner(root).unlink()), EACCES);
        assert!(!Named::list().unwrap().iter().any(|entry| entry.name() == name.text()));
    });
    skipped("another_user_is_refused", done)
}

fn another_user_may_be_let_in() -> String {
    let name = Name::new("let-in");
    let shared = name.named().mode(0o666).create_shared(Value::new(1_u64)).unwrap();
    let root = getuid().as_raw();
    let done = as_nobody(|| {
        let theirs = name.named().owner(root);
        let shared: Shared<Value<u64>> = theirs.open_shared().unwrap();
        assert_eq!(shared.fetch_add(1), Ok(1));
        assert!(theirs.unlink().unwrap_err().is_not_owner());
    });
    if done.is_ok() {
        assert_eq!(shared.get(), 2);
    }
    skipped("another_user_may_be_let_in", done)
}

/// Another user makes a file by the name that one of ours would have.
fn a_taken_name() -> String {
    let name = Name::new("squatted");
    let path = name.path();
    let done = as_nobody(|| {
        fs::write(&path, b"mine").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    });
    if done.is_ok() {
        let create = || name.named().capacity(8).create::<Region>();
        assert_eq!(errno(create()), EACCES);
        assert_eq!(errno(name.named().open::<Region>()), EACCES);
        assert_eq!(errno(name.named().capacity(8).open_or_create::<Region>()), EACCES);
        assert!(!Named::prune().unwrap().contains(&name.text().into()));
        assert_eq!(fs::read(&path).unwrap(), b"mine");
    }
    skipped("a_name_that_another_user_has_taken", done)
}

fn links_and_pipes_in_the_way() {
    let (target, name) = (Name::new("target"), Name::new("link"));
    let _there = target.named().create_shared(Value::new(1_u64)).unwrap();
    symlink(target.path(), name.path()).unwrap();
    let looped = Some(libc::ELOOP);
    assert_eq!(errno(name.named().open_shared::<Value<u64>>()), looped);
    assert_eq!(errno(name.named().create_shared(Value::new(2_u64))), looped);
    assert_eq!(errno(name.named().unlink()), looped);
    assert!(target.is_taken() && name.is_taken());

    let name = Name::new("fifo");
    let path = CString::new(name.path().into_os_string().into_encoded_bytes()).unwrap();
    // SAFETY: a string that lives until the call is over.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
    assert!(name.named().open_shared::<Value<u64>>().unwrap_err().is_corrupt());
    assert!(name.named().create_shared(Value::new(2_u64)).unwrap_err().is_corrupt());
    let folder = Name::new("folder");
    rustix::fs::mkdir(folder.path(), Mode::RWXU).unwrap();
    assert_eq!(errno(folder.named().open_shared::<Value<u64>>()), Some(libc::EISDIR));
    fs::remove_dir(folder.path()).unwrap();
}

/// In a /dev/shm of its own, which is small.
fn no_memory_left() -> String {
    if let Err(reason) = small_folder() {
        return format!("SKIPPED strangers::no_memory_left: {reason}");
    }
    let name = Name::new("full");
    let no_space = Some(libc::ENOSPC);
    for _ in 0..3 {
        assert_eq!(errno(name.named().capacity(1 << 20).create::<Region>()), no_space);
        assert_eq!(errno(name.named().create::<Sender<String>>()), no_space);
    }
    assert_eq!(left_behind(), [""; 0]);
    let region: Region = name.named().capacity(64 << 10).create().unwrap();
    region.write_at(0, &vec![1; 64 << 10]);
    assert_eq!(name.named().unlink(), Ok(()));
    String::new()
}

fn small_folder() -> Result<(), String> {
    let text = |text: &str| CString::new(text).unwrap();
    let (none, shm, tmpfs) = (text("none"), text("/dev/shm"), text("tmpfs"));
    let (root, size) = (text("/"), text("size=256k"));
    // SAFETY: no memory is touched.
    let apart = unsafe { libc::unshare(libc::CLONE_NEWNS) };
    let private = libc::MS_REC | libc::MS_PRIVATE;
    // SAFETY: strings that live until the call is over.
    let own =
        unsafe { libc::mount(none.as_ptr(), root.as_ptr(), ptr::null(), private, ptr::null()) };
    if apart != 0 || own != 0 {
        return Err(format!("a namespace: {}", std::io::Error::last_os_error()));
    }
    // SAFETY: as above.
    let mounted = unsafe {
        libc::mount(none.as_ptr(), shm.as_ptr(), tmpfs.as_ptr(), 0, size.as_ptr().cast())
    };
    if mounted != 0 {
        return Err(format!("mount: {}", std::io::Error::last_os_error()));
    }
    Ok(())
}
