//! Bytes that everybody may write to at any time.
//!
//! Copied in and out word by word, each by one atomic operation, so a race makes a
//! mixture of words and nothing undefined. A word that is written in part is merged with
//! what is there, so nobody's bytes beside it are lost. Words are written in order and
//! with release, read in order and with acquire: who has read the last of what another
//! has written before also reads the first of it.

use crate::primitive::{AtomicU64, Ordering};

const WORD: usize = size_of::<u64>();

/// Copies the bytes from `offset` on.
///
/// # Panics
///
/// Where there are not so many.
pub(crate) fn read(words: &[AtomicU64], offset: usize, into: &mut [u8]) {
    let (first, whole, last) = parts(offset, into.len());
    let (start, rest) = into.split_at_mut(first);
    read_part(words, offset, start);
    let (middle, end) = rest.split_at_mut(whole * WORD);
    let from = (offset + first) / WORD;
    for (bytes, word) in middle.chunks_exact_mut(WORD).zip(&words[from..from + whole]) {
        bytes.copy_from_slice(&word.load(Ordering::Acquire).to_ne_bytes());
    }
    read_part(words, last, end);
}

/// Copies the bytes to `offset` and on.
///
/// # Panics
///
/// As [`read`].
pub(crate) fn write(words: &[AtomicU64], offset: usize, from: &[u8]) {
    let (first, whole, last) = parts(offset, from.len());
    let (start, rest) = from.split_at(first);
    write_part(words, offset, start);
    let (middle, end) = rest.split_at(whole * WORD);
    let to = (offset + first) / WORD;
    for (bytes, word) in middle.chunks_exact(WORD).zip(&words[to..to + whole]) {
        let mut whole = [0; WORD];
        whole.copy_from_slice(bytes);
        word.store(u64::from_ne_bytes(whole), Ordering::Release);
    }
    write_part(words, last, end);
}

/// How many of the bytes come before the first whole word, how many whole words there
/// are, and at which offset they end.
fn parts(offset: usize, len: usize) -> (usize, usize, usize) {
    let first = len.min(offset.next_multiple_of(WORD) - offset);
    let whole = (len - first) / WORD;
    (first, whole, offset + first + whole * WORD)
}

/// Reads bytes that lie in one word.
fn read_part(words: &[AtomicU64], offset: usize, into: &mut [u8]) {
    if !into.is_empty() {
        let bytes = words[offset / WORD].load(Ordering::Acquire).to_ne_bytes();
        into.copy_from_slice(&bytes[offset % WORD..][..into.len()]);
    }
}

/// Writes bytes that lie in one word.
fn write_part(words: &[AtomicU64], offset: usize, from: &[u8]) {
    if from.is_empty() {
        return;
    }
    let word = &words[offset / WORD];
    let merge = |seen: u64| {
        let mut bytes = seen.to_ne_bytes();
        bytes[offset % WORD..][..from.len()].copy_from_slice(from);
        u64::from_ne_bytes(bytes)
    };
    let mut seen = word.load(Ordering::Relaxed);
    while let Err(now) =
        word.compare_exchange_weak(seen, merge(seen), Ordering::Release, Ordering::Relaxed)
    {
        seen = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    proptest! {
        #[test]
        fn what_was_written_is_read_and_nothing_beside_it(
            offset in 0_usize..40,
            bytes in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            const LEN: usize = 80;
            let words = [0; LEN / WORD].map(|_| AtomicU64::new(u64::MAX));
            let mut wanted = [u8::MAX; LEN];
            wanted[offset..offset + bytes.len()].copy_from_slice(&bytes);
            write(&words, offset, &bytes);
            let mut all = [0; LEN];
            read(&words, 0, &mut all);
            prop_assert_eq!(all, wanted);
            let mut again = vec![0; bytes.len()];
            read(&words, offset, &mut again);
            prop_assert_eq!(again, bytes);
        }
    }
}
