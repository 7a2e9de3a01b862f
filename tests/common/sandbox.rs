//! A sandbox that forbids membarrier(2), as some container runtimes do.

#![allow(unsafe_code)]

use std::io;
use std::ptr;

/// Has this thread, and what it starts, refused membarrier(2) from now on.
pub fn without_membarrier() -> io::Result<()> {
    let allow = end(libc::SECCOMP_RET_ALLOW);
    let refuse = end(libc::SECCOMP_RET_ERRNO | libc::EPERM as u32);
    let number = libc::sock_filter {
        code: (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16,
        jt: 0,
        jf: 0,
        k: std::mem::offset_of!(libc::seccomp_data, nr) as u32,
    };
    let is_it = libc::sock_filter {
        code: (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16,
        jt: 0,
        jf: 1,
        k: libc::SYS_membarrier as u32,
    };
    let mut filter = [number, is_it, refuse, allow];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: it takes numbers only.
    check(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) })?;
    let program = ptr::from_ref(&program);
    // SAFETY: the program and its filter live until the call is over, and the kernel
    // copies them.
    check(unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, program) })?;
    // SAFETY: it takes numbers only. 0 is the question what there is.
    let allowed = unsafe { libc::syscall(libc::SYS_membarrier, 0, 0, 0) } >= 0;
    if allowed { Err(io::Error::other("the filter has no effect")) } else { Ok(()) }
}

fn end(result: u32) -> libc::sock_filter {
    libc::sock_filter { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k: result }
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
