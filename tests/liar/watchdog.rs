//! Nothing here may take for ever, and what does has no end to be waited for.

use std::process;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// Runs `body`; ends the process where that takes as long as only a hang does.
pub fn within_a_minute<R>(body: impl FnOnce() -> R) -> R {
    let (done, waits) = channel::<()>();
    let name = thread::current().name().unwrap_or("?").to_owned();
    let watchdog = thread::spawn(move || {
        if waits.recv_timeout(Duration::from_secs(60)) == Err(RecvTimeoutError::Timeout) {
            eprintln!("{name}: hangs");
            process::abort();
        }
    });
    let result = body();
    drop(done);
    watchdog.join().expect("it only waits");
    result
}
