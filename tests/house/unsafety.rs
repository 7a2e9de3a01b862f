//! `unsafe` stands in few files, each of which says so, and each site says why
//! it is sound.

use crate::source::Source;
use crate::{breaches, keep};

/// Where unsafe code may live, and why it must.
const ALLOWED: &[(&str, &str)] = &[
    ("src/sys/", "calls into the kernel and libc"),
    ("src/primitive/native/", "the stamp's page, which a fork wipes"),
    ("src/ready/tokio.rs", "tokio registers descriptors that stay open, and must be told so"),
    ("src/shared/", "bytes become values: mappings, layouts, the traits that allow it"),
    ("src/sync/", "guards give out the value that the word machine protects"),
    ("src/channel/mapped.rs", "where a queue's words and bytes lie in its mapping"),
    ("src/channel/slots.rs", "the bytes of a slot, owned by whoever's stamp it bears"),
    ("src/channel/transferred.rs", "descriptors become the ends of a queue"),
    ("src/channel/pipe/adopt.rs", "an end after a bare fork: the caller knows who uses it"),
    ("src/channel/pipe/handles.rs", "descriptors from a socket become handles"),
    ("src/channel/pipe/ring.rs", "where a pipe's words and bytes lie in its mapping"),
    ("src/channel/pipe/record.rs", "the bytes of a record, owned by whoever's side of the index"),
    ("src/pool/board.rs", "which of the words of a pool lie in shared memory"),
    ("src/pool/call.rs", "a function is called that came by its address"),
    ("src/pool/threads.rs", "a thread calls what its task brings, entered in this process"),
    ("src/pool/worker.rs", "a worker calls what its task brings, entered before its fork"),
    ("src/named/region.rs", "words that everybody may write to, in a mapping"),
    ("src/named/shared.rs", "a value in memory that everybody may write to"),
    ("src/process/command.rs", "what another program left open becomes a handle"),
    ("src/process/fork.rs", "fork itself"),
    ("src/process/nursery.rs", "a zygote forks, and calls what its owner names by address"),
    ("src/process/spawn.rs", "a fork, where it is safe"),
];

fn place(source: &Source) -> Vec<String> {
    if !source.path.starts_with("src/") {
        return Vec::new();
    }
    let allowed = ALLOWED.iter().any(|(place, _)| source.path.starts_with(place));
    let opens_with_allow = source.code.trim_start().starts_with("#![allow(unsafe_code)]");
    match source.offsets_of("unsafe").next() {
        Some(offset) if !allowed => vec![source.breach(offset, "unsafe code does not live here")],
        Some(offset) if !opens_with_allow => {
            vec![source.breach(offset, "the file does not open with `#![allow(unsafe_code)]`")]
        }
        None if source.code.contains("#![allow(unsafe_code)]") => {
            vec![source.breach(0, "allows unsafe code and has none")]
        }
        _ => Vec::new(),
    }
}

/// Every `unsafe {` and `unsafe impl` follows a SAFETY comment, with nothing but
/// the rest of its own statement between them.
fn reason(source: &Source) -> Vec<String> {
    let code: Vec<&str> = source.code.lines().collect();
    let comments: Vec<&str> = source.comments.lines().collect();
    let has_reason = |line: usize| {
        for above in (0..line).rev() {
            if comments[above].contains("SAFETY:") {
                return true;
            }
            let code = code[above].trim_end();
            let is_comment = code.is_empty() && !comments[above].trim().is_empty();
            let is_attribute = code.trim_start().starts_with("#[");
            let is_over = code.is_empty() || code.ends_with([';', '{', '}']);
            if is_over && !is_comment && !is_attribute {
                return false;
            }
        }
        false
    };
    let needs_reason = |offset: &usize| {
        let next = source.code[offset + "unsafe".len()..].trim_start();
        next.starts_with('{') || next.starts_with("impl")
    };
    let sites = source.offsets_of("unsafe").filter(needs_reason);
    let line_of = |offset: usize| source.code[..offset].matches('\n').count();
    sites
        .filter(|offset| !has_reason(line_of(*offset)))
        .map(|offset| source.breach(offset, "no SAFETY comment"))
        .collect()
}

#[test]
fn unsafe_code_lives_where_it_may() {
    keep(place);
}

#[test]
fn every_unsafe_block_has_its_reason() {
    keep(reason);
}

#[test]
fn misplaced_unsafe_code_is_seen() {
    assert_eq!(breaches(place, "src/raw/x.rs", "unsafe { f() }"), 1);
    assert_eq!(breaches(place, "src/sys/x.rs", "unsafe { f() }"), 1, "without the attribute");
    let announced = "//! Calls.\n#![allow(unsafe_code)]\nunsafe { f() }";
    assert_eq!(breaches(place, "src/sys/x.rs", announced), 0);
    assert_eq!(breaches(place, "src/raw/x.rs", announced), 1);
    assert_eq!(breaches(place, "src/sys/x.rs", "#![allow(unsafe_code)]\nfn f() {}"), 1);
    assert_eq!(breaches(place, "src/raw/x.rs", "// unsafe\n#![deny(unsafe_code)]"), 0);
}

#[test]
fn a_missing_reason_is_seen() {
    let found = |text| breaches(reason, "src/sys/x.rs", text);
    assert_eq!(found("let a = 1;\nlet b = unsafe { f() };"), 1);
    assert_eq!(found("// SAFETY: checked.\nlet a = 1;\nunsafe { f() };"), 1, "another's");
    assert_eq!(found("// Fast.\nunsafe impl Send for A {}"), 1);
    assert_eq!(found("// SAFETY: checked,\n// twice.\n#[inline]\nlet a =\n    unsafe { f() };"), 0);
    assert_eq!(found("unsafe fn f() {}\nunsafe extern \"C\" {}"), 0);
}
