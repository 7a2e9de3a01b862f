//! What this process remembers: its name and its role, how many children it had,
//! and those that nobody will join.
//!
//! One lock, private to the process. Where other threads may hold it, it is held
//! across the fork, so that the child gets it whole. A child that comes to be by
//! any other fork finds another stamp than its own in it and forgets what is not
//! its.

use core::{mem, ptr};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::builder::Role;
use super::child::End;
use super::handover::Handover;
use super::known::Known;
use super::record;
use crate::error::Error;
use crate::primitive::{Stamp, current};
use crate::sys::fork::waitid;
use crate::sys::lifeline;

#[derive(Debug)]
pub(super) struct Family {
    /// Whose memory this is; `None` where the process has no stamp.
    of: Option<Stamp>,
    /// Empty until somebody gave one.
    name: String,
    role: Role,
    /// What ends a daemon with its parent, for as long as it is open here.
    lifeline: Option<OwnedFd>,
    /// How many names were given by number.
    named: u32,
    /// Children whose handle was dropped while they ran.
    detached: Vec<Arc<Known>>,
    /// These and those that have a handle.
    children: Vec<Weak<Known>>,
    /// The page of a child that has ended, for the next one: to make a page
    /// costs a tenth of a fork.
    spare: Option<Handover>,
}

static FAMILY: Mutex<Family> = Mutex::new(Family {
    of: None,
    name: String::new(),
    role: Role::PLAIN,
    lifeline: None,
    named: 0,
    detached: Vec::new(),
    children: Vec::new(),
    spare: None,
});

/// This process's memory.
pub(super) fn family() -> MutexGuard<'static, Family> {
    let mut family = FAMILY.lock().unwrap_or_else(PoisonError::into_inner);
    let own = current().ok();
    if family.of != own {
        family.forget();
        family.of = own;
    }
    family
}

/// Reaps the detached children that have ended.
pub(super) fn reap() {
    let ended = family().reap();
    // Not under the lock: a logger of the user's may ask who it is.
    ended.iter().for_each(|(child, end)| record::ended(child, *end));
}

impl Family {
    pub(super) fn name(&self) -> &str {
        if self.name.is_empty() { "main" } else { &self.name }
    }

    /// The default name of the next child.
    pub(super) fn next_name(&mut self) -> String {
        self.named += 1;
        format!("Process-{}", self.named)
    }

    pub(super) fn role(&self) -> Role {
        self.role
    }

    /// In a forked child: nothing is its own but the new name and the role.
    pub(super) fn begin(&mut self, name: String, role: Role, lifeline: Option<OwnedFd>) {
        self.forget();
        self.of = current().ok();
        self.name = name;
        self.role = role;
        self.lifeline = lifeline;
    }

    fn forget(&mut self) {
        self.named = 0;
        self.role = Role::PLAIN;
        self.lifeline = None;
        // A fork that libc knows nothing of did not do it.
        lifeline::let_go();
        // Closes this process's copies; the children are not its own.
        self.detached.clear();
        // Nothing to close, and the counts are on pages that are the parent's yet.
        mem::forget(mem::take(&mut self.children));
        self.spare = None;
    }

    /// Whether what ends this process with its parent has this number.
    pub(super) fn needs(&self, number: RawFd) -> bool {
        self.lifeline.as_ref().is_some_and(|lifeline| lifeline.as_raw_fd() == number)
    }

    /// A blank page for the next child.
    pub(super) fn page(&mut self, maker: Stamp) -> Result<Handover, Error> {
        self.spare.take().map_or_else(|| Handover::new(maker), Ok)
    }

    /// Takes back the page of a child that has ended.
    pub(super) fn recycle(&mut self, page: Handover) {
        self.spare = page.blank();
    }

    /// A child that has begun.
    pub(super) fn enlist(&mut self, child: &Arc<Known>) {
        self.children.retain(|child| child.strong_count() > 0);
        self.children.push(Arc::downgrade(child));
    }

    /// One that is nobody's business.
    pub(super) fn strike(&mut self, child: &Known) {
        self.children.retain(|other| !ptr::eq(other.as_ptr(), child));
    }

    /// The children that have not ended.
    pub(super) fn active(&self) -> Vec<Arc<Known>> {
        let known = self.children.iter().filter_map(Weak::upgrade);
        known.filter(|child| child.runs()).collect()
    }

    /// Keeps a child until it has ended, and reaps it then if it is this process's.
    pub(super) fn detach(&mut self, child: Arc<Known>) {
        self.detached.push(child);
    }

    /// Reaps the detached children that have ended, and gives these; forgets those of
    /// zygotes.
    fn reap(&mut self) -> Vec<(Arc<Known>, End)> {
        let mut ended = Vec::new();
        self.detached.retain(|child| {
            if !child.is_own {
                return child.runs();
            }
            match waitid(child.as_fd(), true) {
                Ok(None) => return true,
                Ok(Some(status)) => ended.push((Arc::clone(child), End::Reaped(status))),
                Err(_) => ended.push((Arc::clone(child), End::Lost)),
            }
            false
        });
        ended
    }
}
