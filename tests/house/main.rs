//! The rules of the house, kept by reading the sources.
//!
//! ```text
//! cargo test --test house
//! ```
//!
//! Each rule is one function from a file to its breaches, and has a test that
//! it can fail.

mod commands;
mod documents;
mod examples;
mod floors;
mod manifest;
mod source;
mod style;
mod unsafety;

use source::{Source, tree};

/// Applies a rule to every file.
fn keep(rule: impl Fn(&Source) -> Vec<String>) {
    let breaches: Vec<String> = tree().iter().flat_map(rule).collect();
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

/// Applies a rule to one made-up file; how many breaches it found.
#[cfg(test)]
fn breaches(rule: impl Fn(&Source) -> Vec<String>, path: &str, text: &str) -> usize {
    rule(&Source::new(path, text)).len()
}

#[test]
fn the_sources_are_found() {
    for path in ["src/lib.rs", "src/raw/mutex.rs", "tests/house/main.rs"] {
        assert!(tree().iter().any(|source| source.path == path), "{path}");
    }
}
