//! Messages of so many words, all of which say which message it is.
#![allow(unsafe_code)]

/// A message of `8 * WORDS` bytes.
pub type Message<const WORDS: usize> = [u64; WORDS];

/// The number of the message that ends a stream.
pub const END: u64 = u64::MAX;

#[inline]
pub fn message<const WORDS: usize>(number: u64) -> Message<WORDS> {
    [number; WORDS]
}

/// Which message this is.
///
/// # Panics
///
/// When it is two halves of two.
#[inline]
pub fn number_of<const WORDS: usize>(message: &Message<WORDS>) -> u64 {
    // Without an early end, so that it is done by several words at a time.
    let differences = message.iter().fold(0, |found, word| found | (word ^ message[0]));
    assert_eq!(differences, 0, "a torn message");
    message[0]
}

#[inline]
pub fn bytes_of<const WORDS: usize>(message: &Message<WORDS>) -> &[u8] {
    // SAFETY: words have no padding, and the slice lives as long as they do.
    unsafe { std::slice::from_raw_parts(message.as_ptr().cast(), size_of_val(message)) }
}

#[inline]
pub fn bytes_of_mut<const WORDS: usize>(message: &mut Message<WORDS>) -> &mut [u8] {
    // SAFETY: any bytes are words; the slice borrows them alone.
    unsafe { std::slice::from_raw_parts_mut(message.as_mut_ptr().cast(), size_of_val(message)) }
}
