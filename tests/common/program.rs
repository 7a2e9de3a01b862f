//! The examples, as programs to be run.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Once;

/// The example of this name, up to date: unlike `cargo test`, `cargo test --test
/// NAME` does not build it.
pub fn program(name: &str) -> PathBuf {
    static BUILD: Once = Once::new();
    BUILD.call_once(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--examples"]);
        cargo.args((!cfg!(debug_assertions)).then_some("--release"));
        cargo.args(cfg!(feature = "tokio").then_some("--all-features"));
        assert!(cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap().success());
    });
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().with_file_name("examples").join(name)
}
