//! Records go to the logger of the crate `log`, and here is one for stderr.

use core::fmt::{self, Arguments, Write};
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};

use log::{Level, LevelFilter, Log, Metadata, Record, SetLoggerError};

use crate::sys::fd::write_to_stderr;

const TARGET: &str = "killproof::process";

/// Whether the logger is the one below.
static IS_OURS: AtomicBool = AtomicBool::new(false);

/// Whether another thread of this process's parent may have held a lock of the
/// logger for ever: then nothing of ours calls it.
static IS_DOUBTFUL: AtomicBool = AtomicBool::new(false);

/// Writes the records of the crate `log` to stderr, those of `level` and more
/// urgent ones: the lives of processes, and whatever else the program logs.
///
/// A line is `[INFO/Process-1] message`, with the name of the process. It is one
/// write(2), so lines of several processes are never mixed up; past 4096 bytes it
/// is cut, and a line break inside becomes a space. Nothing is locked, buffered or
/// allocated, so a child may log whenever and however it was forked, and from a
/// signal handler.
///
/// Any other logger gets the same records, with the target `killproof::process`;
/// in a child that may have been forked beside other threads
/// ([`spawn_unchecked`](super::spawn_unchecked), [`fork`](super::fork())) it gets none
/// from this crate, since one of those may have held its lock.
///
/// # Errors
///
/// When there is a logger already.
///
/// # When a process dies
///
/// What it has logged is there, down to the last line. Its parent logs the end, with
/// the code or the signal, when it is joined or, detached, reaped.
///
/// # Examples
///
/// ```
/// use killproof::process;
/// use log::LevelFilter;
///
/// process::log_to_stderr(LevelFilter::Info)?;
/// let child = process::spawn(|| log::info!("at work"))?;
/// child.join()?;
/// // [INFO/main] Process-1 started, pid 25686
/// // [INFO/Process-1] child process running
/// // [INFO/Process-1] at work
/// // [INFO/Process-1] process exiting with exitcode 0
/// // [INFO/main] Process-1, pid 25686, exited with code 0
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn log_to_stderr(level: LevelFilter) -> Result<(), SetLoggerError> {
    log::set_logger(&Stderr)?;
    IS_OURS.store(true, Ordering::Relaxed);
    log::set_max_level(level);
    Ok(())
}

pub(super) fn say(level: Level, words: Arguments<'_>) {
    if IS_OURS.load(Ordering::Relaxed) || !IS_DOUBTFUL.load(Ordering::Relaxed) {
        log::log!(target: TARGET, level, "{words}");
    }
}

pub(super) fn begin(name: &str, is_alone: bool) {
    NAME.set(name);
    if !is_alone {
        IS_DOUBTFUL.store(true, Ordering::Relaxed);
    }
}

/// This process's name where no lock is needed to read it; cut.
static NAME: Name = Name { len: AtomicUsize::new(0), bytes: [const { AtomicU8::new(0) }; 64] };

struct Name {
    len: AtomicUsize,
    bytes: [AtomicU8; 64],
}

impl Name {
    /// At the beginning of a process, when it has one thread.
    fn set(&self, name: &str) {
        let cut = cut(name, self.bytes.len());
        for (byte, new) in self.bytes.iter().zip(cut.bytes()) {
            byte.store(new, Ordering::Relaxed);
        }
        self.len.store(cut.len(), Ordering::Release);
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Pairs with the release of `set`.
        let len = self.len.load(Ordering::Acquire);
        let mut copy = [0; 64];
        for (copy, byte) in copy.iter_mut().zip(&self.bytes[..len]) {
            *copy = byte.load(Ordering::Relaxed);
        }
        let name = core::str::from_utf8(&copy[..len]).unwrap_or_default();
        f.write_str(if name.is_empty() { "main" } else { name })
    }
}

/// The logger that [`log_to_stderr`] sets.
struct Stderr;

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let mut line = Line { bytes: [0; LONGEST], len: 0 };
            // It fails where the line is full: what is there is written.
            let _ = write!(line, "[{}/{NAME}] {}", record.level(), record.args());
            line.bytes[line.len] = b'\n';
            write_to_stderr(&line.bytes[..=line.len]);
        }
    }

    fn flush(&self) {}
}

/// As many whole characters of `text` as `room` bytes take.
fn cut(text: &str, room: usize) -> &str {
    let mut end = room.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// What a pipe takes at once, whoever else writes to it: PIPE_BUF.
const LONGEST: usize = 4096;

struct Line {
    bytes: [u8; LONGEST],
    /// Less than all of it: the line's end follows.
    len: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let cut = cut(text, LONGEST - 1 - self.len);
        for byte in cut.bytes() {
            self.bytes[self.len] = if byte == b'\n' { b' ' } else { byte };
            self.len += 1;
        }
        if cut.len() == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}
