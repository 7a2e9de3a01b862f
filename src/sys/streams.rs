//! What C has buffered for its streams: whether there is anything, and writing it out.
#![allow(unsafe_code)]

use core::ffi::{CStr, c_char, c_void};
use core::mem::transmute;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};
use std::sync::OnceLock;

use super::errno::Named;
use crate::error::Error;

unsafe extern "C" {
    /// How many bytes the stream has buffered for output: stdio_ext(3).
    fn __fpending(stream: Stream) -> usize;
}

/// Writes out what C has buffered for all of its streams.
pub(crate) fn flush() -> Result<(), Error> {
    // fflush(3) of all streams locks each of them, and the list of all. What it writes for
    // that a forked child has to copy, and its parent too, for nothing.
    if Streams::of_libc().is_some_and(Streams::are_silent) {
        return Ok(());
    }
    // SAFETY: null stands for all streams, each of which fflush locks itself.
    match unsafe { libc::fflush(ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()).named("fflush"),
    }
}

type Stream = *mut libc::FILE;

/// A place in the list of all streams.
type Place = *mut c_void;

/// How to ask glibc, which has exported all of this since 2.32 at the latest.
struct Streams {
    /// `__libc_single_threaded`: not zero while nobody has started a thread.
    is_single: AtomicPtr<c_char>,
    /// `_IO_iter_begin` and its companions. They lock nothing.
    begin: unsafe extern "C" fn() -> Place,
    end: unsafe extern "C" fn() -> Place,
    next: unsafe extern "C" fn(Place) -> Place,
    file: unsafe extern "C" fn(Place) -> Stream,
}

impl Streams {
    /// `None` where libc does not say: it is older, or not glibc.
    fn of_libc() -> Option<&'static Streams> {
        static KNOWN: OnceLock<Option<Streams>> = OnceLock::new();
        KNOWN.get_or_init(Streams::find).as_ref()
    }

    /// Each function has had its type for as long as glibc has had it (libio.h, 2.2 to
    /// 2.27).
    fn find() -> Option<Streams> {
        let is_single = AtomicPtr::new(find(c"__libc_single_threaded")?.cast());
        let begin = find(c"_IO_iter_begin")?;
        // SAFETY: glibc's function of this name, and of this type.
        let begin = unsafe { transmute::<*mut c_void, unsafe extern "C" fn() -> Place>(begin) };
        let end = find(c"_IO_iter_end")?;
        // SAFETY: the same.
        let end = unsafe { transmute::<*mut c_void, unsafe extern "C" fn() -> Place>(end) };
        let next = find(c"_IO_iter_next")?;
        // SAFETY: the same.
        let next = unsafe { transmute::<*mut c_void, unsafe extern "C" fn(Place) -> Place>(next) };
        let file = find(c"_IO_iter_file")?;
        // SAFETY: the same.
        let file = unsafe { transmute::<*mut c_void, unsafe extern "C" fn(Place) -> Stream>(file) };
        Some(Streams { is_single, begin, end, next, file })
    }

    /// Whether nothing is buffered for any, and no other thread could change that.
    fn are_silent(&self) -> bool {
        // SAFETY: glibc's variable, which lives as long as the program. No other thread is
        //    there to write it, or it says so already to who has started that.
        if unsafe { self.is_single.load(Ordering::Relaxed).read_volatile() } == 0 {
            return false;
        }
        // There is one thread, so the list stays as it is.
        // SAFETY: it gives the place of the first.
        let mut place = unsafe { (self.begin)() };
        // SAFETY: it gives the place behind the last.
        let end = unsafe { (self.end)() };
        while place != end {
            // SAFETY: a place in the list, before its end.
            let stream = unsafe { (self.file)(place) };
            // SAFETY: what stands in the list is open.
            if unsafe { __fpending(stream) } != 0 {
                return false;
            }
            // SAFETY: a place in the list, before its end.
            place = unsafe { (self.next)(place) };
        }
        true
    }
}

/// Where libc has what is called so, if it has.
fn find(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: a string that ends in a zero; it is looked for in what is loaded.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!found.is_null()).then_some(found)
}
