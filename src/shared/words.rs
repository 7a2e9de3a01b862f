//! Bytes that everybody may write to at any time.
//!
//! Copied in and out word by word, each by one atomic operation, so a race makes a
//! mixture of words and nothing undefined. A word that is written in part is merged with
//! what is there, so nobody's bytes beside it are lost. Words are written in order and
//! with release, read in order and with acquire: who has read the last of what another
//! has written before also reads the first of it.

use core::ops::Range;

use crate::primitive::{AtomicU64, Ordering};

const WORD: usize = size_of::<u64>();

/// Copies the bytes from `offset` on.
///
/// # Panics
///
/// Where there are not so many.
pub(crate) fn read(words: &[AtomicU64], offset: usize, into: &mut [u8]) {
    for (index, inside, part) in pieces(offset, into.len()) {
        let bytes = words[index].load(Ordering::Acquire).to_ne_bytes();
        into[part].copy_from_slice(&bytes[inside]);
    }
}

/// Copies the bytes to `offset` and on.
///
/// # Panics
///
/// As [`read`].
pub(crate) fn write(words: &[AtomicU64], offset: usize, from: &[u8]) {
    for (index, inside, part) in pieces(offset, from.len()) {
        let word = &words[index];
        let merge = |seen: u64| {
            let mut bytes = seen.to_ne_bytes();
            bytes[inside.clone()].copy_from_slice(&from[part.clone()]);
            u64::from_ne_bytes(bytes)
        };
        if inside.len() == WORD {
            word.store(merge(0), Ordering::Release);
            continue;
        }
        let mut seen = word.load(Ordering::Relaxed);
        while let Err(now) =
            word.compare_exchange_weak(seen, merge(seen), Ordering::Release, Ordering::Relaxed)
        {
            seen = now;
        }
    }
}

/// For each word that some of the bytes lie in: which one, which of its bytes, and which
/// of the copy's they are.
fn pieces(offset: usize, len: usize) -> impl Iterator<Item = (usize, Range<usize>, Range<usize>)> {
    let mut done = 0;
    core::iter::from_fn(move || {
        let left = len - done;
        let at = offset + done;
        let (index, first) = (at / WORD, at % WORD);
        let count = left.min(WORD - first);
        let part = done..done + count;
        done += count;
        (count > 0).then_some((index, first..first + count, part))
    })
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
