//! The standard streams of a process, and what else it has open.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, BufRead, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use killproof::process::{Builder, Child, Stdio, spawn};
use killproof::sync::Event;
use killproof::{Shared, channel, sync::Mutex};

use crate::common::case::Case;
use crate::detached::{fds, fds_after_a_child};
use crate::{case, gate};

pub fn cases() -> Vec<Case> {
    vec![
        case("streams::there_and_back", there_and_back),
        case("streams::null", null),
        case("streams::a_file_and_a_pipeline", a_file_and_a_pipeline),
        case("streams::nothing_is_left", nothing_is_left),
        case("streams::what_was_read_ahead_is_not_the_childs", what_was_read_ahead),
        case("streams::a_parent_without_any", a_parent_without_any),
        case("streams::join_ends_the_input", join_ends_the_input),
        case("streams::close_fds", close_fds),
        case("streams::close_fds_beside_threads", close_fds_beside_threads),
    ]
}

fn all<R: Read>(stream: &mut Option<R>) -> String {
    let mut text = String::new();
    stream.take().unwrap().read_to_string(&mut text).unwrap();
    text
}

fn echo() {
    for line in io::stdin().lock().lines() {
        let line = line.unwrap();
        println!("{line}!");
        eprintln!("{line}?");
    }
}

fn piped() -> Builder {
    Builder::new().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped())
}

fn there_and_back() {
    let mut child = piped().spawn(echo).unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"one\ntwo\n").unwrap();
    drop(stdin);
    assert_eq!(all(&mut child.stdout), "one!\ntwo!\n");
    assert_eq!(all(&mut child.stderr), "one?\ntwo?\n");
    assert_eq!(child.join(), Ok(()));

    // SAFETY: the only thread, and no guards.
    let mut child = unsafe { piped().spawn_unchecked(echo) }.unwrap();
    child.stdin.take().unwrap().write_all(b"three").unwrap();
    assert_eq!(all(&mut child.stdout), "three!\n");
    assert_eq!(child.join(), Ok(()));
    assert!(spawn(|| ()).unwrap().stdout.is_none());
}

fn null() {
    let silent = Builder::new().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = silent.clone().spawn(|| {
        println!("nobody hears");
        eprintln!("nobody hears");
        io::read_to_string(io::stdin()).unwrap()
    });
    assert_eq!(child.unwrap().join().as_deref(), Ok(""));
    assert!(silent.spawn(|| ()).unwrap().stdout.is_none(), "a builder is good for two");
}

fn a_file_and_a_pipeline() {
    let path = std::env::temp_dir().join(format!("killproof-streams-{}", std::process::id()));
    std::fs::write(&path, "a\nb\n").unwrap();
    let first = Builder::new().stdin(File::open(&path).unwrap()).stdout(Stdio::piped());
    let mut first = first.stderr(Stdio::null()).spawn(echo).unwrap();
    let second = Builder::new().stdin(first.stdout.take().unwrap()).stdout(Stdio::piped());
    let mut second = second.stderr(Stdio::null()).spawn(echo).unwrap();
    assert_eq!(all(&mut second.stdout), "a!!\nb!!\n");
    assert_eq!((first.join(), second.join()), (Ok(()), Ok(())));
    std::fs::remove_file(path).unwrap();
}

fn nothing_is_left() {
    assert_eq!(piped().spawn(|| ()).unwrap().join(), Ok(()));
    let before = fds_after_a_child();
    for _ in 0..50 {
        let mut child = piped().spawn(fds).unwrap();
        assert_eq!(child.try_join().map(drop), Ok(()));
        let inside = child.join();
        assert!(inside.as_ref().is_ok_and(|inside| *inside <= before + 1) || inside.is_err());
    }
    let inside = piped().spawn(fds).unwrap().join().unwrap();
    assert!(inside <= before + 1, "{inside} in the child, {before} here");
    assert_eq!(fds(), before);
}

/// Puts `file` where stdin is; this process's own is not needed any more.
fn replace_stdin(file: &File) {
    // SAFETY: nobody owns the number of stdin.
    assert_eq!(unsafe { libc::dup2(file.as_raw_fd(), 0) }, 0);
}

fn what_was_read_ahead() {
    let (reader, mut writer) = io::pipe().unwrap();
    replace_stdin(&File::from(std::os::fd::OwnedFd::from(reader)));
    writer.write_all(b"mine\nread ahead\n").unwrap();
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).unwrap();
    assert_eq!(line, "mine\n");
    let child = piped().spawn(|| io::read_to_string(io::stdin()).unwrap());
    let mut child = child.unwrap();
    child.stdin.take().unwrap().write_all(b"its own").unwrap();
    assert_eq!(child.join().as_deref(), Ok("its own"));
    drop(writer);
    assert_eq!(io::read_to_string(io::stdin()).unwrap(), "read ahead\n", "and stays here");
}

/// Where the numbers of the standard streams are free, no pipe gets one.
fn a_parent_without_any() {
    for number in [0, 1, 2] {
        // SAFETY: nobody owns the numbers of standard streams.
        assert_eq!(unsafe { libc::close(number) }, 0);
    }
    let mut child = piped().spawn(echo).unwrap();
    child.stdin.take().unwrap().write_all(b"x").unwrap();
    assert_eq!(all(&mut child.stdout), "x!\n");
    assert_eq!(all(&mut child.stderr), "x?\n");
    assert_eq!(child.join(), Ok(()));
}

fn join_ends_the_input() {
    let child = Builder::new().stdin(Stdio::piped()).spawn(echo).unwrap();
    assert_eq!(child.join(), Ok(()));
}

fn is_open(number: RawFd) -> bool {
    // SAFETY: asks for the flags of a number, which may be nobody's.
    unsafe { libc::fcntl(number, libc::F_GETFD) != -1 }
}

fn close_fds() {
    let builder = || {
        // SAFETY: the closures below use handles of the crate, and numbers.
        unsafe { Builder::new().close_fds(true) }
    };
    let file = File::open("/dev/null").unwrap();
    let number = file.as_raw_fd();
    assert_eq!(spawn(move || is_open(number)).unwrap().join(), Ok(true));
    assert_eq!(builder().spawn(move || is_open(number)).unwrap().join(), Ok(false));
    assert!(is_open(number));

    // What the crate gave works on.
    let event = Event::new().unwrap();
    let total = Shared::new(Mutex::new(0_u32)).unwrap();
    let (sender, receiver) = channel::queue(4).unwrap();
    let never = gate();
    let sleeper = spawn(move || never.pass()).unwrap();
    let handles = (event.clone(), total.clone(), sender.clone(), sleeper);
    let child = builder().daemon(true).may_have_children(true).stdin(Stdio::piped());
    let child: Child<Vec<u8>> = child
        .spawn(move || {
            let (event, total, sender, mut sleeper) = handles;
            event.set();
            *total.lock().unwrap() += 1;
            sender.send("sent".to_owned()).unwrap();
            assert_eq!(sleeper.join_timeout(Duration::ZERO), Ok(None));
            assert_eq!(io::read_to_string(io::stdin()).unwrap(), "");
            assert_eq!(spawn(|| 7_u8).unwrap().join(), Ok(7));
            sleeper.kill().unwrap();
            // Longer than the page, and so through its descriptor.
            vec![5; 10_000]
        })
        .unwrap();
    assert_eq!(child.join(), Ok(vec![5; 10_000]));
    assert!(event.is_set());
    assert_eq!((*total.lock().unwrap(), receiver.recv()), (1, Ok("sent".to_owned())));
}

/// A number that another thread lets go of while the daemon is on its way becomes the
/// daemon's lifeline, and is not closed as what it was.
fn close_fds_beside_threads() {
    // Its page serves the next child too, whose lifeline has the next number then.
    assert_eq!(spawn(|| ()).unwrap().join(), Ok(()));
    let spawning = std::process::id();
    let file = File::open("/dev/null").unwrap();
    let number = file.as_raw_fd();
    let (say, hear) = std::sync::mpsc::channel::<()>();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        // Whoever spawns beside threads waits for this.
        let output = io::stdout().lock();
        say.send(()).unwrap();
        wait.recv().unwrap();
        let stat = format!("/proc/{spawning}/task/{spawning}/stat");
        while !std::fs::read_to_string(&stat).unwrap().contains(") S ") {
            std::thread::yield_now();
        }
        drop(file);
        drop(output);
        std::thread::park();
    });
    hear.recv().unwrap();
    // SAFETY: the closure below uses a number.
    let builder = unsafe { Builder::new().daemon(true).close_fds(true) };
    go.send(()).unwrap();
    // SAFETY: the other thread holds nothing that the closure uses.
    let child = unsafe { builder.spawn_unchecked(move || is_open(number)) };
    assert_eq!(child.unwrap().join(), Ok(true), "its lifeline");
    thread.thread().unpark();
    thread.join().unwrap();
}
