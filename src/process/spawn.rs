//! `spawn`: a fork that is safe, since it refuses where it would not be.
#![allow(unsafe_code)]

use core::mem;
use core::time::Duration;
use std::thread;

use super::builder::Builder;
use super::child::Child;
use super::error::SpawnError;
use super::family::{family, reap};
use super::fork::{Side, Threads, divide};
use super::life::live;
use super::record;
use super::stdio::Streams;
use crate::deadline::Deadline;
#[cfg(feature = "tokio")]
use crate::ready::is_in_runtime;
use crate::shared::message::Message;
use crate::shared::{loans, transfer};
use crate::sys::fd::files;
use crate::sys::fork::{close, running_threads, threads};

/// Runs `f` in a process of its own, which begins as a copy of this one.
///
/// What `f` captured and everything else in memory is there twice from then on,
/// and what one process changes the other does not see, except in a
/// [`Shared`](crate::Shared). The process ends when `f` returns: it runs no
/// destructor of this process's frames and no exit handler, writes what it
/// printed, and repeats nothing that was buffered here. What `f` returns
/// travels as a [`Message`].
///
/// Destructors of what `f` captured run in both processes: here as soon as the
/// child exists, there when `f` is through with it. Ends of queues and pipes
/// and parties of barriers are handed over instead. A destructor that uses one of
/// those uses it here first: what it sends comes before what the child sends, and
/// what it receives the child does not.
///
/// What `f` printed is written out when it has returned. A thread that it left
/// behind, inside a lock of stdout, holds that up, and the end with it.
///
/// To report an error, return a `Result<T, String>`, or panic: the message comes
/// back as [`JoinError::Panicked`](super::JoinError::Panicked).
///
/// # Errors
///
/// [`SpawnError::Threads`] when this process has more than one thread,
/// [`SpawnError::Loans`] while a guard is alive, [`SpawnError::Runtime`] inside a tokio
/// runtime (found out with the feature `tokio`), [`SpawnError::Daemon`] in a daemon
/// that may not have children, and [`SpawnError::Failed`] when the system refuses
/// or what was buffered for stdout cannot be written.
/// In each case `f` is dropped.
///
/// # When the child dies
///
/// Its [`Child`] tells. When this process dies, the child goes on, unless it is
/// a [`daemon`](Builder::daemon).
///
/// # Examples
///
/// ```
/// use killproof::process;
///
/// let words = vec!["kill", "proof"];
/// let child = process::spawn(move || words.concat())?;
/// assert_eq!(child.join()?, "killproof");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A guard stays in the process that took it:
///
/// ```compile_fail,E0277
/// use killproof::{Shared, process, sync::Mutex};
///
/// let lock: &'static _ = Box::leak(Box::new(Shared::new(Mutex::new(0_u32)).unwrap()));
/// let guard = lock.lock().unwrap();
/// process::spawn(move || drop(guard)).unwrap();
/// ```
#[doc(alias = "Process")]
pub fn spawn<F, T>(f: F) -> Result<Child<T>, SpawnError>
where
    F: FnOnce() -> T + Send + 'static,
    T: Message,
{
    Builder::new().spawn(f)
}

/// Runs `f` in a process of its own, whatever threads and guards there are.
///
/// # Errors
///
/// [`SpawnError::Failed`] when the system refuses, [`SpawnError::Daemon`] in a
/// daemon that may not have children. `f` is dropped.
///
/// # Safety
///
/// - Where this process has other threads, the child has copies of what they
///   were in the middle of, and no thread to finish it. `f` may use nothing
///   that another thread may have held locked or half changed: in general only
///   what is async-signal-safe. The allocator and Rust's stdout and stderr are
///   usable: glibc sees to the first, this function to the others.
/// - Where guards, permits or tasks are alive, the child uses no reference that
///   came out of one: the memory behind it is this process's alone.
/// - Where there is a runtime with an epoll, such as tokio's, the child does not use
///   it, nor enter it, nor make anything of that library's inside it: the epoll is
///   this process's, and takes addresses in the child's memory for its own.
///
/// # Panics in the child
///
/// Come back with their message, but without the place: to record that takes the lock of
/// the panic hook, which another thread may have had.
///
/// # Examples
///
/// ```
/// use killproof::process;
///
/// let (tell, told) = std::sync::mpsc::channel::<()>();
/// let thread = std::thread::spawn(move || told.recv());
/// assert!(process::spawn(|| 2 + 2).is_err());
/// // SAFETY: the child computes, and uses nothing that the other thread may hold.
/// let child = unsafe { process::spawn_unchecked(|| 2 + 2) }?;
/// assert_eq!(child.join()?, 4);
/// drop(tell);
/// assert!(thread.join().unwrap().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub unsafe fn spawn_unchecked<F, T>(f: F) -> Result<Child<T>, SpawnError>
where
    F: FnOnce() -> T + Send + 'static,
    T: Message,
{
    // SAFETY: the caller keeps the contract, which is the same.
    unsafe { Builder::new().spawn_unchecked(f) }
}

impl Builder {
    /// Whether the process closes, before `f` begins, every descriptor past its
    /// standard streams that is a file, a pipe, a socket or a device: by default it
    /// does not. The ends of other children's pipes, listening sockets and locked
    /// files are then not kept open by it. Handles of this crate (a
    /// [`Shared`](crate::Shared), an [`Event`](crate::sync::Event), ends of queues and
    /// pipes, a [`Child`]) work on, but not a [`Connection`](crate::channel::Connection),
    /// which is a socket; eventfds, pidfds and epolls of others stay open with theirs.
    ///
    /// What is open is listed in the process itself; where that fails, it panics.
    ///
    /// # Safety
    ///
    /// In the child, neither `f` nor anything that it calls uses such a descriptor:
    /// what owns one there (a `File`, a `TcpStream`, a `ChildStdin`) is forgotten
    /// and not dropped, since its number may be another's by then.
    ///
    /// # Examples
    ///
    /// A sibling that has a pipe open does not keep its reader from its end:
    ///
    /// ```
    /// use killproof::process::{Builder, Stdio};
    /// use std::io;
    ///
    /// let read = || io::stdin().lines().count() as u64;
    /// let reader = Builder::new().stdin(Stdio::piped()).spawn(read)?;
    /// // SAFETY: the sibling does nothing at all.
    /// let builder = unsafe { Builder::new().close_fds(true) };
    /// let sibling = builder.spawn(|| -> () { loop { std::thread::park() } })?;
    /// assert_eq!(reader.join()?, 0);
    /// sibling.kill()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub unsafe fn close_fds(mut self, close_fds: bool) -> Builder {
        self.closes_fds = close_fds;
        self
    }

    /// Runs `f` in a process of its own; see [`spawn`].
    ///
    /// # Errors
    ///
    /// As [`spawn`].
    pub fn spawn<F, T>(self, f: F) -> Result<Child<T>, SpawnError>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Message,
    {
        may_have_children()?;
        // Before it is counted: a logger that is told of an end may start threads.
        reap();
        check()?;
        // SAFETY: `check` found that this is the only thread, so nobody else is
        // in the middle of anything, and that it has nothing on loan.
        unsafe { spawn_built(self, Threads::None, f) }
    }

    /// Runs `f` in a process of its own, whatever threads and guards there
    /// are; see [`spawn_unchecked`].
    ///
    /// # Errors
    ///
    /// As [`spawn_unchecked`].
    ///
    /// # Safety
    ///
    /// As [`spawn_unchecked`].
    pub unsafe fn spawn_unchecked<F, T>(self, f: F) -> Result<Child<T>, SpawnError>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Message,
    {
        may_have_children()?;
        reap();
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { spawn_built(self, Threads::Maybe, f) }
    }
}

/// Refuses in a daemon that was not allowed any.
fn may_have_children() -> Result<(), SpawnError> {
    if family().role().may_have_children { Ok(()) } else { Err(SpawnError::Daemon) }
}

/// Refuses where a fork would not be safe.
fn check() -> Result<(), SpawnError> {
    let loans = loans::outstanding();
    if loans > 0 {
        return Err(SpawnError::Loans(loans));
    }
    // This is the one, and it starts no other before it forks: nothing of the user's runs in
    // between.
    wait_until_alone()?;
    #[cfg(feature = "tokio")]
    if is_in_runtime() {
        return Err(SpawnError::Runtime);
    }
    Ok(())
}

/// Waits a little for threads that have no code left to run, and refuses where others are.
///
/// Only the kernel's count is believed: threads that each start the next one and end are never
/// found by looking at them.
fn wait_until_alone() -> Result<(), SpawnError> {
    let (leaving, ended) = (Deadline::after(LEAVING), Deadline::after(ENDED));
    let mut pause = SHORTEST_PAUSE;
    loop {
        let seen = threads()?;
        if seen == 1 {
            return Ok(());
        }
        let running = running_threads()?;
        if running > 1 && leaving.has_passed() || ended.has_passed() {
            return Err(SpawnError::Threads(running.max(seen)));
        }
        // Nobody tells when they are gone; and they may need this CPU for that.
        thread::sleep(pause);
        pause = LONGEST_PAUSE.min(2 * pause);
    }
}

/// Between two looks.
const SHORTEST_PAUSE: Duration = Duration::from_micros(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(1);

/// How long a thread may take from its last code, behind which `std::thread::scope` goes
/// on, to where it runs no more.
const LEAVING: Duration = Duration::from_millis(20);

/// How long a thread that runs no more, and may have been joined, may take until the kernel
/// has let go of it.
const ENDED: Duration = Duration::from_secs(1);

/// Runs `f` in a new process, which never returns from here.
///
/// # Safety
///
/// As [`spawn_unchecked`].
unsafe fn spawn_built<F, T>(builder: Builder, others: Threads, f: F) -> Result<Child<T>, SpawnError>
where
    F: FnOnce() -> T,
    T: Message,
{
    let streams = Streams::new(&builder.streams)?;
    let closes_fds = builder.closes_fds;
    // SAFETY: the caller keeps the contract.
    match unsafe { divide(builder, others, None) }? {
        Side::Child(handover) => {
            let f = move || {
                // What fails here is said as a panic is: there is no other way.
                streams.install(others == Threads::None).expect("a standard stream");
                if closes_fds {
                    // Listed here, where no other thread can give one of the numbers to
                    // something else before it is closed.
                    let mut others = files().expect("a list of what is open");
                    others.retain(|number| !family().needs(*number));
                    // SAFETY: whoever asked for it promised that nothing uses them.
                    unsafe { close(&others) };
                }
                record::running();
                f()
            };
            live(f, &handover)
        }
        Side::Parent(newborn) => {
            // Its ends of queues and pipes are the child's before it begins.
            let hand_over = |stamp| {
                if mem::needs_drop::<F>() {
                    transfer::to(stamp, || drop(f));
                }
            };
            let (child, handover) = newborn.begin(hand_over)?;
            let mut child = child.owing(handover);
            (child.stdin, child.stdout, child.stderr) =
                (streams.stdin, streams.stdout, streams.stderr);
            Ok(child)
        }
    }
}
