//! Whether the process that a stamp names still lives: it is asked.
//!
//! Every answer of the kernel is decided here, once:
//!
//! | pidfd_open says | meaning |
//! |---|---|
//! | a pidfd of another birth | dead: the number is somebody else's now |
//! | a readable pidfd | dead: every thread has left the address space; a zombie is that |
//! | any other pidfd | alive |
//! | ESRCH, ENOENT, EINVAL | dead (the last two: the number is now a thread's) |
//! | EMFILE, ENFILE, EPERM, ENOSYS, anything else | not answered: ask without a descriptor |
//!
//! Without a descriptor: a child of ours that waits to be reaped is dead, a
//! number to which `kill(pid, 0)` says ESRCH is dead, and everything else
//! counts as alive, since taking a living owner's lock is worse than waiting.

use core::time::Duration;
use std::os::fd::{AsFd, BorrowedFd};

use super::current::is_elsewhere;
use crate::primitive::{Stamp, current};
use crate::sys::errno::Errno;
use crate::sys::{fd, pidfd};

/// What tells one life of a process id from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Birth {
    /// The inode of its pidfd: pidfs never gives one twice (Linux 6.9 on).
    Inode,
    /// Its start time in clock ticks. Two lives of one number within a tick
    /// would need the whole range of numbers to be used up in it. It is another one
    /// for each time namespace, so it is read in the family's only.
    StartTime,
}

impl Birth {
    /// The birth of the process that `pidfd` stands for.
    pub(crate) fn of(self, pid: u32, pidfd: BorrowedFd<'_>) -> Result<u64, Errno> {
        match self {
            Birth::Inode => pidfd::inode(pidfd),
            // A process may go to another time namespace with its stamp.
            Birth::StartTime if is_elsewhere().unwrap_or(true) => Err(Errno::XDEV),
            Birth::StartTime => pidfd::start_time(pid),
        }
    }
}

/// Whether the process that `stamp` names has not finished dying.
///
/// In another PID namespace the same number is somebody else's or nobody's, so
/// there everybody counts as alive.
pub(crate) fn is_alive(stamp: Stamp) -> bool {
    match current() {
        Ok(own) if own == stamp => return true,
        Err(error) if error.is_foreign_namespace() => return true,
        Ok(_) | Err(_) => {}
    }
    match super::birth().ok().and_then(|birth| ask(stamp, birth)) {
        Some(alive) => alive,
        None => ask_without_fd(stamp),
    }
}

/// `None` where the kernel could not answer.
fn ask(stamp: Stamp, birth: Birth) -> Option<bool> {
    let pidfd = match pidfd::open(stamp.pid()) {
        Ok(pidfd) => pidfd,
        Err(Errno::SRCH | Errno::NOENT | Errno::INVAL) => return Some(false),
        Err(_) => return None,
    };
    let birth = birth.of(stamp.pid(), pidfd.as_fd());
    // Asked last: if it has not ended by now, the birth read above was its own.
    let ended = fd::poll_readable(&pidfd, Some(Duration::ZERO)).ok()?;
    match birth {
        _ if ended => Some(false),
        Ok(birth) => Some(stamp.is_born(birth)),
        // A process that runs and whose start time is hidden, by chroot, by hidepid
        // or by another time namespace, is not dead for that.
        Err(_) => None,
    }
}

fn ask_without_fd(stamp: Stamp) -> bool {
    pidfd::exists(stamp.pid()) && !pidfd::is_own_zombie(stamp.pid())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::of_process;
    use std::process::{Child, Command};

    const BIRTHS: [Birth; 2] = [Birth::Inode, Birth::StartTime];

    fn sleeper() -> Child {
        Command::new("sleep").arg("1000").spawn().expect("sleep(1) starts")
    }

    fn stamp_of(child: &Child, birth: Birth) -> Stamp {
        let pidfd = pidfd::open(child.id()).unwrap();
        Stamp::new(birth.of(child.id(), pidfd.as_fd()).unwrap(), child.id())
    }

    #[test]
    fn a_process_lives_until_it_is_killed_and_is_dead_as_a_zombie() {
        for birth in BIRTHS {
            let mut child = sleeper();
            let stamp = stamp_of(&child, birth);
            assert_eq!(ask(stamp, birth), Some(true), "{birth:?}");
            assert!(ask_without_fd(stamp));
            child.kill().unwrap();
            let pidfd = pidfd::open(child.id()).unwrap();
            while !fd::poll_readable(&pidfd, None).unwrap() {}
            assert_eq!(ask(stamp, birth), Some(false), "a zombie, {birth:?}");
            assert!(!ask_without_fd(stamp), "a zombie of ours");
            child.wait().unwrap();
            assert_eq!(ask(stamp, birth), Some(false), "reaped, {birth:?}");
            assert!(!ask_without_fd(stamp));
        }
    }

    #[test]
    fn a_number_that_somebody_else_has_now_is_seen_through() {
        for birth in BIRTHS {
            let mut child = sleeper();
            let earlier_life = Stamp::new(1 << 31, child.id());
            assert_eq!(ask(earlier_life, birth), Some(false), "{birth:?}");
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    #[test]
    fn a_number_that_is_a_threads_now_is_dead() {
        let (tell, told) = std::sync::mpsc::channel();
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            // A link that ends in this thread's number.
            let link = std::fs::read_link("/proc/thread-self").unwrap();
            let tid = link.file_name().unwrap().to_str().unwrap().parse().unwrap();
            tell.send(tid).unwrap();
            let _ = wait.recv();
        });
        let tid = told.recv().unwrap();
        assert_eq!(ask(Stamp::new(1, tid), Birth::Inode), Some(false));
        drop(release);
        thread.join().unwrap();
    }

    #[test]
    fn this_process_lives_and_has_one_stamp() {
        let own = current().unwrap();
        assert!(is_alive(own));
        assert_eq!(current().unwrap(), own);
        let pidfd = pidfd::open(own.pid()).unwrap();
        assert_eq!(of_process(own.pid(), pidfd.as_fd()).unwrap(), own);
    }
}
