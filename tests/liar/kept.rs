//! Scripts that the fuzz target `scribble` has kept: each does something that no other
//! of them does.

use std::fs;
use std::path::Path;

use crate::play::{Company, play};
use crate::watchdog::within_a_minute;

#[test]
fn what_fuzzing_has_kept() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/scribble");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut played = 0;
    for path in files {
        let bytes = fs::read(path).unwrap();
        let Some((subject, script)) = bytes.split_first() else { continue };
        within_a_minute(|| play((*subject).into(), script, Company::None));
        played += 1;
    }
    assert!(played > 0);
}
