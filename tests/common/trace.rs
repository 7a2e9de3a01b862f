//! A traced child: stepped one instruction at a time, run to an instruction, or to the
//! exit of its next futex call, frozen there, and killed.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::ptr;
use std::time::{Duration, Instant};

use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{SigSet, Signal, raise};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::child::{Child, fork, other};

/// Long enough for a child that is about to stop to be scheduled on any machine.
const START: Duration = Duration::from_secs(60);

/// `PTRACE_GET_SYSCALL_INFO` and its answers, of the kernel's `ptrace.h`.
const GET_SYSCALL_INFO: libc::c_uint = 0x420e;
const AT_ENTRY: u8 = 1;
const AT_EXIT: u8 = 2;

const FUTEX: u64 = libc::SYS_futex as u64;
const FUTEX_COMMAND: u64 = libc::FUTEX_CMD_MASK as u64;
/// What a system call returns that fails with ETIMEDOUT.
const TIMED_OUT: u64 = (-libc::ETIMEDOUT) as u64;
const WAITS: [u64; 2] = [libc::FUTEX_WAIT as u64, libc::FUTEX_WAIT_BITSET as u64];

/// A child under ptrace.
pub struct Traced {
    child: Child,
    /// A signal it stopped for, to be handed over when it goes on.
    signal: Cell<Option<Signal>>,
    /// Whether the system call it entered last is a futex wait.
    waits: Cell<bool>,
}

/// Why a traced child does not run.
#[derive(Debug, PartialEq)]
pub enum Stop {
    /// Stopped after an instruction, at a mark, or for a signal.
    Trap,
    /// Stopped on the way into a system call, or out of one.
    Syscall,
    /// Stopped on the way out of a futex wait that somebody's wake ended.
    Woken,
    /// Stopped on the way out of a futex wait whose time was up.
    TimedOut,
    /// Asleep in the kernel, in the same instruction for a while.
    Blocked,
    /// Ended, with what its body returned.
    Ended(Result<(), String>),
}

/// Stops the traced process that calls it; [`Traced::run_to_mark`] returns then.
#[inline(always)]
pub fn mark() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a breakpoint trap changes no register and no memory; the tracer,
    // which every caller has, takes the signal.
    unsafe {
        std::arch::asm!("int3");
    }
    // Elsewhere the way out of `raise` is stepped too.
    #[cfg(not(target_arch = "x86_64"))]
    raise(Signal::SIGTRAP).expect("raise");
}

impl Traced {
    /// Forks a child that is stopped before it runs `body`.
    pub fn start(body: impl FnOnce() -> Result<(), String>) -> Result<Self, String> {
        // Kept pending for `sigtimedwait`; children unblock it.
        let held = SigSet::from(Signal::SIGCHLD).thread_block();
        held.map_err(|e| format!("sigprocmask: {e}"))?;
        let child = fork(|| {
            ptrace::traceme().map_err(|e| format!("PTRACE_TRACEME: {e}"))?;
            raise(Signal::SIGSTOP).map_err(|e| format!("raise: {e}"))?;
            body()
        });
        let traced = Self { child, signal: Cell::new(None), waits: Cell::new(false) };
        match traced.wait(Instant::now() + START) {
            Some(Stop::Trap) => traced.signal.set(None),
            other => return Err(format!("a traced child did not stop: {other:?}")),
        }
        let options = Options::PTRACE_O_EXITKILL | Options::PTRACE_O_TRACESYSGOOD;
        ptrace::setoptions(traced.child.pid(), options).map_err(|e| format!("ptrace: {e}"))?;
        Ok(traced)
    }

    /// Stops a process that somebody else forked, wherever it is; a sleep in the kernel
    /// goes on with the next step.
    pub fn attach(pid: Pid) -> Result<Self, String> {
        let held = SigSet::from(Signal::SIGCHLD).thread_block();
        held.map_err(|e| format!("sigprocmask: {e}"))?;
        let options = Options::PTRACE_O_EXITKILL | Options::PTRACE_O_TRACESYSGOOD;
        ptrace::seize(pid, options).map_err(|e| format!("PTRACE_SEIZE: {e}"))?;
        ptrace::interrupt(pid).map_err(|e| format!("PTRACE_INTERRUPT: {e}"))?;
        let traced = Self { child: other(pid), signal: Cell::new(None), waits: Cell::new(false) };
        match traced.wait(Instant::now() + START) {
            Some(Stop::Trap) => Ok(traced),
            other => Err(format!("process {pid} did not stop: {other:?}")),
        }
    }

    pub fn child(&self) -> &Child {
        &self.child
    }

    /// Lets it run to its [`mark`].
    pub fn run_to_mark(&self) -> Result<(), String> {
        loop {
            ptrace::cont(self.child.pid(), self.signal.take()).map_err(|e| format!("cont: {e}"))?;
            match self.wait(Instant::now() + START) {
                Some(Stop::Trap) if self.signal.get().is_none() => return Ok(()),
                Some(Stop::Trap) => {}
                other => return Err(format!("the victim did not reach its begin: {other:?}")),
            }
        }
    }

    /// Runs one instruction. One that sleeps in the kernel for `blocked` or up
    /// to twice that counts as blocked.
    pub fn step(&self, blocked: Duration) -> Result<Stop, String> {
        ptrace::step(self.child.pid(), self.signal.take()).map_err(|e| format!("step: {e}"))?;
        Ok(self.stop_or_sleep(blocked))
    }

    /// Lets it run until it is about to execute the instruction at `address`; it must not
    /// be there already. It may end, block or come to a mark before. `None` where it has not
    /// run, since there are no breakpoints.
    pub fn run_to(&self, address: u64, blocked: Duration) -> Result<Option<Stop>, String> {
        if breakpoint::set(self.child.pid(), address).is_err() {
            return Ok(None);
        }
        let stop = loop {
            ptrace::cont(self.child.pid(), self.signal.take()).map_err(|e| format!("cont: {e}"))?;
            let stop = self.stop_or_sleep(blocked);
            if stop != Stop::Trap || self.signal.get().is_none() {
                break stop;
            }
        };
        if stop == Stop::Trap {
            breakpoint::clear(self.child.pid()).map_err(|e| format!("breakpoint: {e}"))?;
        }
        Ok(Some(stop))
    }

    fn stop_or_sleep(&self, blocked: Duration) -> Stop {
        let mut asleep = false;
        loop {
            if let Some(stop) = self.wait(Instant::now() + blocked) {
                return stop;
            }
            // Only seen asleep at both ends of the interval is it blocked: a
            // machine that is merely busy must not end a sweep.
            match (self.child.is_asleep(), asleep) {
                (true, true) => return Stop::Blocked,
                (now, _) => asleep = now,
            }
        }
    }

    /// Lets it run to the next entry or exit of a system call; [`Traced::poll`]
    /// and [`Traced::wait`] tell when it is there.
    pub fn resume(&self) -> Result<(), String> {
        ptrace::syscall(self.child.pid(), self.signal.take()).map_err(|e| format!("resume: {e}"))
    }

    /// The address it has stopped at.
    pub fn address(&self) -> u64 {
        self.info()[1]
    }

    /// Waits for a stop until `deadline`.
    pub fn wait(&self, deadline: Instant) -> Option<Stop> {
        loop {
            if let Some(stop) = self.poll() {
                return Some(stop);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            child_signal(left);
        }
    }

    /// The stop it is in, each one once, or `None` while it runs or sleeps.
    pub fn poll(&self) -> Option<Stop> {
        match waitpid(self.child.pid(), Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => None,
            Ok(WaitStatus::Stopped(_, signal)) => {
                self.signal.set((signal != Signal::SIGTRAP).then_some(signal));
                Some(Stop::Trap)
            }
            // It was interrupted.
            Ok(WaitStatus::PtraceEvent(..)) => Some(Stop::Trap),
            Ok(WaitStatus::PtraceSyscall(_)) => Some(self.at_syscall()),
            Ok(end) => Some(Stop::Ended(self.child.result(end))),
            Err(error) => Some(Stop::Ended(Err(format!("waitpid: {error}")))),
        }
    }

    fn at_syscall(&self) -> Stop {
        let info = self.info();
        match info[0].to_ne_bytes()[0] {
            AT_ENTRY => {
                let [number, _, operation] = [info[3], info[4], info[5]];
                let waits = WAITS.contains(&(operation & FUTEX_COMMAND));
                self.waits.set(number == FUTEX && waits);
                Stop::Syscall
            }
            AT_EXIT if self.waits.get() && info[3] == 0 => Stop::Woken,
            AT_EXIT if self.waits.get() && info[3] == TIMED_OUT => Stop::TimedOut,
            _ => Stop::Syscall,
        }
    }

    /// The words of `struct ptrace_syscall_info`: kind, instruction, stack, and
    /// then what the kind says: number and arguments, or result.
    fn info(&self) -> [u64; 12] {
        let mut words = [0_u64; 12];
        let pid = self.child.pid().as_raw();
        // SAFETY: the kernel writes at most as many bytes as it is told, which
        // are those of `words`; for a process that is not stopped it writes none.
        unsafe {
            libc::ptrace(GET_SYSCALL_INFO as _, pid, size_of_val(&words), words.as_mut_ptr());
        }
        words
    }
}

/// A breakpoint in a debug register. Nothing is written into the program, and neither its
/// children nor its other threads have it.
mod breakpoint {
    #[cfg(target_arch = "x86_64")]
    use std::{mem::offset_of, ptr};

    use nix::{Result, unistd::Pid};
    #[cfg(target_arch = "x86_64")]
    use nix::{libc::user, sys::ptrace::write_user};

    #[cfg(target_arch = "x86_64")]
    fn write(pid: Pid, register: usize, value: u64) -> Result<()> {
        let offset = offset_of!(user, u_debugreg) + register * size_of::<u64>();
        write_user(pid, ptr::without_provenance_mut(offset), value.cast_signed())
    }

    /// In register 0; of 7, the lowest bit enables it, and the others, all zero, have it
    /// stop where an instruction is executed.
    #[cfg(target_arch = "x86_64")]
    pub fn set(pid: Pid, address: u64) -> Result<()> {
        write(pid, 0, address)?;
        write(pid, 7, 1)
    }

    #[cfg(target_arch = "x86_64")]
    pub fn clear(pid: Pid) -> Result<()> {
        write(pid, 7, 0)
    }

    #[cfg(not(target_arch = "x86_64"))]
    pub fn set(_: Pid, _: u64) -> Result<()> {
        Err(nix::errno::Errno::ENOSYS)
    }

    #[cfg(not(target_arch = "x86_64"))]
    pub fn clear(_: Pid) -> Result<()> {
        Err(nix::errno::Errno::ENOSYS)
    }
}

/// Sleeps until a child changes its state, or for `limit`.
pub fn child_signal(limit: Duration) {
    let limit = libc::timespec {
        tv_sec: limit.as_secs() as libc::time_t,
        tv_nsec: limit.subsec_nanos().into(),
    };
    let set = SigSet::from(Signal::SIGCHLD);
    // SAFETY: both references outlive the call, and a null pointer says that the
    // details are not wanted. `Traced::start` has blocked the signal.
    unsafe { libc::sigtimedwait(set.as_ref(), ptr::null_mut(), &raw const limit) };
}

/// Whether this machine lets us trace our own children.
pub fn is_permitted() -> bool {
    let traced = Traced::start(|| Ok(()));
    traced.is_ok_and(|t| t.step(START) == Ok(Stop::Trap))
}

/// Ends the test program where tracing is not allowed: in CI that is a failure,
/// or the proof would be missing without anybody noticing.
pub fn require(what: &str) {
    if !is_permitted() {
        println!("{what}: SKIPPED, ptrace is not permitted here");
        std::process::exit(i32::from(std::env::var_os("CI").is_some()));
    }
}
