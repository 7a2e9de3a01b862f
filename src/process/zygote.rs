//! `Zygote`: a process forked while this one was small and alone, which forks for
//! it from then on.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use super::child::Child;
use super::error::SpawnError;
use super::family::family;
use super::handover::Handover;
use super::known::Known;
use super::nursery::{LONGEST, Reply, Request, Run, ask, begin, run, run_with};
use super::record;
use crate::error::{Error, Kind};
use crate::primitive::{self, Stamp};
use crate::shared::message::{Message, encode_into, from_bytes};
use crate::shared::transfer;
use crate::shared::transferable::Transfer;
use crate::sys::errno::Errno;
use crate::sys::fd::poll_any;
use crate::sys::map::Code;
use crate::sys::socket::{Taken, recv, shutdown};

/// A process that forks on behalf of this one.
///
/// [`spawn`](super::spawn()) refuses in a program with threads, and takes longer the
/// more memory the program has. So start a zygote while there is one thread and
/// little memory, as the first line of `main`, and spawn through it whenever and from
/// whichever thread.
///
/// Its children are copies of the zygote, not of this process as it is now: what
/// they are to know is in their arguments.
///
/// Children of a zygote end with it, and it ends with this process, as
/// [daemons](super::Builder::daemon) do; they may have children. Dropped, it takes no more
/// orders, and ends when all its children have.
///
/// It keeps out of the way of whoever ends the others: no signal gets to it but SIGKILL
/// and SIGSTOP, not even one to its whole group, as at Ctrl-C, and it is none of the
/// [`active_children`](super::active_children). Its children hear the signals that the
/// thread heard which started it.
///
/// # When the zygote dies
///
/// Its children are killed with it. To [`spawn`](Zygote::spawn) is
/// [`SpawnError::Zygote`] from then on. A [`Child`] that had returned gives its value
/// all the same; of one that had not, nobody can say how it ended:
/// [`JoinError::Lost`](super::JoinError::Lost).
///
/// # Examples
///
/// ```
/// use killproof::process::Zygote;
///
/// let zygote = Zygote::start()?;
/// let thread = std::thread::spawn(move || {
///     let child = zygote.spawn(|(base, power): (u64, u32)| base.pow(power), (2, 10))?;
///     Ok::<u64, Box<dyn std::error::Error + Send + Sync>>(child.join()?)
/// });
/// assert_eq!(thread.join().unwrap().unwrap(), 1024);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Zygote {
    process: Child<()>,
    stamp: Stamp,
    /// Whose it is: a copy in a forked child is of no use.
    owner: Stamp,
    line: Mutex<Line>,
    /// Where code lay when it was forked.
    code: Code,
}

#[derive(Debug)]
struct Line {
    socket: OwnedFd,
    /// Of the last request: a reply to an earlier one, whose sender gave up, is
    /// passed over.
    number: u64,
}

impl Zygote {
    /// Forks the zygote.
    ///
    /// # Errors
    ///
    /// As [`spawn`](super::spawn()), most of all when this process has other threads
    /// already.
    pub fn start() -> Result<Zygote, SpawnError> {
        let owner = primitive::current()?;
        let code = Code::here()?;
        let (process, socket) = begin()?;
        let stamp = primitive::of_process(process.pid(), process.as_fd())?;
        let line = Mutex::new(Line { socket, number: 0 });
        Ok(Zygote { process, stamp, owner, line, code })
    }

    /// The zygote's process id.
    ///
    /// # Examples
    ///
    /// ```
    /// let zygote = killproof::process::Zygote::start()?;
    /// assert_ne!(zygote.pid(), std::process::id());
    /// assert!(zygote.is_alive());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Whether the zygote has not ended.
    ///
    /// # Examples
    ///
    /// See [`pid`](Zygote::pid).
    pub fn is_alive(&self) -> bool {
        self.process.is_alive()
    }

    /// Runs `f` with `args` in a process of its own. From any thread, beside any
    /// guard.
    ///
    /// `f` is a function, or a closure that captures nothing. What is said of
    /// [`spawn`](super::spawn()) holds for the rest.
    ///
    /// # Errors
    ///
    /// [`SpawnError::Zygote`] when the zygote has ended, [`SpawnError::Failed`] when the
    /// system refuses, here or there; with
    /// [`is_not_owner`](Error::is_not_owner) in a child of the zygote's owner, and
    /// [`is_limit`](Error::is_limit) for a function of a library that was loaded after
    /// the zygote was started.
    ///
    /// # Examples
    ///
    /// ```compile_fail,E0308
    /// use killproof::process::Zygote;
    ///
    /// let captured = 5_u8;
    /// let zygote = Zygote::start().unwrap();
    /// let child = zygote.spawn(move |()| captured, ()).unwrap();
    /// ```
    pub fn spawn<A: Message, T: Message>(
        &self,
        f: fn(A) -> T,
        args: A,
    ) -> Result<Child<T>, SpawnError> {
        self.bear([run::<A, T> as Run as usize, f as usize], &args, ())
    }

    /// As [`spawn`](Zygote::spawn), for a function that takes handles as well: a
    /// [`Shared`](crate::Shared), an [`Event`](crate::sync::Event), an end of a
    /// [`queue`](crate::channel::queue()), or up to six of them in a tuple. They may be
    /// younger than the zygote.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Zygote::spawn). Where the child cannot map a handle, it panics.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::Shared;
    /// use killproof::process::Zygote;
    /// use killproof::sync::{Event, Mutex};
    ///
    /// fn add(n: u64, (total, green): (Shared<Mutex<u64>>, Event)) {
    ///     green.wait();
    ///     *total.lock().unwrap() += n;
    /// }
    ///
    /// let zygote = Zygote::start()?;
    /// let (total, green) = (Shared::new(Mutex::new(40_u64))?, Event::new()?);
    /// let child = zygote.spawn_with(add, 2, (total.clone(), green.clone()))?;
    /// green.set();
    /// child.join()?;
    /// assert_eq!(*total.lock().unwrap(), 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn spawn_with<A: Message, H: Transfer, T: Message>(
        &self,
        f: fn(A, H) -> T,
        args: A,
        handles: H,
    ) -> Result<Child<T>, SpawnError> {
        self.bear([run_with::<A, H, T> as Run as usize, f as usize], &args, handles)
    }

    /// Has a child that calls what lies at the second address as the first one says.
    fn bear<A: Message, H: Transfer, T>(
        &self,
        code: [usize; 2],
        args: &A,
        handles: H,
    ) -> Result<Child<T>, SpawnError> {
        if primitive::current()? != self.owner {
            return Err(Error::new("zygote", Kind::NotOwner).into());
        }
        if !self.code.has(&code) {
            return Err(Error::new("zygote", Kind::Limit).into());
        }
        let name = family().next_name();
        let mut brought = name.clone().into_bytes();
        let at = brought.len();
        brought.resize(at + args.encoded_len(), 0);
        encode_into(args, &mut brought[at..]);
        let page = Handover::new(self.owner)?;
        page.bring(&brought)?;
        let lens = (at as u64, (brought.len() - at) as u64);
        let born = self
            .order(&page, code, lens, &handles)
            .and_then(|(pid, pidfd)| Ok((pid, primitive::of_process(pid, pidfd.as_fd())?, pidfd)));
        let (pid, stamp, pidfd) = born.map_err(|error| {
            page.refuse();
            // Then the child is dead too, and cannot be asked for its birth.
            if self.is_alive() { error } else { SpawnError::Zygote }
        })?;
        // What it has of them is the child's before it begins.
        transfer::to(stamp, || drop(handles));
        page.give(stamp);
        let known = Arc::new(Known { pid, name, pidfd, is_own: false });
        family().enlist(&known);
        let child = Child::new(known).owing(page).of_zygote(self.stamp);
        record::started(child.known());
        Ok(child)
    }

    /// Sends one request and waits for its reply.
    fn order<H: Transfer>(
        &self,
        page: &Handover,
        [run, f]: [usize; 2],
        (name, args): (u64, u64),
        handles: &H,
    ) -> Result<(u32, OwnedFd), SpawnError> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        line.number += 1;
        let request: Request = (line.number, run as u64, f as u64, name, args);
        let asked = ask(line.socket.as_fd(), &request, page, handles);
        asked.map_err(|error| self.or_dead(error))?;
        loop {
            let watched = [line.socket.as_fd(), self.process.as_fd()];
            match poll_any(&watched, None)? {
                Some(0) => {}
                Some(_) => return Err(SpawnError::Zygote),
                None => continue,
            }
            let mut bytes = [0; LONGEST];
            let received = recv(line.socket.as_fd(), &mut bytes);
            let Taken { len, mut descriptors, .. } =
                received.map_err(|error| self.or_dead(error))?;
            let reply = from_bytes::<Reply>(&bytes[..len]).map_err(|_| SpawnError::Zygote)?;
            let refused = |errno| Error::new("zygote", Kind::Os(errno)).into();
            match reply {
                (number, ..) if number != line.number => {}
                (_, 0, errno) => return Err(refused(errno as i32)),
                (_, pid, _) => {
                    // None where this process has no number left for it.
                    let pidfd =
                        descriptors.pop().ok_or_else(|| refused(Errno::MFILE.raw_os_error()))?;
                    return Ok((pid as u32, pidfd));
                }
            }
        }
    }

    fn or_dead(&self, error: Error) -> SpawnError {
        let gone = [Errno::PIPE, Errno::CONNRESET].map(|errno| Some(errno.raw_os_error()));
        if gone.contains(&error.raw_os_error()) { SpawnError::Zygote } else { error.into() }
    }
}

impl Drop for Zygote {
    fn drop(&mut self) {
        if primitive::is_current(self.owner) {
            let line = self.line.get_mut().unwrap_or_else(PoisonError::into_inner);
            shutdown(line.socket.as_fd());
        }
    }
}
