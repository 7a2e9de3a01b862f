//! Files of a wrong length, and headers that allege wrong sizes.
//!
//! ```text
//! cargo +nightly fuzz run sizes
//! ```
//!
//! A size that does not fit the file is an error, and with one that does everything lies
//! inside: no read outside the mapping, no endless loop, no panic.
#![no_main]

use std::os::unix::fs::FileExt;

use libfuzzer_sys::fuzz_target;
use opened::{KINDS, spoiled};

mod opened;

/// Where the header says how long the file is, and where its settings begin: see
/// `shared::region`.
const SIZE: u64 = 16;
const SETTINGS: u64 = 48;
/// As a file may be made: more than any of these is.
const LONGEST: u64 = 1 << 20;

fuzz_target!(|data: &[u8]| {
    let Some((how, bytes)) = data.split_first() else { return };
    spoiled(how % KINDS, |_, file| {
        let mut len = file.metadata().unwrap().len();
        for change in bytes.chunks_exact(4) {
            let [what, low, high, shift] = *<&[u8; 4]>::try_from(change).unwrap();
            // Small numbers, large ones, and those around the powers of two.
            let number = u64::from(u16::from_le_bytes([low, high])).rotate_left(shift.into());
            match what % 10 {
                setting @ 0..8 => {
                    let at = SETTINGS + 8 * u64::from(setting);
                    file.write_all_at(&number.to_ne_bytes(), at).unwrap();
                }
                // The length that the header goes on to allege, or it has as well.
                8 => {
                    len = number % LONGEST;
                    file.set_len(len).unwrap();
                }
                _ => {
                    len = len.wrapping_add_signed(i64::from(low as i8)) % LONGEST;
                    file.set_len(len).unwrap();
                }
            }
            if what >= 128 && len >= SIZE + 8 {
                file.write_all_at(&len.to_ne_bytes(), SIZE).unwrap();
            }
        }
    });
});
