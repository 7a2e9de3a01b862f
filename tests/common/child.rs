//! Children that cannot leak: each dies with its parent, and with its handle.

#![allow(unsafe_code)]

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{ForkResult, Pid, fork as unix_fork, getpid, getppid};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};

use super::mapped::{Mapped, Note};

/// What the panic hook of a child saw: the message with its place in the source.
static PANIC: Mutex<String> = Mutex::new(String::new());

/// A forked child. Dropping it kills and reaps it.
pub struct Child {
    pid: Pid,
    pidfd: OwnedFd,
    note: Mapped<Note>,
}

/// Runs `body` in a forked child; its error or panic message comes back from
/// [`Child::finish`].
pub fn fork(body: impl FnOnce() -> Result<(), String>) -> Child {
    let note = Mapped::new(Note::new());
    let parent = getpid();
    // SAFETY: a process of a case that forks has one thread then (see the module
    // `common`), so no lock is left behind held in the child.
    match unsafe { unix_fork() }.expect("fork") {
        ForkResult::Parent { child } => Child { pid: child, pidfd: pidfd_of(child), note },
        ForkResult::Child => {
            let code = run_child(parent, body, &note);
            // SAFETY: ends this process at once, which is what is meant: the
            // destructors of the parent's frames are not the child's to run.
            unsafe { libc::_exit(code) }
        }
    }
}

/// A process that somebody else forked. Dropping it kills it all the same.
pub fn other(pid: Pid) -> Child {
    Child { pid, pidfd: pidfd_of(pid), note: Mapped::new(Note::new()) }
}

fn pidfd_of(pid: Pid) -> OwnedFd {
    let raw = rustix::process::Pid::from_raw(pid.as_raw()).expect("a pid is positive");
    pidfd_open(raw, PidfdFlags::empty()).expect("pidfd_open")
}

fn run_child(parent: Pid, body: impl FnOnce() -> Result<(), String>, note: &Note) -> i32 {
    // The first line of defence against leaks; the second asks whether the
    // parent died before the first was in place.
    if prctl::set_pdeathsig(Signal::SIGKILL).is_err() || getppid() != parent {
        return 2;
    }
    // The tracer blocks it in its own process.
    let _ = SigSet::from(Signal::SIGCHLD).thread_unblock();
    panic::set_hook(Box::new(|info| *PANIC.lock().unwrap() = info.to_string()));
    match panic::catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => 0,
        Ok(Err(reason)) => {
            note.write(&reason);
            1
        }
        Err(_) => {
            note.write(&PANIC.lock().unwrap());
            1
        }
    }
}

impl Child {
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Whether the process has ended by `deadline`. It is not reaped.
    pub fn ended(&self, deadline: Instant) -> bool {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).expect("a deadline within reach");
            match poll(&mut [PollFd::new(&self.pidfd, PollFlags::IN)], Some(&left)) {
                Ok(0) => return false,
                Ok(_) => return true,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => panic!("poll on a pidfd: {error}"),
            }
        }
    }

    /// What the child's body returned, or `None` if it still runs at `deadline`.
    pub fn finish(&self, deadline: Instant) -> Option<Result<(), String>> {
        self.ended(deadline).then(|| self.result(self.reap()))
    }

    /// Words for how it ended.
    pub fn result(&self, status: WaitStatus) -> Result<(), String> {
        match status {
            WaitStatus::Exited(_, 0) => Ok(()),
            WaitStatus::Exited(_, 1) => Err(self.note.read()),
            other => Err(format!("ended with {other:?}")),
        }
    }

    /// Sends SIGKILL; whoever has ended already stays as it is. Not to the number,
    /// which is somebody else's soon after the child was reaped.
    pub fn kill(&self) {
        self.send(rustix::process::Signal::KILL);
    }

    /// Sends a signal to this process and no other.
    pub fn send(&self, signal: rustix::process::Signal) {
        let _ = pidfd_send_signal(&self.pidfd, signal);
    }

    /// Waits for the end and takes the zombie away.
    pub fn reap(&self) -> WaitStatus {
        loop {
            match waitid(Id::PIDFd(self.pidfd.as_fd()), WaitPidFlag::WEXITED) {
                Ok(end @ (WaitStatus::Exited(..) | WaitStatus::Signaled(..))) => return end,
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => return WaitStatus::StillAlive,
            }
        }
    }

    /// Whether it sleeps in the kernel, as `/proc` tells.
    pub fn is_asleep(&self) -> bool {
        is_asleep(self.pid)
    }

    /// How many of its threads sleep in the kernel.
    pub fn sleepers(&self) -> usize {
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid)).into_iter().flatten();
        let stats = threads.flatten().map(|thread| thread.path().join("stat"));
        stats.filter(|stat| state_in(stat) == Some('S')).count()
    }

    /// Where the kernel has put it to sleep, for messages.
    pub fn whereabouts(&self) -> String {
        let read = |what| fs::read_to_string(format!("/proc/{}/{what}", self.pid));
        let call = read("syscall").unwrap_or_default();
        format!(
            "state {}, syscall {}, in {}",
            state(self.pid).unwrap_or('?'),
            call.split(' ').next().unwrap_or_default().trim(),
            read("wchan").unwrap_or_default(),
        )
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
        self.reap();
    }
}

fn state(pid: Pid) -> Option<char> {
    state_in(format!("/proc/{pid}/stat"))
}

/// The state letter of a process or a thread: it follows the command's closing bracket.
fn state_in(stat: impl AsRef<Path>) -> Option<char> {
    fs::read_to_string(stat).ok()?.rsplit_once(") ")?.1.chars().next()
}

/// Polls `what` until it holds or `deadline` has passed.
pub fn until(deadline: Instant, mut what: impl FnMut() -> bool) -> bool {
    while !what() {
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(Duration::from_micros(50));
    }
    true
}

/// The children of this process, the adopted ones among them.
pub fn children() -> Vec<Pid> {
    children_of(getpid())
}

/// The children of a process with one thread.
pub fn children_of(pid: Pid) -> Vec<Pid> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let pids = list.split_whitespace().filter_map(|pid| pid.parse().ok());
    pids.map(Pid::from_raw).collect()
}

/// Whether the first thread of a process sleeps in the kernel.
pub fn is_asleep(pid: Pid) -> bool {
    state(pid) == Some('S')
}

/// Whether a process exists that has not ended.
pub fn is_running(pid: Pid) -> bool {
    !matches!(state(pid), None | Some('Z' | 'X'))
}

/// Kills and reaps every child of this process. Orphans come here too if this
/// process is a subreaper; killing one can make more of them.
pub fn reap_all() {
    loop {
        for pid in children() {
            let _ = kill(pid, Signal::SIGKILL);
        }
        match waitpid(None, None) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return,
        }
    }
}
