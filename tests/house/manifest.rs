//! Four dependencies, one role each, and what only a feature brings in; and what a package
//! leaves out.

use std::fs;
use std::path::Path;

const DEPENDENCIES: [&str; 4] = ["libc", "memmap2", "nix", "rustix"];

/// Off by default.
const OPTIONAL: [&str; 4] = ["log", "postcard", "serde", "tokio"];

/// The names in every section that a user's build would follow, sorted, but for
/// those that are optional and known to be.
///
/// Not the development ones, nor those of the model checker: `cfg(loom)` is no
/// user's build. Nor what is optional: nothing is there that was not asked for.
fn dependencies(manifest: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut follows = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            let is_ours = section.contains("dependencies") && !section.contains("dev-");
            follows = is_ours && section != "target.'cfg(loom)'.dependencies";
            // `[dependencies.name]`
            if let Some((_, name)) = section.split_once("dependencies.").filter(|_| follows) {
                found.push(name);
                follows = false;
            }
        } else if let Some((name, _)) = line.split_once(['=', '.']).filter(|_| follows)
            && !line.starts_with('#')
            && !(OPTIONAL.contains(&name.trim()) && line.contains("optional = true"))
        {
            found.push(name.trim());
        }
    }
    found.sort_unstable();
    found
}

/// What a published package leaves out, below the root.
pub fn excluded(manifest: &str) -> Vec<&str> {
    let list = manifest.split("\nexclude = [").nth(1).and_then(|rest| rest.split(']').next());
    let paths = list.unwrap_or_default().split('"').skip(1).step_by(2);
    paths.map(|path| path.trim_start_matches('/')).collect()
}

/// As it was written: a published package has it beside one that cargo wrote.
pub fn manifest() -> String {
    let read = |name| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name));
    read("Cargo.toml.orig").or_else(|_| read("Cargo.toml")).unwrap()
}

#[test]
fn the_dependencies_are_these_four() {
    assert_eq!(dependencies(&manifest()), DEPENDENCIES);
}

#[test]
fn what_is_left_out_is_read() {
    let in_lines = "a = [\"b\"]\nexclude = [\n    \"/c/d\",\n    \"e\",\n]\nf = [\"g\"]\n";
    assert_eq!(excluded(in_lines), ["c/d", "e"]);
    assert!(excluded(&manifest()).contains(&"benches/compare"));
}

#[test]
fn a_fifth_is_seen() {
    let manifest = "[dependencies]\n# b = 1\na = \"1.0\"\nc.workspace = true\n[dev-dependencies]\n\
                    d = \"1\"\n[target.'cfg(loom)'.dependencies]\nloom = \"0.7\"\n\
                    [dependencies.e]\nversion = \"1\"\n[build-dependencies]\nf = \"1\"\n\
                    [target.'cfg(unix)'.dependencies]\ng = \"1\"\n[features]\nh = []\n\
                    [dependencies]\nlog = { version = \"1\", optional = true }\n";
    assert_eq!(dependencies(manifest), ["a", "c", "e", "f", "g"]);
}
