//! What a panic said, and where: recorded by a hook before the one that is there.

use core::any::Any;
use core::cell::RefCell;
use core::mem;
use std::panic::{self, PanicHookInfo};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Once, PoisonError, RwLock};

use super::fork::Threads;

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// The hook before the first recorder. In a static, the recorder needs no memory of its
/// own: the allocator's pages would have to be copied for it. It is changed only in a
/// process of one thread, so nobody who reads it waits.
static EARLIER: RwLock<Option<Hook>> = RwLock::new(None);

/// Another thread may have been inside the hook when this process was forked, or one that
/// it descends from: then its lock is held for ever, and the hook stays as it is.
static IS_HELD: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// The last panic of this thread: its message, and where it was.
    static LAST: RefCell<Option<(String, String)>> = const { RefCell::new(None) };
}

/// A recorder for a child that is about to be forked. Dropped, which the parent does, the
/// hook is as it was.
pub(super) enum Recorder {
    /// The parent puts it there for the time of the fork: to copy the pages with the hook
    /// is then its business, while the child is on its way.
    Lent,
    /// The parent is a spawned process, whose own stays: the child puts one before it.
    Another,
    /// None: a panic in the child has a message, and no place. Where there are threads, one
    /// of them may be inside the hook; and a thread that panics cannot change it.
    No { beside_threads: bool },
}

impl Recorder {
    pub(super) fn new(others: Threads) -> Recorder {
        let beside_threads = others == Threads::Maybe;
        if beside_threads || !may_change_the_hook() {
            return Recorder::No { beside_threads };
        }
        let mut earlier = EARLIER.write().unwrap_or_else(PoisonError::into_inner);
        if earlier.is_some() {
            return Recorder::Another;
        }
        *earlier = Some(panic::take_hook());
        panic::set_hook(Box::new(record_and_go_on));
        Recorder::Lent
    }

    /// It is this process's, which is the child.
    pub(super) fn keep(self) {
        match self {
            Recorder::Lent => {}
            Recorder::Another => go_before_the_hook(),
            Recorder::No { beside_threads: false } => {}
            Recorder::No { beside_threads: true } => IS_HELD.store(true, Ordering::Relaxed),
        }
        mem::forget(self);
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if let Recorder::Lent = self {
            let earlier = EARLIER.write().unwrap_or_else(PoisonError::into_inner).take();
            drop(panic::take_hook());
            earlier.into_iter().for_each(panic::set_hook);
        }
    }
}

/// Puts a recorder before the panic hook of this process, once, for threads of this
/// crate's that are to tell of panics.
pub(crate) fn record_panics() {
    static ONCE: Once = Once::new();
    if may_change_the_hook() {
        // Not in the static: threads that panic at a time would wait for each other there,
        // and one of them may hold what the hook of the other needs.
        ONCE.call_once(go_before_the_hook);
    }
}

fn may_change_the_hook() -> bool {
    !std::thread::panicking() && !IS_HELD.load(Ordering::Relaxed)
}

fn go_before_the_hook() {
    let earlier = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        record(info);
        earlier(info);
    }));
}

fn record_and_go_on(info: &PanicHookInfo<'_>) {
    record(info);
    if let Some(earlier) = &*EARLIER.read().unwrap_or_else(PoisonError::into_inner) {
        earlier(info);
    }
}

fn record(info: &PanicHookInfo<'_>) {
    if let Some(place) = info.location() {
        let last = Some((message(info.payload()), place.to_string()));
        let _ = LAST.try_with(|cell| cell.replace(last));
    }
}

/// A panic's message, and its place if the hook saw this very one:
/// `resume_unwind` passes it by. Where there is a recorder.
pub(crate) fn describe(payload: &(dyn Any + Send)) -> String {
    let message = message(payload);
    match LAST.take() {
        Some((last, place)) if last == message => format!("{message}, at {place}"),
        _ => message,
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
