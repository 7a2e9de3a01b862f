//! What no file contains, how long one may be, and which configurations exist.

use std::fs;
use std::path::Path;

use crate::source::Source;
use crate::{breaches, keep};

const LONGEST: usize = 400;

/// Who builds a configuration.
enum Built {
    /// A line of `.ci/run` that contains this.
    By(&'static str),
    /// Nobody builds the other branch, for this reason.
    OneWay(&'static str),
}

/// Every name that may stand in a `cfg`.
const CONFIGURATIONS: &[(&str, Built)] = &[
    ("test", Built::By("cargo test --release")),
    ("loom", Built::By("--cfg loom")),
    ("killproof_mutant", Built::By("--cfg killproof_mutant")),
    ("feature", Built::By("--all-features")),
    ("target_os", Built::OneWay("elsewhere is a compile_error")),
    ("doctest", Built::By("cargo test")),
    ("debug_assertions", Built::OneWay("a number in an expression, compiled either way")),
    ("target_arch", Built::OneWay("how a test marks its start, elsewhere by a signal; and a copy")),
    ("target_env", Built::OneWay("elsewhere than in glibc streams are written out unasked")),
    ("target_pointer_width", Built::OneWay("of x86-64 the usual half, for the same copy")),
    ("miri", Built::OneWay("a copy in assembly, which is short of what is copied by words")),
    ("target_endian", Built::OneWay("a number in an expression, compiled either way")),
];

fn configurations(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for (offset, word) in source.words().filter(|(_, word)| ["cfg", "cfg_attr"].contains(word)) {
        let rest = source.code[offset + word.len()..].trim_start_matches('!');
        let Some(rest) = rest.strip_prefix('(') else { continue };
        let mut depth = 1;
        let ends = |c: char| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            // What a cfg_attr switches on is no name of a configuration.
            depth == 0 || depth == 1 && c == ',' && word == "cfg_attr"
        };
        let predicate = &rest[..rest.find(ends).unwrap_or(rest.len())];
        let names = Source::new("", predicate);
        for (_, name) in names.words().filter(|(_, name)| !["all", "any", "not"].contains(name)) {
            if !CONFIGURATIONS.iter().any(|(known, _)| *known == name) {
                found.push(source.breach(offset, &format!("nobody builds cfg({name})")));
            }
        }
    }
    found
}

/// Places left open, and tests that do not run.
fn leftovers(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for (offset, word) in source.words() {
        let next = source.code[offset + word.len()..].trim_start();
        let is_macro = ["todo", "unimplemented", "dbg"].contains(&word) && next.starts_with('!');
        let is_ignored = word == "ignore" && source.code[..offset].trim_end().ends_with("#[");
        if is_macro || is_ignored {
            found.push(source.breach(offset, word));
        }
    }
    let notes = source.comments.match_indices("FIXME");
    found.extend(notes.map(|(offset, note)| source.breach(offset, note)));
    found
}

fn length(source: &Source) -> Vec<String> {
    let lines = source.code.lines().count();
    if lines <= LONGEST {
        return Vec::new();
    }
    vec![source.breach(0, &format!("{lines} lines, more than {LONGEST}"))]
}

#[test]
fn every_configuration_is_known() {
    keep(configurations);
}

#[test]
fn every_configuration_is_built() {
    // A published package has no .ci.
    let run = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/run");
    let Ok(run) = fs::read_to_string(run) else { return };
    for (name, built) in CONFIGURATIONS {
        match built {
            Built::By(command) => assert!(run.contains(command), "{name}: no `{command}`"),
            Built::OneWay(reason) => assert!(!reason.is_empty(), "{name}"),
        }
    }
}

#[test]
fn nothing_is_left_open() {
    keep(leftovers);
}

#[test]
fn files_are_short() {
    keep(length);
}

#[test]
fn an_unknown_configuration_is_seen() {
    let found = |text| breaches(configurations, "src/x.rs", text);
    assert_eq!(found("#[cfg(all(test, not(loom)))]\nmod tests { cfg!(target_os = \"linux\") }"), 0);
    assert_eq!(found("#[cfg(any(loom, kani))]"), 1);
    assert_eq!(found("#[cfg_attr(shuttle, derive(Debug))]"), 1);
    assert_eq!(found("if cfg!(serde) {}"), 1);
    // The compiler knows the features that there are.
    assert_eq!(found("if cfg!(feature = \"tokio\") {}"), 0);
}

#[test]
fn leftovers_are_seen() {
    let found = |text| breaches(leftovers, "src/x.rs", text);
    assert_eq!(found("todo!(); unimplemented!(); dbg!(a);"), 3);
    assert_eq!(found("// FIXME: later"), 1);
    assert_eq!(found("#[test]\n#[ignore = \"slow\"]\nfn f() {}"), 1);
    assert_eq!(found("// to do!\nlet ignore = todo; f(\"dbg!\");"), 0);
}

#[test]
fn a_long_file_is_seen() {
    assert_eq!(breaches(length, "src/x.rs", &"\n".repeat(LONGEST)), 0);
    assert_eq!(breaches(length, "src/x.rs", &"\n".repeat(LONGEST + 1)), 1);
}
