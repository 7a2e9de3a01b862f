//! What C has buffered for its streams: whether there is anything, and writing it out.
#![allow(unsafe_code)]

use core::ffi::CStr;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};
use std::sync::OnceLock;

use super::errno::Named;
use super::fork::is_alone;
use crate::error::Error;

unsafe extern "C" {
    /// How many bytes the stream has buffered for output: stdio_ext(3).
    fn __fpending(stream: *mut libc::FILE) -> usize;
}

/// Writes out what C has buffered for all of its streams.
pub(crate) fn flush() -> Result<(), Error> {
    // fflush(3) of all streams writes to a page of libc's, and its code lies on others: a
    // forked child would have to copy and to map them, its parent to copy, for nothing.
    if is_alone() && Streams::of_libc().is_some_and(Streams::are_silent) {
        return Ok(());
    }
    // SAFETY: null stands for all streams, each of which fflush locks itself.
    match unsafe { libc::fflush(ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()).named("fflush"),
    }
}

/// Where libc has its streams.
struct Streams {
    /// The head of the list of all of them, at which a stream that is opened is put in.
    list: AtomicPtr<AtomicPtr<libc::FILE>>,
    /// Those that are there from the start, the first of the list first.
    standard: [AtomicPtr<libc::FILE>; 3],
}

impl Streams {
    /// `None` where libc does not say: it is not glibc.
    fn of_libc() -> Option<&'static Streams> {
        static KNOWN: OnceLock<Option<Streams>> = OnceLock::new();
        let known = KNOWN.get_or_init(|| {
            let standard = [c"_IO_2_1_stderr_", c"_IO_2_1_stdout_", c"_IO_2_1_stdin_"].map(find);
            let list = find(c"_IO_list_all");
            let is_missing = list.is_null() || standard.contains(&ptr::null_mut());
            (!is_missing).then(|| Streams {
                list: AtomicPtr::new(list.cast()),
                standard: standard.map(|stream| AtomicPtr::new(stream.cast())),
            })
        });
        known.as_ref()
    }

    /// Whether there are none but the standard ones and nothing is buffered for these. In a
    /// process with one thread.
    fn are_silent(&self) -> bool {
        // SAFETY: glibc's variable, a pointer, which lives as long as the program; no other
        // thread is there to write it.
        let first = unsafe { &*self.list.load(Ordering::Relaxed) }.load(Ordering::Relaxed);
        let [stderr, ..] = &self.standard;
        first == stderr.load(Ordering::Relaxed)
            && self.standard.iter().all(|stream| {
                // SAFETY: one of glibc's own objects, which live as long as the program,
                // closed or not; no other thread is there to change it.
                0 == unsafe { __fpending(stream.load(Ordering::Relaxed)) }
            })
    }
}

/// The address of a variable of libc's; null where it has none of that name.
fn find(name: &CStr) -> *mut libc::c_void {
    // SAFETY: a string that ends in a zero; it is looked for in what is loaded.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }
}
