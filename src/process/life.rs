//! The life of a spawned process: one closure, its outcome, and the end.

use core::any::Any;
use core::cell::RefCell;
use core::mem;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::{Once, OnceLock};

use super::fork::Threads;
use super::handover::{Handover, SHORT};
use super::record;
use crate::shared::message::{Message, encode_into, to_bytes};
use crate::sys::{fork, streams};

/// What Rust's own runtime exits with after a panic of the main thread.
const PANICKED: i32 = 101;

/// Runs `f`, says what came of it and ends this process.
///
/// `others`: of the process that forked this one.
///
/// Everything that can run code of the user's (the closure, the destructors of
/// what it captured, the encoding of its value) comes before the outcome is
/// said; output is written last, since that can block or fail.
pub(super) fn live<F, T>(f: F, others: Threads, handover: &Handover) -> !
where
    F: FnOnce() -> T,
    T: Message,
{
    // The hook lies behind a lock, which another thread of the parent's may have had at the
    // fork, in a hook that takes its time: then a panic has a message, and no place.
    if others == Threads::None {
        record_own_panics();
    }
    let spawned = fork::getpid();
    let mut short = [0; SHORT];
    let mut long = Vec::new();
    // Unwind safe: nothing of this process is used again but these two.
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
        let value = f();
        let len = value.encoded_len();
        match short.get_mut(..len) {
            Some(short) => encode_into(&value, short),
            None => long = to_bytes(&value),
        }
        len
    }));
    let code = if outcome.is_ok() { 0 } else { PANICKED };
    // A logger's panic must not get out of here either.
    let _ = panic::catch_unwind(|| record::exiting(code)).map_err(mem::forget);
    let said = match &outcome {
        // `f` forked, and this is the other one: the page is not its to write.
        _ if fork::getpid() != spawned => Ok(()),
        Ok(len) => handover.returned(short.get(..*len).unwrap_or(&long)),
        Err(payload) => handover.panicked(&describe(&**payload)),
    };
    // A payload's destructor might panic, and there is nothing above this.
    mem::forget(outcome);
    let _ = streams::flush(fork::is_alone);
    fork::exit(if said.is_ok() { code } else { PANICKED })
}

/// The hook before the first recorder. In a static, the recorder needs no
/// memory of its own: the allocator's pages would have to be copied for it. And not behind
/// a lock, which a thread that panics would hold for as long as that hook takes.
static EARLIER: OnceLock<Hook> = OnceLock::new();

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

thread_local! {
    /// The last panic of this thread: its message, and where it was.
    static LAST: RefCell<Option<(String, String)>> = const { RefCell::new(None) };
}

/// Puts a recorder before the panic hook that is there, in a spawned process.
fn record_own_panics() {
    // A process forked by a destructor during a panic: the hook cannot change.
    if std::thread::panicking() {
        return;
    }
    if EARLIER.get().is_some() {
        return go_before_the_hook();
    }
    // Nobody else is there yet to set it.
    let _ = EARLIER.set(panic::take_hook());
    panic::set_hook(Box::new(record_and_go_on));
}

/// Puts a recorder before the panic hook of this process, once, for threads of this
/// crate's that are to tell of panics.
pub(crate) fn record_panics() {
    static ONCE: Once = Once::new();
    if !std::thread::panicking() {
        // Not in the static: threads that panic at a time would wait for each other there,
        // and one of them may hold what the hook of the other needs.
        ONCE.call_once(go_before_the_hook);
    }
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
    if let Some(earlier) = EARLIER.get() {
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
