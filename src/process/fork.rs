//! `fork`: one process becomes two, and the second learns who it is.
//!
//! The child waits until its parent holds its pidfd, has made its stamp and has
//! done what must be done before it begins; if the parent refuses or dies, the
//! child ends there. A child in a new PID namespace cannot see whether its parent
//! lives, and waits for nothing: nothing of ours works there anyway.
#![allow(unsafe_code)]

use core::mem;
use std::io::{stderr, stdout};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use super::builder::Builder;
use super::child::Child;
use super::family::{family, reap};
use super::handover::{Handover, Told};
use super::known::Known;
use super::record;
use super::recorder::Recorder;
use crate::error::Error;
use crate::primitive::{self, Stamp};
use crate::shared::transfer;
use crate::sys::errno::Named;
use crate::sys::{self, lifeline, pidfd};

/// Which process returned from [`fork`].
///
/// # Examples
///
/// See [`fork`].
#[derive(Debug)]
pub enum Fork {
    /// This is the process that called, and that is its child.
    Parent(Child<()>),
    /// This is the child.
    Child,
}

/// Makes a second process out of this one; both return from here.
///
/// For those who need the bare thing. The child is named `Process-N`, is no daemon
/// even if this process is one, and a [`join`](Child::join) on it is `Ok(())` when
/// it exits with code 0.
///
/// # Errors
///
/// When the system refuses, or what was buffered for stdout cannot be written.
///
/// # Safety
///
/// All of [`spawn_unchecked`](super::spawn_unchecked)'s conditions, for everything that the
/// child goes on to do. Besides, the child returns into all frames of the caller: each
/// value in them is there twice, and so are the effects of dropping it. Where
/// that would free or finish something outside this process's memory which
/// must be freed once, one of the two must forget it.
///
/// # Ends of queues
///
/// The child's copy of an end counts from its first use there, since nothing was
/// handed over. So keep the parent's until then: dropped earlier, it may have
/// been the last at its side, and the others are told `Disconnected`.
///
/// # Examples
///
/// ```
/// use killproof::process::{self, Fork};
///
/// // SAFETY: one thread, no guards, and the child ends at once.
/// match unsafe { process::fork() }? {
///     Fork::Child => std::process::exit(0),
///     Fork::Parent(child) => assert_eq!(child.join(), Ok(())),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub unsafe fn fork() -> Result<Fork, Error> {
    reap();
    // SAFETY: the caller keeps the contract.
    match unsafe { divide(Builder::new().daemon(false), Threads::Maybe, None) }? {
        Side::Parent(newborn) => newborn.begin(drop).map(|(child, _)| Fork::Parent(child)),
        Side::Child(_) => Ok(Fork::Child),
    }
}

/// Whether this process has other threads than the one that forks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Threads {
    /// It was counted.
    None,
    /// It was not.
    Maybe,
}

/// Which side of a fork this is.
pub(super) enum Side {
    Parent(Newborn),
    /// The child, which knows who it is, and where its outcome goes.
    Child(Handover),
}

/// Forks. The child returns once its parent has let it [`begin`](Newborn::begin). What
/// the two tell each other goes by `page`, if there is one already.
///
/// # Safety
///
/// As [`fork`].
pub(super) unsafe fn divide(
    builder: Builder,
    others: Threads,
    page: Option<Handover>,
) -> Result<Side, Error> {
    // Refuses outside the family's PID namespace.
    let parent = primitive::current()?;
    let role = builder.role();
    // Held across the fork, so that no other thread leaves the child's copies
    // locked for ever. Alone, it would only make both sides copy their pages.
    // In this order: who holds stdout may join a child, which takes the third.
    let output = (others == Threads::Maybe).then(|| (stdout().lock(), stderr().lock()));
    let mut parents = family();
    let handover = page.map_or_else(|| parents.page(parent), Ok)?;
    let lifeline = if role.is_daemon { Some(lifeline::read_end()?) } else { None };
    let name = builder.name.unwrap_or_else(|| parents.next_name());
    let held = output.map(|output| (parents, output));
    // What is buffered here would be repeated by a child that prints.
    sys::streams::flush(|| others == Threads::None)?;
    let recorder = Recorder::new(others);
    // SAFETY: the caller keeps the contract.
    match unsafe { sys::fork::fork() }? {
        Some(pid) => {
            drop((held, recorder));
            Ok(Side::Parent(Newborn { pid, name, handover, lifeline }))
        }
        None => {
            match handover.wait_for_stamp(parent) {
                // Without its page the child makes its own stamp when asked.
                Told::Stamp(stamp) => drop(primitive::adopt(stamp)),
                // Finds out by itself at the first use of its stamp.
                Told::Foreign => {}
                Told::End => sys::fork::exit(0),
            }
            transfer::forget();
            recorder.keep();
            record::begin(&name, others == Threads::None);
            match held {
                Some((mut own, _)) => own.begin(name, role, lifeline),
                None => family().begin(name, role, lifeline),
            }
            Ok(Side::Child(handover))
        }
    }
}

/// A child that waits to be told who it is.
pub(super) struct Newborn {
    pid: u32,
    name: String,
    handover: Handover,
    /// A daemon's, which has it too.
    lifeline: Option<OwnedFd>,
}

impl Newborn {
    /// Lets the child begin, after `hand_over` has been told its stamp.
    ///
    /// When that fails or panics the child ends instead and is reaped.
    pub(super) fn begin<T>(
        self,
        hand_over: impl FnOnce(Stamp),
    ) -> Result<(Child<T>, Handover), Error> {
        let waiting = Waiting { pid: self.pid, handover: &self.handover };
        let pidfd = self.attend()?;
        let stamp = primitive::of_process(self.pid, pidfd.as_fd())?;
        hand_over(stamp);
        waiting.begin(stamp);
        let known = Arc::new(Known { pid: self.pid, name: self.name, pidfd, is_own: true });
        family().enlist(&known);
        let child = Child::new(known);
        record::started(child.known());
        Ok((child, self.handover))
    }

    /// The same but for the last word: somebody else, who has the page too, tells the
    /// child to begin.
    pub(super) fn present(self) -> Result<(Child<()>, Handover), Error> {
        let waiting = Waiting { pid: self.pid, handover: &self.handover };
        let pidfd = self.attend()?;
        mem::forget(waiting);
        let known = Arc::new(Known { pid: self.pid, name: self.name, pidfd, is_own: true });
        Ok((Child::new(known), self.handover))
    }

    /// Its pidfd, and that it ends with this process if it is to.
    fn attend(&self) -> Result<OwnedFd, Error> {
        // Whoever else waits for this process's children cannot have got it
        // before: it does not end while it waits.
        let pidfd = pidfd::open(self.pid).named("pidfd_open")?;
        // The number was the child's until somebody reaped it, which happens by
        // itself where SIGCHLD is ignored: then it may be anybody's by now.
        sys::fork::waitid(pidfd.as_fd(), false).named("waitid")?;
        if let Some(lifeline) = &self.lifeline {
            tie(lifeline.as_fd(), self.pid, pidfd.as_fd())?;
        }
        Ok(pidfd)
    }
}

/// From here on the child ends with this process.
///
/// The parent does it, so that it is in force before the child begins: while the
/// child waits for that it finds out by itself when its parent dies.
fn tie(lifeline: BorrowedFd<'_>, pid: u32, pidfd: BorrowedFd<'_>) -> Result<(), Error> {
    lifeline::aim(lifeline, pid)?;
    // Alive after it was aimed at: the number was the child's. Else there is
    // nobody left to end, and whoever has the number by now is left alone.
    if sys::fork::waitid(pidfd, false).named("waitid")?.is_none() {
        lifeline::arm(lifeline)?;
    }
    Ok(())
}

/// Dropped, it ends the child that waits, without a signal to a number.
struct Waiting<'a> {
    pid: u32,
    handover: &'a Handover,
}

impl Waiting<'_> {
    fn begin(self, stamp: Stamp) {
        self.handover.give(stamp);
        mem::forget(self);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.handover.refuse();
        sys::fork::waitpid(self.pid);
    }
}
