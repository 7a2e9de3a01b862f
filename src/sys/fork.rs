//! fork(2) and what a parent and a child need around it: their threads, their
//! standard streams, the signals that they hear, their ends.
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::unistd::{ForkResult, Pid};
use rustix::process::{WaitId, WaitIdOptions};
use rustix::thread::UnshareFlags;

use super::errno::{Errno, Named};
use super::stat::Stat;
use crate::error::Error;

/// This process's id.
pub(crate) fn getpid() -> u32 {
    rustix::process::getpid().as_raw_nonzero().get().unsigned_abs()
}

/// The id of this process's parent; zero when that lives in an outer PID
/// namespace.
pub(crate) fn getppid() -> u32 {
    // Not `map_or(0, ..)` with `unsigned_abs` of a non-zero number inside: rustc
    // 1.95 merges the two into one `abs` that it goes on to think is not zero.
    rustix::process::Pid::as_raw(rustix::process::getppid()).unsigned_abs()
}

/// Makes a second process out of this one: `None` in the child, the child's id
/// in the parent.
///
/// # Safety
///
/// The child has one thread. Whatever another thread of the parent was in the
/// middle of stays so in the child for ever.
pub(crate) unsafe fn fork() -> Result<Option<u32>, Error> {
    // SAFETY: nix demands what this function demands of its caller.
    let side = unsafe { nix::unistd::fork() }.named("fork")?;
    Ok(match side {
        ForkResult::Child => None,
        ForkResult::Parent { child } => Some(child.as_raw().unsigned_abs()),
    })
}

/// The threads of this process, each a directory.
const TASKS: &str = "/proc/self/task";

/// How many threads this process has, by the kernel's own count. A thread that has ended,
/// and was joined, is in it until the kernel has let go of it; but not a main thread that has
/// ended, which stays for as long as the process does.
pub(crate) fn threads() -> Result<usize, Error> {
    /// A directory's links: its name, its own `.`, and one per directory in it.
    const LINKS_OF_NONE: usize = 2;
    if is_alone() {
        return Ok(1);
    }
    let links = rustix::fs::stat(TASKS).named("stat(/proc/self/task)")?.st_nlink;
    let threads = usize::try_from(links).unwrap_or(usize::MAX).saturating_sub(LINKS_OF_NONE);
    let main = Stat::read(format!("{TASKS}/{}/stat", getpid()));
    let has_main_ended = main.is_ok_and(|stat| stat.has_ended());
    Ok(threads - usize::from(has_main_ended && threads > 1))
}

/// How many of them may still run code of ours, as far as can be seen by looking at one
/// after the other: meanwhile some may begin and others end.
pub(crate) fn running_threads() -> Result<usize, Error> {
    let tasks = std::fs::read_dir(TASKS).named("read(/proc/self/task)")?;
    let runs = |task: &std::fs::DirEntry| match Stat::read(task.path().join("stat")) {
        Ok(stat) => !stat.is_exiting(),
        Err(errno) => !matches!(errno, Errno::NOENT | Errno::SRCH),
    };
    Ok(tasks.flatten().filter(runs).count())
}

/// Whether this thread is all there is of its process. Also false where a sandbox forbids
/// the question.
///
/// It asks without a path: the first look at /proc/self makes the kernel's inodes for a
/// process, which its end has to take down, and each child would ask.
pub(crate) fn is_alone() -> bool {
    // unshare(2): to a process with one thread this does nothing, and to one with more it
    // is refused.
    let thread = UnshareFlags::from_bits_retain(libc::CLONE_THREAD as u32);
    // SAFETY: it takes nothing from anybody, descriptors least of all.
    unsafe { rustix::thread::unshare_unsafe(thread) }.is_ok()
}

/// Puts `fd` under the number `number`, where standard streams are; what was
/// there is closed.
pub(crate) fn install(fd: BorrowedFd<'_>, number: RawFd) -> Result<(), Error> {
    loop {
        // SAFETY: nobody owns the numbers of standard streams; whoever reads or
        // writes them takes what is there.
        match unsafe { libc::dup2(fd.as_raw_fd(), number) } {
            -1 => match std::io::Error::last_os_error() {
                error if matches!(error.raw_os_error(), Some(libc::EINTR | libc::EBUSY)) => {}
                error => return Err(error).named("dup2"),
            },
            _ => return Ok(()),
        }
    }
}

/// Closes these descriptors, whatever they are by now.
///
/// # Safety
///
/// Nobody in this process goes on to use any of them.
pub(crate) unsafe fn close(numbers: &[RawFd]) {
    for number in numbers {
        // SAFETY: the caller says that nobody relies on it.
        unsafe { libc::close(*number) };
    }
}

/// Which signals a thread hears.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hearing(SigSet);

/// Until it is dropped no signal gets to this thread, or to the child that it forks,
/// that can be kept waiting: all but SIGKILL, SIGSTOP and its own faults.
#[derive(Debug)]
pub(crate) struct Deaf {
    /// What it heard before.
    pub(crate) before: Hearing,
}

impl Deaf {
    pub(crate) fn new() -> Result<Deaf, Error> {
        let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK);
        before.map(|before| Deaf { before: Hearing(before) }).named("pthread_sigmask")
    }
}

impl Drop for Deaf {
    fn drop(&mut self) {
        // A mask that the thread had is none that it cannot have.
        let _ = hear(self.before);
    }
}

/// What was kept waiting comes now, if it is heard.
pub(crate) fn hear(hearing: Hearing) -> Result<(), Error> {
    hearing.0.thread_set_mask().named("pthread_sigmask")
}

/// Ends this process here: no destructor, no exit handler, no flush.
pub(crate) fn exit(code: i32) -> ! {
    // SAFETY: _exit has no preconditions.
    unsafe { libc::_exit(code) }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// By exit, with this code.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
}

/// How the child behind `pidfd` ended; `None` while it has not. Never sleeps.
///
/// With `reap` it is gone afterwards, else it stays to be asked again. ECHILD:
/// it is no child of this process, or was reaped by somebody else.
pub(crate) fn waitid(pidfd: BorrowedFd<'_>, reap: bool) -> Result<Option<Status>, Errno> {
    let keep = if reap { WaitIdOptions::empty() } else { WaitIdOptions::NOWAIT };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | keep;
    let status =
        rustix::io::retry_on_intr(|| rustix::process::waitid(WaitId::PidFd(pidfd), options))?;
    Ok(status.map(|status| match status.exit_status() {
        Some(code) => Status::Exited(code),
        None => Status::Signalled(status.terminating_signal().unwrap_or_default()),
    }))
}

/// Waits for the end of the child `pid` and reaps it.
pub(crate) fn waitpid(pid: u32) {
    let Ok(pid) = i32::try_from(pid) else { return };
    while nix::sys::wait::waitpid(Pid::from_raw(pid), None) == Err(nix::errno::Errno::EINTR) {}
}

/// Sends SIGTERM to the process behind `pidfd`. ESRCH: it was reaped.
pub(crate) fn terminate(pidfd: BorrowedFd<'_>) -> Result<(), Errno> {
    rustix::process::pidfd_send_signal(pidfd, rustix::process::Signal::TERM)
}

/// Sends SIGKILL to the process behind `pidfd`. ESRCH: it was reaped.
pub(crate) fn kill(pidfd: BorrowedFd<'_>) -> Result<(), Errno> {
    rustix::process::pidfd_send_signal(pidfd, rustix::process::Signal::KILL)
}

/// What a signal is called, such as `SIGKILL`; `None` for real-time signals.
pub(crate) fn signal_name(signal: i32) -> Option<&'static str> {
    Signal::try_from(signal).ok().map(Signal::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_runs_counts_until_it_exits() {
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || wait.recv());
        assert!(threads().unwrap() >= 2);
        assert!(running_threads().unwrap() >= 2);
        assert!(!is_alone());
        drop(release);
        let _ = thread.join().unwrap();
    }
}
