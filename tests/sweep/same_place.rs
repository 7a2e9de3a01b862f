//! That a victim which runs along a [`Way`] comes to where one comes that is stepped.

#![allow(unsafe_code)]

use std::arch::asm;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::ptrace::getregs;
use nix::unistd::getppid;

use crate::common::case::Case;
use crate::common::mapped::Mapped;
use crate::common::pin;
use crate::common::trace::{Stop, Traced, mark};
use crate::way::Way;

/// The bit of the flags that has a processor stop after each instruction.
const TRAP_FLAG: u64 = 1 << 8;

/// Above everything; nothing here sleeps.
const LIMIT: Duration = Duration::from_secs(600);

pub fn cases() -> Vec<Case> {
    vec![Case::new("way: a victim that runs comes to the same place", LIMIT, same_place)]
}

/// Of two victims, one stepped there and one that ran, all registers are the same.
fn same_place() -> Result<String, String> {
    let mut way = Way::default();
    let (all, _) = registers_after(usize::MAX, &mut way)?;
    let mut places = 0;
    for k in (0..all).step_by(7) {
        let (_, wanted) = registers_after(k, &mut Way::default())?;
        let (_, found) = registers_after(k, &mut way)?;
        places += 1;
        if found != wanted {
            return Err(format!("at {k} of {all}: {found:x?}, and stepped there {wanted:x?}"));
        }
    }
    Ok(format!("sweep way: {places} of {all} places are the same by steps and by breakpoints"))
}

/// What a victim has in its registers after `k` steps, or at its end, and after how many
/// that is.
fn registers_after(k: usize, way: &mut Way) -> Result<(usize, Vec<u64>), String> {
    let through = Mapped::new(AtomicBool::new(false));
    let victim = Traced::start(|| {
        mark();
        roundabout();
        through.store(true, Ordering::Release);
        mark();
        Ok(())
    })?;
    victim.run_to_mark()?;
    let _together = pin::beside(victim.child().pid());
    let mut steps = way.known(k);
    let came = way.follow(&victim, steps, LIMIT)?;
    if came != steps {
        return Err(format!("strays from its way after {came} steps"));
    }
    while steps < k && !through.load(Ordering::Acquire) {
        way.note(steps, &victim);
        match victim.step(LIMIT)? {
            Stop::Trap => steps += 1,
            other => return Err(format!("at step {steps}: {other:?}")),
        }
    }
    let r = getregs(victim.child().pid()).map_err(|e| format!("registers: {e}"))?;
    let pointers = [r.rip, r.rsp, r.rbp, r.rsi, r.rdi];
    // A system call leaves the flags in r11, among them that it was stepped.
    let others = [r.rax, r.rbx, r.rcx, r.rdx, r.r8, r.r9, r.r10, r.r11 & !TRAP_FLAG];
    let last = [r.r12, r.r13, r.r14, r.r15];
    let words = [&pointers[..], &others, &last].concat().into_iter();
    // Its number, left behind by the way to its begin, is another for each.
    let own = u64::from(victim.child().pid().as_raw().cast_unsigned());
    Ok((steps, words.map(|word| if word == own { 0 } else { word }).collect()))
}

/// Loops in loops, a short one, an instruction that repeats itself, and system calls.
fn roundabout() {
    let mut sum = 0_u64;
    for outer in 0..5_u64 {
        for inner in 0..4 {
            sum = black_box(sum + outer * inner);
        }
        let mut bytes = [0_u8; 24];
        // SAFETY: it writes the bytes of the array, which is as long as it is told.
        unsafe {
            asm!("rep stosb", inout("rcx") bytes.len() => _, inout("rdi") bytes.as_mut_ptr() => _,
                in("al") outer as u8, options(nostack));
        }
        sum += u64::from(black_box(bytes)[7]);
        black_box(getppid());
    }
    black_box(sum);
}
