//! Many bytes at once, to and from where others may write meanwhile.
//!
//! `memcpy` is not for that: to the language it is a non-atomic access, and another one at
//! the same time a data race, which is undefined. What is wanted is a copy that is atomic
//! in each byte, in no order (C++'s proposal P1478 and Rust's RFC 3301 would have one), and
//! a loop of relaxed atomic accesses is just that. But no compiler makes a loop of atomics
//! wider than one of them is.
//!
//! So the loop stands here in assembly. What an `asm!` block does to memory, the compiler
//! may not look at, tear, repeat or leave out, and takes for something that could have been
//! written in Rust with the same pointers: here that is the loop over each word, with a
//! relaxed load on the side that others may write to, or a relaxed store. Among those who
//! keep to the protocol nobody else is there, for a word beside the bytes says whose they
//! are; a liar is another process, whose stores are none of this program's. What such a one
//! writes meanwhile makes a mixture of bytes, and nothing undefined.
//!
//! Not `rep movsb`: some processors copy byte by byte with that, where one address is a
//! little past the other modulo the length of a page.
#![allow(unsafe_code)]

use core::mem::MaybeUninit;

use crate::primitive::AtomicU64;

/// For fewer bytes it is not worth a call; elsewhere everything is left to the words.
pub(super) const LEAST: usize =
    if cfg!(all(target_arch = "x86_64", target_pointer_width = "64", not(loom), not(miri))) {
        256
    } else {
        usize::MAX
    };

/// What is copied at once, in bytes.
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64", not(loom), not(miri)))]
const BLOCK: usize = 64;

/// Copies whole blocks of `words`, as far as they are copied here; returns how many bytes
/// that were. So many of `into` have a value then.
///
/// # Panics
///
/// Where the one is not as long as the other.
#[inline(always)]
pub(super) fn copy_out(words: &[AtomicU64], into: &mut [MaybeUninit<u8>]) -> usize {
    let len = size_of_val(words);
    assert_eq!(into.len(), len);
    // SAFETY: `len` bytes of atomics, and as many that nobody else refers to.
    unsafe { copy(words.as_ptr().cast(), into.as_mut_ptr().cast(), len) }
}

/// Copies whole blocks of `from`, as [`copy_out`] does.
///
/// # Panics
///
/// As [`copy_out`].
#[inline(always)]
pub(super) fn copy_in(from: &[u8], words: &[AtomicU64]) -> usize {
    let len = size_of_val(words);
    assert_eq!(from.len(), len);
    // SAFETY: `len` bytes that nobody writes to, and as many of atomics, which may be
    //    written to behind a `&`.
    unsafe { copy(from.as_ptr(), words.as_ptr().cast::<u8>().cast_mut(), len) }
}

/// Copies the whole blocks of `len` bytes if there are any and the processor can;
/// returns how many bytes that were.
///
/// # Safety
///
/// `from` may be read and `to` written for `len` bytes, each either by nobody else or as
/// what atomics are made of.
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64", not(loom), not(miri)))]
#[inline(always)]
unsafe fn copy(from: *const u8, to: *mut u8, len: usize) -> usize {
    let whole = len - len % BLOCK;
    if whole == 0 || !std::arch::is_x86_feature_detected!("avx") {
        return 0;
    }
    // SAFETY: 1. AVX is there, as just asked. 2. `whole` is no more than `len`, no less
    //    than a block, and whole blocks. 3. The rest says the caller.
    unsafe { copy_blocks(from, to, whole) };
    whole
}

/// # Safety
///
/// As [`copy`], for `len` bytes, which are whole blocks and at least one.
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64", not(loom), not(miri)))]
#[target_feature(enable = "avx")]
unsafe fn copy_blocks(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: 1. The offset in `rax` goes from 0 in steps of a block to `len`, where it
    //    stops, so it is these bytes of `from` that are read and of `to` that are written.
    //    2. They may be, says the caller; and where others write meanwhile, see the top.
    //    3. Of the registers, `rax` is an output, and the vectors (`vzeroupper` changes all)
    //    are among what the ABI lets a call change. The stack is not used.
    unsafe {
        core::arch::asm!(
            "2:",
            "vmovdqu ymm0, [{from} + rax]",
            "vmovdqu ymm1, [{from} + rax + 32]",
            "vmovdqu [{to} + rax], ymm0",
            "vmovdqu [{to} + rax + 32], ymm1",
            "add rax, {block}",
            "cmp rax, {len}",
            "jne 2b",
            "vzeroupper",
            from = in(reg) from,
            to = in(reg) to,
            len = in(reg) len,
            block = const BLOCK,
            inout("rax") 0_usize => _,
            clobber_abi("sysv64"),
            options(nostack),
        );
    }
}

/// Elsewhere everything is left to the words.
///
/// # Safety
///
/// None is needed.
#[cfg(not(all(target_arch = "x86_64", target_pointer_width = "64", not(loom), not(miri))))]
#[inline(always)]
unsafe fn copy(_: *const u8, _: *mut u8, _: usize) -> usize {
    0
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{MaybeUninit, copy_in, copy_out};
    use crate::primitive::AtomicU64;
    use crate::shared::words::Span;

    const WORD: usize = size_of::<u64>();
    const BLOCK: usize = 64;
    const LONGEST: usize = 5 * BLOCK + WORD;

    fn bytes(len: usize, seed: usize) -> Vec<u8> {
        (0..len).map(|at| (at * 7 + at / 251 + seed) as u8 | 1).collect()
    }

    /// Both ways, at each length and alignment of either side, and nothing beside it.
    #[test]
    fn it_copies_what_a_plain_copy_does() {
        let words: Vec<_> = (0..LONGEST / WORD + 2).map(|_| AtomicU64::new(0)).collect();
        let all = Span::new(&words, 0, words.len() * WORD);
        for len in 0..=LONGEST {
            for (shared, own) in (0..WORD).flat_map(|a| (0..WORD).map(move |b| (a, b))) {
                let message = bytes(own + len, shared);
                let span = Span::new(&words, shared, len);

                let mut wanted = vec![0; all.len()];
                wanted[shared..shared + len].copy_from_slice(&message[own..]);
                all.write(&vec![0; all.len()]);
                span.write(&message[own..]);
                assert_eq!(all.to_vec(), wanted, "in, {len} bytes, {own} to {shared}");

                let mut read = vec![0; own + len + WORD];
                span.read(&mut read[own..own + len]);
                wanted = vec![0; own + len + WORD];
                wanted[own..own + len].copy_from_slice(&message[own..]);
                assert_eq!(read, wanted, "out, {len} bytes, {shared} to {own}");
            }
        }
    }

    #[test]
    fn it_leaves_what_is_no_block() {
        let words: Vec<_> = (0..LONGEST / WORD).map(|_| AtomicU64::new(0)).collect();
        let done = copy_in(&bytes(LONGEST, 0), &words);
        #[cfg(all(target_arch = "x86_64", target_pointer_width = "64", not(miri)))]
        if std::arch::is_x86_feature_detected!("avx") {
            assert_eq!(done, super::BLOCK * 5);
        }
        assert!(done % BLOCK == 0 && done <= LONGEST);
        let one = copy_out(&words[..BLOCK / WORD], &mut [MaybeUninit::uninit(); BLOCK]);
        assert_eq!(one, done / 5);
    }

    #[test]
    #[should_panic]
    fn it_does_not_go_past_the_end() {
        copy_in(&bytes(LONGEST, 0), &[const { AtomicU64::new(0) }; 8]);
    }
}
