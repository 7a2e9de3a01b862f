//! Four dependencies, one role each, and what only a feature brings in.

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

#[test]
fn the_dependencies_are_these_four() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    assert_eq!(dependencies(&fs::read_to_string(path).unwrap()), DEPENDENCIES);
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
