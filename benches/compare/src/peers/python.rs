//! Python's multiprocessing, by way of `multiprocessing.py`: a `Queue` and a `Lock`. The
//! script makes its own processes, measures and kills them.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::channel::Missing;

/// What the script says to these words, with the last line alone.
pub fn say(words: &[&str]) -> Result<String, Missing> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/peers/multiprocessing.py");
    let output = Command::new("python3")
        .arg("-I")
        .arg(script)
        .args(words)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| Missing(format!("python3: {error}")))?;
    if !output.status.success() {
        return Err(Missing(format!("python3: {}", output.status)));
    }
    let said = String::from_utf8_lossy(&output.stdout);
    said.lines().last().map(str::to_owned).ok_or_else(|| Missing("python3 says nothing".into()))
}

/// The figure that the script finds.
pub fn figure(words: &[&str]) -> Result<f64, Missing> {
    let said = say(words)?;
    said.parse().map_err(|_| Missing(format!("python3 says {said:?}")))
}
