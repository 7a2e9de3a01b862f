//! Names for instruction addresses.

#![allow(unsafe_code)]

use std::ffi::CStr;
use std::mem::MaybeUninit;

/// The file that an address of a forked child lies in, and the offset there,
/// as `addr2line` takes it. Children have this process's addresses.
pub fn name_of(address: u64) -> String {
    let mut found = MaybeUninit::<libc::Dl_info>::zeroed();
    let at = std::ptr::without_provenance(usize::try_from(address).expect("64-bit Linux"));
    // SAFETY: `dladdr` only compares the address; `found` is writable.
    let known = unsafe { libc::dladdr(at, found.as_mut_ptr()) } != 0;
    // SAFETY: all zeros is a value of this struct of pointers.
    let found = unsafe { found.assume_init() };
    if !known || found.dli_fname.is_null() {
        return format!("{address:#x}");
    }
    // SAFETY: a name that `dladdr` gave is a string of the loader's, which stays
    // as long as the file is loaded; nothing is unloaded here.
    let file = unsafe { CStr::from_ptr(found.dli_fname) }.to_string_lossy();
    let file = file.rsplit('/').next().unwrap_or_default();
    let offset = address - found.dli_fbase.addr() as u64;
    format!("{file}+{offset:#x}")
}
