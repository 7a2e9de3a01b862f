//! Operations on everything that lies in shared memory, with lies told in between.
//!
//! ```text
//! cargo +nightly fuzz run scribble
//! ```
//!
//! The first byte says what is lied about; `tests/liar/play` tells the rest.
#![no_main]

#[allow(dead_code, unused_imports)]
#[path = "../../tests/liar/play/mod.rs"]
mod play;

use libfuzzer_sys::fuzz_target;
use play::{Company, play};

/// Bytes of a script: as much as some thirty steps take. What goes wrong after more of
/// them, a lie brings about at once; and many short plays see more than a few long ones.
const LONGEST: usize = 120;

fuzz_target!(|data: &[u8]| {
    if let Some((subject, script)) = data.split_first() {
        play((*subject).into(), &script[..script.len().min(LONGEST)], Company::None);
    }
});
