//! What is buffered for standard output, and by C for any stream.
#![allow(unsafe_code)]

use core::ptr;
use std::io::Write;

use super::errno::Named;
use crate::error::Error;

/// Writes out what Rust has buffered for stdout, and C for all of its streams; `is_alone`
/// says whether this process has one thread.
pub(crate) fn flush(is_alone: impl FnOnce() -> bool) -> Result<(), Error> {
    let rust = std::io::stdout().flush().named("flush of stdout");
    rust.and(flush_c(is_alone()))
}

/// Writes out what C has buffered; `is_alone`: in a process of one thread.
///
/// There fflush(3) is called only if a stream has something for it. It writes to pages
/// of libc's and runs code on others, which a forked child has to copy and to map: what
/// that costs is the row `process/fork-fflush/fork` of `cargo bench --bench process`.
fn flush_c(is_alone: bool) -> Result<(), Error> {
    if is_alone && are_silent() {
        return Ok(());
    }
    // SAFETY: null stands for all streams, each of which fflush locks itself.
    match unsafe { libc::fflush(ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()).named("fflush"),
    }
}

/// Whether fflush would do nothing to any stream, in a process of one thread.
///
/// It writes out what is buffered, and since glibc 2.41 it takes the position in the file
/// back to where the reader is. A child that did so later than its parent would take it
/// back for both.
#[cfg(target_env = "gnu")]
fn are_silent() -> bool {
    // SAFETY: there is one thread and it is here, so the list stays as it is. It gives the
    //    place of the first stream.
    let mut place = unsafe { glibc::_IO_iter_begin() };
    // SAFETY: the same. It gives the place behind the last.
    let end = unsafe { glibc::_IO_iter_end() };
    while place != end {
        // SAFETY: a place in the list, before its end.
        let stream = unsafe { glibc::_IO_iter_file(place) };
        // SAFETY: what stands in the list is open.
        let is_written = unsafe { glibc::__fpending(stream) } != 0;
        // SAFETY: the same. Without a buffer nothing was read ahead.
        let is_buffered = unsafe { glibc::__fbufsize(stream) } != 0;
        // SAFETY: the same.
        if is_written || is_buffered && unsafe { glibc::__freading(stream) } != 0 {
            return false;
        }
        // SAFETY: a place in the list, before its end.
        place = unsafe { glibc::_IO_iter_next(place) };
    }
    true
}

/// Nobody tells what streams there are.
#[cfg(not(target_env = "gnu"))]
fn are_silent() -> bool {
    false
}

/// The list of all streams, which lock nothing: in every glibc since 2.2, with these types
/// (libio.h, until that was no header for others any more). And stdio_ext(3).
#[cfg(target_env = "gnu")]
mod glibc {
    use core::ffi::{c_int, c_void};

    /// A place in the list.
    type Place = *mut c_void;

    unsafe extern "C" {
        pub(super) fn _IO_iter_begin() -> Place;
        pub(super) fn _IO_iter_end() -> Place;
        pub(super) fn _IO_iter_next(place: Place) -> Place;
        pub(super) fn _IO_iter_file(place: Place) -> *mut libc::FILE;
        /// How many bytes are buffered for output. Of a stream of wide characters it
        /// counts these.
        pub(super) fn __fpending(stream: *mut libc::FILE) -> usize;
        /// How large its buffer is, zero as long as it has none.
        pub(super) fn __fbufsize(stream: *mut libc::FILE) -> usize;
        /// Whether it can only be read, or was read last.
        pub(super) fn __freading(stream: *mut libc::FILE) -> c_int;
    }
}
