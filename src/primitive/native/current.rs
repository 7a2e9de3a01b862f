//! The stamp of this process, one load away and forgotten by a fork.
//!
//! It lies in a page that the kernel wipes in every forked child. A zero there
//! means "not known in this process yet", whoever forked and however.
#![allow(unsafe_code)]

use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::os::fd::{AsFd, BorrowedFd};
use std::ptr;

use super::liveness::Birth;
use crate::error::{Error, Kind};
use crate::primitive::Stamp;
use crate::sys::{self, errno::Named};

/// The page's first word: zero, [`FOREIGN`], or this process's stamp.
static PAGE: AtomicPtr<AtomicU64> = AtomicPtr::new(ptr::null_mut());

/// The [namespaces](own_namespaces) in which this program first made a stamp;
/// inherited by forks, so a child elsewhere finds out. Zero: not known.
static NAMESPACE: AtomicU64 = AtomicU64::new(0);

/// This process lives in other namespaces than its family. No stamp: its upper half
/// is zero.
const FOREIGN: u64 = 1;

/// This process's stamp.
///
/// # Errors
///
/// In other namespaces than the first stamp's, and where the kernel offers no pidfd.
#[inline]
pub(crate) fn current() -> Result<Stamp, Error> {
    match known() {
        Some(stamp) => Ok(stamp),
        None => current_unknown(),
    }
}

/// Whether `stamp` is this process's, as whoever made a guard asks when it is dropped:
/// in a fork it is a copy. Apart from [`current`], whose error would have to be dropped.
#[inline]
pub(crate) fn is_current(stamp: Stamp) -> bool {
    match known() {
        Some(mine) => mine == stamp,
        None => is_current_unknown(stamp),
    }
}

/// The stamp, if it was asked for in this process before.
#[inline]
pub(crate) fn known() -> Option<Stamp> {
    // Acquire pairs with the release in `page`, which publishes the zeroes.
    let page = PAGE.load(Ordering::Acquire);
    if page.is_null() {
        return None;
    }
    // SAFETY: `page` stored a pointer to a mapping that is never unmapped, in this
    // process or in the one it was forked from.
    let word = unsafe { &*page };
    // Relaxed: the word is all there is to know.
    Stamp::of(word.load(Ordering::Relaxed))
}

#[cold]
fn is_current_unknown(stamp: Stamp) -> bool {
    current_unknown() == Ok(stamp)
}

#[cold]
fn current_unknown() -> Result<Stamp, Error> {
    let page = page()?;
    let foreign = Error::new("stamp", Kind::ForeignNamespace);
    if page.load(Ordering::Relaxed) == FOREIGN {
        return Err(foreign);
    }
    if is_elsewhere()? {
        page.store(FOREIGN, Ordering::Relaxed);
        return Err(foreign);
    }
    let pid = sys::fork::getpid();
    let pidfd = sys::pidfd::open(pid).named("pidfd_open")?;
    let stamp = of_process(pid, pidfd.as_fd())?;
    page.store(stamp.word(), Ordering::Relaxed);
    Ok(stamp)
}

/// Takes the stamp that the forking parent made for this process.
///
/// A process that calls itself by another number than its parent does lives in
/// another PID namespace; that it is in the same time namespace needs a question, on
/// kernels where that counts.
pub(crate) fn adopt(stamp: Stamp) -> Result<(), Error> {
    let known =
        stamp.pid() == sys::fork::getpid() && (birth()? == Birth::Inode || !is_elsewhere()?);
    page()?.store(if known { stamp.word() } else { FOREIGN }, Ordering::Relaxed);
    Ok(())
}

/// The stamp of the process that `pidfd` stands for.
pub(crate) fn of_process(pid: u32, pidfd: BorrowedFd<'_>) -> Result<Stamp, Error> {
    let birth = birth()?.of(pid, pidfd).named("birth of a process")?;
    Ok(Stamp::new(birth, pid))
}

/// What a stamp's birth is on this kernel.
pub(crate) fn birth() -> Result<Birth, Error> {
    static KNOWN: std::sync::OnceLock<Birth> = std::sync::OnceLock::new();
    if let Some(birth) = KNOWN.get() {
        return Ok(*birth);
    }
    let own = sys::pidfd::open(sys::fork::getpid()).named("pidfd_open")?;
    let on_pidfs = sys::pidfd::is_on_pidfs(own.as_fd()).named("fstatfs")?;
    Ok(*KNOWN.get_or_init(|| if on_pidfs { Birth::Inode } else { Birth::StartTime }))
}

/// The [namespaces](own_namespaces) that this program belongs to.
pub(crate) fn namespace() -> Result<u64, Error> {
    let known = NAMESPACE.load(Ordering::Relaxed);
    if known != 0 {
        return Ok(known);
    }
    let own = own_namespaces()?;
    Ok(match NAMESPACE.compare_exchange(0, own, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => own,
        Err(earlier) => earlier,
    })
}

/// Whether this process is not, or not any more, in the namespaces that this program
/// belongs to.
pub(super) fn is_elsewhere() -> Result<bool, Error> {
    Ok(own_namespaces()? != namespace()?)
}

/// The inodes of the namespaces by which this process reads stamps: that of PIDs, and
/// where births are start times that of time, which moves them. Both have 32 bits.
fn own_namespaces() -> Result<u64, Error> {
    let pids = sys::pidfd::namespace()?;
    match birth()? {
        Birth::Inode => Ok(pids),
        Birth::StartTime => Ok(pids ^ sys::pidfd::time_namespace()? << 32),
    }
}

/// The wipe-on-fork page, made at the first call.
fn page() -> Result<&'static AtomicU64, Error> {
    let mut page = PAGE.load(Ordering::Acquire);
    if page.is_null() {
        let fresh = sys::map::wiped_on_fork()?.cast::<AtomicU64>().as_ptr();
        // Of two threads here at once one loses and leaves its page unused.
        page = match PAGE.compare_exchange(
            ptr::null_mut(),
            fresh,
            Ordering::AcqRel,
            Ordering::Acquire,
        ) {
            Ok(_) => fresh,
            Err(earlier) => earlier,
        };
    }
    // SAFETY: `wiped_on_fork` gives a page-aligned mapping of zero bytes, which
    // are a valid atomic, and never unmaps it.
    Ok(unsafe { &*page })
}
