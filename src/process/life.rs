//! The life of a spawned process: one closure, its outcome, and the end.

use core::mem;
use std::panic::{self, AssertUnwindSafe};

use super::handover::{Handover, SHORT};
use super::record;
use super::recorder::describe;
use crate::shared::message::{Message, encode_into, to_bytes};
use crate::sys::{fork, streams};

/// What Rust's own runtime exits with after a panic of the main thread.
const PANICKED: i32 = 101;

/// Runs `f`, says what came of it and ends this process.
///
/// Everything that can run code of the user's (the closure, the destructors of
/// what it captured, the encoding of its value) comes before the outcome is
/// said; output is written last, since that can block or fail.
pub(super) fn live<F, T>(f: F, handover: &Handover) -> !
where
    F: FnOnce() -> T,
    T: Message,
{
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
