//! Imports go down, the outside is named on the lowest floor only, and a title
//! page holds no logic.

use std::collections::HashMap;

use crate::source::{Source, tree};
use crate::{breaches, keep};

/// Every floor, lowest first, and what it may import. Its title page says the
/// same: the test below compares.
const FLOORS: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("sys", &["error"]),
    ("primitive", &["sys", "error"]),
    ("deadline", &["primitive"]),
    ("raw", &["primitive", "deadline", "error"]),
    ("ready", &["primitive", "sys", "deadline", "error"]),
    ("shared", &["primitive", "sys", "error"]),
    ("sync", &["raw", "ready", "shared", "primitive", "deadline", "error", "sys"]),
    ("channel", &["raw", "ready", "shared", "primitive", "deadline", "error"]),
    ("named", &["channel", "shared", "primitive", "deadline", "error", "sys"]),
    ("process", &["ready", "shared", "primitive", "sys", "deadline", "error"]),
    (
        "pool",
        &[
            "channel",
            "process",
            "sync",
            "raw",
            "ready",
            "shared",
            "primitive",
            "deadline",
            "error",
            "sys",
        ],
    ),
];

/// What stands for the outside world; `sys` alone may name it.
const OUTSIDE: [&str; 4] = ["libc", "nix", "rustix", "memmap2"];

fn may_import(floor: &str) -> Option<&'static [&'static str]> {
    FLOORS.iter().find(|(name, _)| *name == floor).map(|(_, lower)| *lower)
}

/// To which floor a name at the crate's root leads: modules, what `lib.rs`
/// re-exports, and exported macros.
type Roots = HashMap<String, String>;

fn roots(sources: &[Source]) -> Roots {
    let mut roots: Roots =
        FLOORS.iter().map(|(floor, _)| (floor.to_string(), floor.to_string())).collect();
    for source in sources {
        let words: Vec<&str> = source.words().map(|(_, word)| word).collect();
        for pair in words.windows(2).filter(|pair| pair[0] == "macro_rules") {
            if let Some(floor) = source.floor() {
                roots.insert(pair[1].into(), floor.into());
            }
        }
        if source.path == "src/lib.rs" {
            for path in source.reexports() {
                let Some((floor, names)) = path.split_first() else { continue };
                roots.extend(names.iter().map(|name| (name.clone(), floor.clone())));
            }
        }
    }
    roots
}

/// The names that follow `crate::` in the code, grouped ones too.
fn imported(source: &Source) -> Vec<(usize, String)> {
    let first_word = |path: &str| -> String {
        path.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let mut names = Vec::new();
    for offset in source.offsets_of("crate") {
        let Some(path) = source.code[offset..].strip_prefix("crate::") else { continue };
        let Some(group) = path.strip_prefix('{') else {
            names.push((offset, first_word(path)));
            continue;
        };
        let mut depth = 0;
        let ends = |c: char| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth < 0
        };
        let group = &group[..group.find(ends).unwrap_or(group.len())];
        let mut depth = 0;
        let separates = |c: char| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth == 0 && c == ','
        };
        names.extend(group.split(separates).map(|path| (offset, first_word(path))));
    }
    names.retain(|(_, name)| !name.is_empty());
    names
}

fn imports(source: &Source, roots: &Roots) -> Vec<String> {
    let Some(floor) = source.floor().filter(|floor| *floor != "lib") else { return Vec::new() };
    let Some(lower) = may_import(floor) else {
        return vec![source.breach(0, &format!("`{floor}` is no floor of tests/house/floors.rs"))];
    };
    let mut found = Vec::new();
    for (offset, name) in imported(source) {
        match roots.get(&name).map(String::as_str) {
            Some(target) if target == floor || lower.contains(&target) => {}
            Some(target) => {
                found.push(source.breach(offset, &format!("`{floor}` imports `{target}`")));
            }
            None => found.push(source.breach(offset, &format!("`crate::{name}` is unknown"))),
        }
    }
    // Above its own folder a path starts at `crate`, where the rule sees it.
    for offset in source.offsets_of("super") {
        let path = &source.code[offset..];
        if path.starts_with("super::super") || is_title_page(source) && path.starts_with("super::")
        {
            found.push(source.breach(offset, "leaves its folder by `super`: write `crate::`"));
        }
    }
    found
}

fn outside(source: &Source) -> Vec<String> {
    if !source.path.starts_with("src/") || source.path.starts_with("src/sys/") {
        return Vec::new();
    }
    let names = source.words().filter(|(_, word)| OUTSIDE.contains(word));
    names.map(|(offset, word)| source.breach(offset, &format!("names {word}"))).collect()
}

/// The `mod.rs` of a floor, or the front page.
fn is_title_page(source: &Source) -> bool {
    let floor = source.floor().unwrap_or_default();
    source.path == "src/lib.rs" || source.path == format!("src/{floor}/mod.rs")
}

/// Documentation, `mod`, `use`, and the small types that a whole floor shares:
/// data without behaviour.
fn title_page(source: &Source) -> Vec<String> {
    if !is_title_page(source) {
        return Vec::new();
    }
    let logic = ["fn", "impl", "trait", "static", "macro_rules", "let"];
    let words = source.words().filter(|(_, word)| logic.contains(word));
    words.map(|(offset, word)| source.breach(offset, &format!("`{word}` in a mod.rs"))).collect()
}

/// What a title page says under "May import:".
fn promised(page: &Source) -> Vec<&str> {
    let Some((_, promise)) = page.comments.split_once("May import:") else { return Vec::new() };
    let promise = promise.split_once("Never").map_or(promise, |(promise, _)| promise);
    promise.split('`').skip(1).step_by(2).collect()
}

#[test]
fn nothing_imports_upward() {
    let roots = roots(&tree());
    keep(|source| imports(source, &roots));
}

#[test]
fn only_sys_names_the_outside() {
    keep(outside);
}

#[test]
fn title_pages_hold_no_logic() {
    keep(title_page);
}

#[test]
fn title_pages_promise_what_the_table_says() {
    for (floor, lower) in FLOORS {
        let path = format!("src/{floor}/mod.rs");
        let sources = tree();
        let Some(page) = sources.iter().find(|source| source.path == path) else { continue };
        let (mut promised, mut lower) = (promised(page), lower.to_vec());
        promised.sort_unstable();
        lower.sort_unstable();
        assert_eq!(promised, lower, "{path}: \"May import: ...\" differs from tests/house");
    }
}

#[test]
fn an_upward_import_is_seen() {
    let lib = Source::new("src/lib.rs", "pub use shared::handle::{Shared, Other as Name};");
    let plain = Source::new("src/shared/plain.rs", "macro_rules! plain { () => {} }");
    let roots = roots(&[lib, plain]);
    let found = |path, text| breaches(|source| imports(source, &roots), path, text);
    assert_eq!(found("src/raw/x.rs", "use crate::primitive::Stamp; // crate::sync"), 0);
    assert_eq!(found("src/raw/x.rs", "mod tests { use crate::sync::Mutex; }"), 1);
    assert_eq!(found("src/raw/x.rs", "use crate::{error::{Error, Kind}, sys, shared::x};"), 2);
    assert_eq!(found("src/raw/x.rs", "fn f(shared: crate::Shared<u8>) {}"), 1);
    assert_eq!(found("src/raw/x.rs", "crate::plain! {}"), 1);
    assert_eq!(found("src/raw/x.rs", "use crate::nowhere;"), 1);
    assert_eq!(found("src/raw/x.rs", "use super::super::sys;"), 1);
    assert_eq!(found("src/raw/mod.rs", "use super::sys;"), 1);
    assert_eq!(found("src/channel/x.rs", "use crate::process::spawn;"), 1);
    assert_eq!(found("src/attic/x.rs", ""), 1);
}

#[test]
fn the_outside_is_seen() {
    assert_eq!(breaches(outside, "src/raw/x.rs", "use libc::c_int; rustix::io::read()"), 2);
    assert_eq!(breaches(outside, "src/raw/x.rs", "// libc says so\nlet unix = \"nix\";"), 0);
    assert_eq!(breaches(outside, "src/sys/x.rs", "use libc::c_int;"), 0);
}

#[test]
fn logic_on_a_title_page_is_seen() {
    let page = "//! fn.\nmod a;\npub use a::A;\nenum Refused { TimedOut }\nconst LIMIT: u8 = 1;";
    assert_eq!(breaches(title_page, "src/raw/mod.rs", page), 0);
    assert_eq!(breaches(title_page, "src/raw/mod.rs", "fn f() {}"), 1);
    assert_eq!(breaches(title_page, "src/lib.rs", "impl A {}"), 1);
    assert_eq!(breaches(title_page, "src/raw/mutex.rs", "fn f() {}"), 0);
    assert_eq!(breaches(title_page, "src/raw/queue/mod.rs", "fn f() {}"), 0);
}
