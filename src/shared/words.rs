//! Bytes that everybody may write to at any time.
//!
//! Copied in and out word by word, each by one atomic operation, so a race makes a
//! mixture of words and nothing undefined. What may be done with them is decided by
//! whose they are:
//!
//! - [`read`] and [`write`] are for bytes that nobody owns. A word that is written in
//!   part is merged with what is there, so nobody's bytes beside it are lost. Words are
//!   written in order and with release, read in order and with acquire: who has read the
//!   last of what another has written before also reads the first of it.
//! - A [`Span`] is for bytes that one process at a time owns, by a word beside them, and
//!   that only a liar would write to meanwhile. That word orders what the honest do, so
//!   the copies are relaxed, merge with nobody, and many words are copied at once
//!   (`bulk.rs`).
#![allow(unsafe_code)]

use core::mem::MaybeUninit;

use super::bulk;
use crate::primitive::{AtomicU64, Ordering};

const WORD: usize = size_of::<u64>();

/// Copies the bytes from `offset` on.
///
/// # Panics
///
/// Where there are not so many.
pub(crate) fn read(words: &[AtomicU64], offset: usize, into: &mut [u8]) {
    copy_out(words, offset, uninit_mut(into), Ordering::Acquire);
}

/// Copies the bytes to `offset` and on.
///
/// # Panics
///
/// As [`read`].
pub(crate) fn write(words: &[AtomicU64], offset: usize, from: &[u8]) {
    copy_in(words, offset, from, Ordering::Release, |word, merge| {
        let mut seen = word.load(Ordering::Relaxed);
        while let Err(now) =
            word.compare_exchange_weak(seen, merge(seen), Ordering::Release, Ordering::Relaxed)
        {
            seen = now;
        }
    });
}

/// So many bytes, of which a protocol says that this process alone touches them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span<'a> {
    words: &'a [AtomicU64],
    start: usize,
    end: usize,
}

impl<'a> Span<'a> {
    /// The `len` bytes from `start` on.
    ///
    /// # Panics
    ///
    /// Where there are not so many.
    #[inline(always)]
    pub(crate) fn new(words: &'a [AtomicU64], start: usize, len: usize) -> Span<'a> {
        let end = start.checked_add(len).filter(|end| end.div_ceil(WORD) <= words.len());
        Span { words, start, end: end.expect("bytes that are there") }
    }

    #[inline(always)]
    pub(crate) fn len(self) -> usize {
        self.end - self.start
    }

    /// The first of them.
    #[inline(always)]
    pub(crate) fn as_mut_ptr(self) -> *mut u8 {
        self.words.as_ptr().cast::<u8>().cast_mut().wrapping_add(self.start)
    }

    /// The first `len` bytes, and what is behind them, if there are so many.
    #[inline(always)]
    pub(crate) fn split_at_checked(self, len: usize) -> Option<(Span<'a>, Span<'a>)> {
        let middle = self.start.checked_add(len).filter(|middle| *middle <= self.end)?;
        Some((Span { end: middle, ..self }, Span { start: middle, ..self }))
    }

    /// Copies all of them.
    ///
    /// # Panics
    ///
    /// Where `into` is not so long.
    #[inline(always)]
    pub(crate) fn read(self, into: &mut [u8]) {
        self.read_uninit(uninit_mut(into));
    }

    /// Copies all of them into what has no value before, and has afterwards.
    ///
    /// # Panics
    ///
    /// As [`read`](Span::read).
    #[inline(always)]
    pub(crate) fn read_uninit(self, into: &mut [MaybeUninit<u8>]) {
        assert_eq!(into.len(), self.len());
        copy_out(self.words, self.start, into, Ordering::Relaxed);
    }

    /// Copies all of `from` over them.
    ///
    /// # Panics
    ///
    /// Where `from` is not so long.
    #[inline(always)]
    pub(crate) fn write(self, from: &[u8]) {
        assert_eq!(from.len(), self.len());
        copy_in(self.words, self.start, from, Ordering::Relaxed, |word, merge| {
            word.store(merge(word.load(Ordering::Relaxed)), Ordering::Relaxed);
        });
    }

    /// Copies all of `from` over them, without memory of its own.
    ///
    /// # Panics
    ///
    /// Where `from` is not so long.
    pub(crate) fn copy_from(self, from: Span<'_>) {
        assert_eq!(from.len(), self.len());
        let mut chunk = [0; 8 * WORD];
        for start in (0..self.len()).step_by(chunk.len()) {
            let chunk = &mut chunk[..(self.len() - start).min(8 * WORD)];
            from.part(start, chunk.len()).read(chunk);
            self.part(start, chunk.len()).write(chunk);
        }
    }

    fn part(self, start: usize, len: usize) -> Span<'a> {
        Span::new(self.words, self.start + start, len)
    }

    /// Appends a copy of them.
    pub(crate) fn append_to(self, bytes: &mut Vec<u8>) {
        let filled = bytes.len();
        bytes.reserve(self.len());
        self.read_uninit(&mut bytes.spare_capacity_mut()[..self.len()]);
        // SAFETY: there is room for them, just reserved, and `read_uninit` has written
        // every one.
        unsafe { bytes.set_len(filled + self.len()) };
    }

    /// A copy of them.
    pub(crate) fn to_vec(self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.append_to(&mut bytes);
        bytes
    }
}

/// The same bytes, to be written only.
#[inline(always)]
fn uninit_mut(bytes: &mut [u8]) -> &mut [MaybeUninit<u8>] {
    // SAFETY: 1. A `MaybeUninit<u8>` is laid out as a `u8`. 2. It stays in this file, where
    //    nothing is stored through it but bytes with a value (`copy_out`).
    unsafe { &mut *(core::ptr::from_mut(bytes) as *mut [MaybeUninit<u8>]) }
}

/// Writes every byte of `into`.
#[inline(always)]
fn copy_out(words: &[AtomicU64], offset: usize, into: &mut [MaybeUninit<u8>], ordering: Ordering) {
    if ordering == Ordering::Relaxed && into.len() >= bulk::LEAST {
        copy_out_long(words, offset, into);
    } else {
        copy_out_short(words, offset, into, ordering);
    }
}

/// Not inlined: short copies are slower with all of this among them.
#[inline(never)]
fn copy_out_long(words: &[AtomicU64], offset: usize, into: &mut [MaybeUninit<u8>]) {
    let (first, whole, _) = parts(offset, into.len());
    let (start, rest) = into.split_at_mut(first);
    read_part(words, offset, start, Ordering::Relaxed);
    let from = &words[(offset + first) / WORD..][..whole];
    let done = bulk::copy_out(from, &mut rest[..whole * WORD]);
    copy_out_short(words, offset + first + done, &mut rest[done..], Ordering::Relaxed);
}

#[inline(always)]
fn copy_out_short(
    words: &[AtomicU64],
    offset: usize,
    into: &mut [MaybeUninit<u8>],
    ordering: Ordering,
) {
    let (first, whole, last) = parts(offset, into.len());
    let (start, rest) = into.split_at_mut(first);
    read_part(words, offset, start, ordering);
    let (middle, end) = rest.split_at_mut(whole * WORD);
    let from = (offset + first) / WORD;
    for (bytes, word) in middle.chunks_exact_mut(WORD).zip(&words[from..from + whole]) {
        bytes.copy_from_slice(&bytes_of(word.load(ordering)));
    }
    read_part(words, last, end, ordering);
}

/// Lets `change` change each word that is written in part only.
#[inline(always)]
fn copy_in(
    words: &[AtomicU64],
    offset: usize,
    from: &[u8],
    ordering: Ordering,
    change: impl Fn(&AtomicU64, &dyn Fn(u64) -> u64),
) {
    if ordering == Ordering::Relaxed && from.len() >= bulk::LEAST {
        copy_in_long(words, offset, from, change);
    } else {
        copy_in_short(words, offset, from, ordering, change);
    }
}

/// Not inlined, as [`copy_out_long`].
#[inline(never)]
fn copy_in_long(
    words: &[AtomicU64],
    offset: usize,
    from: &[u8],
    change: impl Fn(&AtomicU64, &dyn Fn(u64) -> u64),
) {
    let (first, whole, _) = parts(offset, from.len());
    let (start, rest) = from.split_at(first);
    write_part(words, offset, start, &change);
    let to = &words[(offset + first) / WORD..][..whole];
    let done = bulk::copy_in(&rest[..whole * WORD], to);
    copy_in_short(words, offset + first + done, &rest[done..], Ordering::Relaxed, change);
}

#[inline(always)]
fn copy_in_short(
    words: &[AtomicU64],
    offset: usize,
    from: &[u8],
    ordering: Ordering,
    change: impl Fn(&AtomicU64, &dyn Fn(u64) -> u64),
) {
    let (first, whole, last) = parts(offset, from.len());
    let (start, rest) = from.split_at(first);
    write_part(words, offset, start, &change);
    let (middle, end) = rest.split_at(whole * WORD);
    let to = (offset + first) / WORD;
    for (bytes, word) in middle.chunks_exact(WORD).zip(&words[to..to + whole]) {
        let mut whole = [0; WORD];
        whole.copy_from_slice(bytes);
        word.store(u64::from_ne_bytes(whole), ordering);
    }
    write_part(words, last, end, &change);
}

/// Writes bytes that lie in one word.
#[inline(always)]
fn write_part(
    words: &[AtomicU64],
    offset: usize,
    from: &[u8],
    change: &impl Fn(&AtomicU64, &dyn Fn(u64) -> u64),
) {
    if from.is_empty() {
        return;
    }
    change(&words[offset / WORD], &|seen| {
        let mut bytes = seen.to_ne_bytes();
        bytes[offset % WORD..][..from.len()].copy_from_slice(from);
        u64::from_ne_bytes(bytes)
    });
}

/// How many of the bytes come before the first whole word, how many whole words there
/// are, and at which offset they end.
#[inline(always)]
fn parts(offset: usize, len: usize) -> (usize, usize, usize) {
    let first = len.min(offset.next_multiple_of(WORD) - offset);
    let whole = (len - first) / WORD;
    (first, whole, offset + first + whole * WORD)
}

/// Reads bytes that lie in one word.
#[inline(always)]
fn read_part(words: &[AtomicU64], offset: usize, into: &mut [MaybeUninit<u8>], ordering: Ordering) {
    if !into.is_empty() {
        let bytes = bytes_of(words[offset / WORD].load(ordering));
        into.copy_from_slice(&bytes[offset % WORD..][..into.len()]);
    }
}

#[inline(always)]
fn bytes_of(word: u64) -> [MaybeUninit<u8>; WORD] {
    word.to_ne_bytes().map(MaybeUninit::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    const LEN: usize = 160;

    fn words() -> [AtomicU64; LEN / WORD] {
        [0; LEN / WORD].map(|_| AtomicU64::new(u64::MAX))
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_and_nothing_beside_it(
            offset in 0_usize..80,
            bytes in proptest::collection::vec(any::<u8>(), 0..80),
            is_owned in any::<bool>(),
        ) {
            let words = words();
            let mut wanted = [u8::MAX; LEN];
            wanted[offset..offset + bytes.len()].copy_from_slice(&bytes);
            let span = Span::new(&words, offset, bytes.len());
            if is_owned { span.write(&bytes) } else { write(&words, offset, &bytes) }
            let mut all = [0; LEN];
            read(&words, 0, &mut all);
            prop_assert_eq!(all, wanted);
            let mut again = vec![0; bytes.len()];
            read(&words, offset, &mut again);
            prop_assert_eq!(&again, &bytes);
            prop_assert_eq!(&span.to_vec(), &bytes);
            let others = self::words();
            let copy = Span::new(&others, LEN - offset - span.len(), span.len());
            copy.copy_from(span);
            prop_assert_eq!(copy.to_vec(), bytes);
        }

        #[test]
        fn a_span_is_its_parts(
            start in 0_usize..40,
            len in 0_usize..=40,
            middle in 0_usize..=50,
        ) {
            let words = words();
            let bytes: Vec<u8> = (0..LEN as u8).collect();
            write(&words, 0, &bytes);
            let span = Span::new(&words, start, len);
            let Some((first, second)) = span.split_at_checked(middle) else {
                prop_assert!(middle > len);
                return Ok(());
            };
            prop_assert_eq!((first.len(), second.len()), (middle, len - middle));
            let mut both = first.to_vec();
            second.append_to(&mut both);
            prop_assert_eq!(both, &bytes[start..start + len]);
        }
    }

    #[test]
    #[should_panic(expected = "bytes that are there")]
    fn a_span_ends_with_its_words() {
        Span::new(&words(), 1, LEN);
    }
}
