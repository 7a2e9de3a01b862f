//! Between the fork and the moment at which the child begins.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use killproof::process::spawn;
use nix::errno::Errno;
use nix::sys::signal::{Signal, raise};
use nix::sys::wait::{WaitStatus, wait};

use crate::case;
use crate::common::case::Case;
use crate::common::child::{children, fork};
use crate::common::mapped::Mapped;

pub fn cases() -> Vec<Case> {
    vec![
        case("handover::parent_killed_before_it", parent_killed_before_it),
        case("handover::parent_panics_before_it", parent_panics_before_it),
    ]
}

/// Captured by a closure, it goes off when the parent drops its copy, which is
/// after the fork and before the child may begin.
struct Bomb<F: Fn()> {
    parent: u32,
    bang: F,
}

impl<F: Fn()> Drop for Bomb<F> {
    fn drop(&mut self) {
        if std::process::id() == self.parent {
            (self.bang)();
        }
    }
}

fn flag() -> Arc<Mapped<AtomicBool>> {
    Arc::new(Mapped::new(AtomicBool::new(false)))
}

fn parent_killed_before_it() {
    let ran = flag();
    let inner = Arc::clone(&ran);
    let parent = fork(move || {
        let bang = || raise(Signal::SIGKILL).unwrap_or_default();
        let bomb = Bomb { parent: std::process::id(), bang };
        let child = spawn(move || {
            let _bomb = bomb;
            inner.store(true, Ordering::Relaxed);
        });
        Err(format!("still here: {child:?}"))
    });
    // The orphan comes to this process. Without a word from its parent it ends.
    let mut ends = Vec::new();
    loop {
        match wait() {
            Ok(end) => ends.push(end),
            Err(Errno::EINTR) => {}
            Err(_) => break,
        }
    }
    assert_eq!(ends.len(), 2, "{ends:?}");
    assert!(ends.iter().any(|end| matches!(end, WaitStatus::Exited(_, 0))), "{ends:?}");
    assert!(ends.contains(&WaitStatus::Signaled(parent.pid(), Signal::SIGKILL, false)));
    assert!(!ran.load(Ordering::Relaxed), "it ran without being told who it is");
}

fn parent_panics_before_it() {
    std::panic::set_hook(Box::new(|_| {}));
    let ran = flag();
    let inner = Arc::clone(&ran);
    let bomb = Bomb { parent: std::process::id(), bang: || panic!("dropped") };
    let attempt = AssertUnwindSafe(|| {
        spawn(move || {
            let _bomb = bomb;
            inner.store(true, Ordering::Relaxed);
        })
    });
    let panic = catch_unwind(attempt).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"dropped"));
    assert_eq!(children(), [], "the child was told to end, and was reaped");
    assert!(!ran.load(Ordering::Relaxed));
}
