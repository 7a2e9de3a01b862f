//! Arbitrary bytes as the file that has a name, and headers of which some bytes changed.
//!
//! ```text
//! cargo +nightly fuzz run named
//! ```
//!
//! Whatever is there, opening it is an error or gives something that works: no read
//! outside the mapping, no endless loop, no panic.
#![no_main]

use std::fs;
use std::os::unix::fs::FileExt;

use libfuzzer_sys::fuzz_target;
use opened::{KINDS, spoiled};

mod opened;

/// The bytes of a header; what is behind them is another target's.
const HEADER: usize = 256;

fuzz_target!(|data: &[u8]| {
    let Some((how, bytes)) = data.split_first() else { return };
    // In place of the file, at its start, or at some bytes of its header.
    spoiled(how / 3 % KINDS, |path, file| match how % 3 {
        0 => fs::write(path, bytes).unwrap(),
        1 => file.write_all_at(&bytes[..bytes.len().min(HEADER)], 0).unwrap(),
        _ => {
            for stroke in bytes.chunks_exact(9) {
                let at = usize::from(stroke[0]) % (HEADER - 8);
                file.write_all_at(&stroke[1..], at as u64).unwrap();
            }
        }
    });
});
