//! Operations on a small queue, against a model of it.
//!
//! ```text
//! cargo +nightly fuzz run queue_ops
//! ```
#![no_main]

#[path = "../../tests/model/queue_model.rs"]
mod queue_model;

use libfuzzer_sys::fuzz_target;
use queue_model::{Operation, run};

fuzz_target!(|data: &[u8]| {
    let Some((sizes, codes)) = data.split_first() else { return };
    let operations = codes.chunks_exact(2).map(|code| Operation::of(code[0], code[1]));
    run(1 + usize::from(sizes % 5), 1 + u32::from(sizes / 5 % 5), operations);
});
