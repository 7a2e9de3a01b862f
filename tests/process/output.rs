//! What processes print is neither lost nor said twice.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use killproof::process::{Fork, JoinError, fork, spawn};

use crate::case;
use crate::common::case::Case;

pub fn cases() -> Vec<Case> {
    vec![
        case("output::of_a_child_that_returns", of_a_child_that_returns),
        case("output::of_a_child_that_panics", of_a_child_that_panics),
        case("output::of_a_child_that_exits", of_a_child_that_exits),
        case("output::of_a_bare_fork", of_a_bare_fork),
        case("output::of_c", of_c),
        case("output::of_another_stream_of_c", of_another_stream_of_c),
        case("output::of_wide_characters_of_c", of_wide_characters_of_c),
        case("output::of_a_stream_behind_one_opened_again", of_a_stream_behind_one_opened_again),
        case("output::of_c_beside_a_thread", of_c_beside_a_thread),
        case("output::nobody_listens_to_the_child", nobody_listens_to_the_child),
        case("output::nobody_listens_to_the_parent", nobody_listens_to_the_parent),
    ]
}

/// Makes `fd` what this process prints to, and gives back what was.
fn replace_stdout(fd: impl AsFd) -> OwnedFd {
    let before = std::io::stdout().as_fd().try_clone_to_owned().unwrap();
    // SAFETY: stdout is nobody's to own, and both descriptors are open.
    assert_eq!(unsafe { libc::dup2(fd.as_fd().as_raw_fd(), 1) }, 1);
    before
}

/// What this process and its children print during `body`.
fn printed(body: impl FnOnce()) -> String {
    std::io::stdout().flush().unwrap();
    let (mut reader, writer) = UnixStream::pair().unwrap();
    let before = replace_stdout(&writer);
    body();
    std::io::stdout().flush().unwrap();
    // SAFETY: null stands for all of C's streams.
    assert_eq!(unsafe { libc::fflush(std::ptr::null_mut()) }, 0);
    replace_stdout(&before);
    drop(writer);
    let mut said = String::new();
    reader.read_to_string(&mut said).unwrap();
    said
}

fn of_a_child_that_returns() {
    let said = printed(|| {
        print!("parent,");
        let child = spawn(|| print!("child,"));
        assert_eq!(child.unwrap().join(), Ok(()));
        print!("parent");
    });
    assert_eq!(said, "parent,child,parent");
}

fn of_a_child_that_panics() {
    std::panic::set_hook(Box::new(|_| {}));
    let said = printed(|| {
        print!("parent,");
        let child = spawn(|| -> () {
            print!("child");
            panic!("and no more");
        });
        assert!(matches!(child.unwrap().join(), Err(JoinError::Panicked(_))));
    });
    assert_eq!(said, "parent,child");
}

fn of_a_child_that_exits() {
    let said = printed(|| {
        print!("parent,");
        let child = spawn(|| -> u8 {
            print!("child");
            std::process::exit(3)
        });
        assert_eq!(child.unwrap().join(), Err(JoinError::Exited(3)));
    });
    assert_eq!(said, "parent,child");
}

fn of_a_bare_fork() {
    let said = printed(|| {
        print!("parent,");
        // SAFETY: one thread, no guards, and the child exits.
        match unsafe { fork() }.unwrap() {
            Fork::Parent(child) => assert_eq!(child.join(), Ok(())),
            Fork::Child => {
                print!("child");
                std::process::exit(0)
            }
        }
    });
    assert_eq!(said, "parent,child");
}

/// Says `word` through C's stdout, which keeps it in a buffer of its own.
fn say_in_c(word: &std::ffi::CStr) {
    // SAFETY: a string that ends with a zero, as printf's only argument, with
    // nothing in it for printf to replace.
    assert!(unsafe { libc::printf(word.as_ptr()) } > 0);
}

fn of_c() {
    let said = printed(|| {
        say_in_c(c"parent,");
        assert_eq!(spawn(|| say_in_c(c"child")).unwrap().join(), Ok(()));
    });
    assert_eq!(said, "parent,child");
}

/// Says `word` to where stdout goes, through a stream of C's that was opened for that, and
/// gives this.
fn say_in_c_elsewhere(word: &std::ffi::CStr) -> *mut libc::FILE {
    let fd = std::io::stdout().as_fd().try_clone_to_owned().unwrap().into_raw_fd();
    // SAFETY: an open descriptor, which is the stream's from here on.
    let stream = unsafe { libc::fdopen(fd, c"w".as_ptr()) };
    assert!(!stream.is_null());
    // SAFETY: a string that ends with a zero, and a stream that is open and stays so.
    assert!(unsafe { libc::fputs(word.as_ptr(), stream) } >= 0);
    stream
}

fn of_another_stream_of_c() {
    let said = printed(|| {
        let child = spawn(|| _ = say_in_c_elsewhere(c"child,"));
        assert_eq!(child.unwrap().join(), Ok(()));
        let stream = say_in_c_elsewhere(c"parent");
        assert_eq!(spawn(|| ()).unwrap().join(), Ok(()));
        // SAFETY: open, and used no more; who reads waits for the end of its descriptor.
        assert_eq!(unsafe { libc::fclose(stream) }, 0);
    });
    assert_eq!(said, "child,parent");
}

/// What a stream of wide characters has buffered is apart from the bytes.
fn of_wide_characters_of_c() {
    unsafe extern "C" {
        safe fn putwchar(character: libc::wchar_t) -> libc::c_uint;
    }
    let say = |text: &str| {
        for character in text.chars() {
            let character = character as u32;
            assert_eq!(putwchar(character.cast_signed()), character);
        }
    };
    let said = printed(|| {
        say("parent,");
        assert_eq!(spawn(move || say("child")).unwrap().join(), Ok(()));
    });
    assert_eq!(said, "parent,child");
}

/// To open a stream again puts it in front of those that were opened before.
fn of_a_stream_behind_one_opened_again() {
    unsafe extern "C" {
        static stderr: *mut libc::FILE;
    }
    let said = printed(|| {
        let stream = say_in_c_elsewhere(c"parent");
        // SAFETY: strings that end with a zero, and C's own stream.
        let again = unsafe { libc::freopen(c"/dev/null".as_ptr(), c"w".as_ptr(), stderr) };
        assert!(!again.is_null());
        assert_eq!(spawn(|| _ = say_in_c_elsewhere(c"child,")).unwrap().join(), Ok(()));
        assert_eq!(spawn(|| say_in_c(c"again")).unwrap().join(), Ok(()));
        // SAFETY: open, and used no more; who reads waits for the end of its descriptor.
        assert_eq!(unsafe { libc::fclose(stream) }, 0);
    });
    assert_eq!(said, "parentchild,again");
}

/// The child's end finds a thread that sleeps, and what C has buffered.
fn of_c_beside_a_thread() {
    let said = printed(|| {
        let child = spawn(|| {
            std::thread::spawn(|| {
                loop {
                    std::thread::park();
                }
            });
            say_in_c(c"child");
        });
        assert_eq!(child.unwrap().join(), Ok(()));
    });
    assert_eq!(said, "child");
}

/// A stdout that refuses every byte.
fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

fn nobody_listens_to_the_child() {
    let child = spawn(|| {
        replace_stdout(full());
        print!("lost");
        "kept".to_owned()
    });
    assert_eq!(child.unwrap().join().as_deref(), Ok("kept"));
}

fn nobody_listens_to_the_parent() {
    use crate::common::child::children;
    use killproof::process::SpawnError;
    let before = replace_stdout(full());
    print!("not to be said twice");
    let refused = spawn(|| ()).unwrap_err();
    let SpawnError::Failed(error) = &refused else { panic!("{refused:?}") };
    assert_eq!(error.raw_os_error(), Some(libc::ENOSPC));
    assert_eq!(
        refused.to_string(),
        "spawn: flush of stdout: No space left on device (os error 28)"
    );
    assert_eq!(children(), []);
    replace_stdout(&before);
}
