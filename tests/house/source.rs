//! A source file, taken apart into what the compiler reads and what people do.

use std::fs;
use std::path::Path;

/// `code`, `comments` and what is `quoted`, quotes included, are as long as the file,
/// line for line and byte for byte; what belongs to the others is blank.
pub struct Source {
    pub path: String,
    pub code: String,
    pub comments: String,
    pub quoted: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Source {
        let kinds = kinds_of(text.as_bytes());
        let only = |wanted: Kind| -> String {
            let keep = |(byte, kind): (u8, &Kind)| {
                if byte == b'\n' || (*kind == wanted && byte.is_ascii()) { byte } else { b' ' }
            };
            text.bytes().zip(&kinds).map(|pair| char::from(keep(pair))).collect()
        };
        let [code, comments, quoted] = [Kind::Code, Kind::Comment, Kind::Quoted].map(only);
        Source { path: path.into(), code, comments, quoted }
    }

    /// The identifiers of the code, with the offset of each.
    pub fn words(&self) -> impl Iterator<Item = (usize, &str)> {
        words(&self.code).map(|word| (word.as_ptr().addr() - self.code.as_ptr().addr(), word))
    }

    /// Where a word stands in the code.
    pub fn offsets_of(&self, wanted: &str) -> impl Iterator<Item = usize> {
        self.words().filter(move |(_, word)| *word == wanted).map(|(offset, _)| offset)
    }

    /// The words of each `pub use`: the module, and the names that it gives out.
    pub fn reexports(&self) -> Vec<Vec<String>> {
        let paths = self.code.split(';').filter_map(|it| it.split_once("pub use "));
        paths.map(|(_, path)| words(path).map(str::to_owned).collect()).collect()
    }

    /// The first folder or file below `src`, without its ending.
    pub fn floor(&self) -> Option<&str> {
        let below = self.path.strip_prefix("src/")?;
        let first = below.split('/').next()?;
        Some(first.strip_suffix(".rs").unwrap_or(first))
    }

    pub fn breach(&self, offset: usize, what: &str) -> String {
        let line = 1 + self.code[..offset].matches('\n').count();
        format!("{}:{line}: {what}", self.path)
    }
}

/// The identifiers and the numbers in some code.
pub fn words(code: &str) -> impl Iterator<Item = &str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    code.split(move |c| !is_word(c)).filter(|word| !word.is_empty())
}

/// Every Rust file of the repository.
pub fn tree() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    for folder in ["src", "tests", "benches", "examples", "fuzz/fuzz_targets"] {
        collect(root, &root.join(folder), &mut sources);
    }
    sources
}

fn collect(root: &Path, folder: &Path, into: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // A workspace of its own in one of the folders may have been built.
            if !path.ends_with("target") {
                collect(root, &path, into);
            }
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            into.push(Source::new(name, &fs::read_to_string(&path).unwrap()));
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Quoted,
}

/// What each byte of a file is.
fn kinds_of(text: &[u8]) -> Vec<Kind> {
    let mut kinds = Vec::with_capacity(text.len());
    while kinds.len() < text.len() {
        let at = kinds.len();
        let after_word = at > 0 && is_word(text[at - 1]);
        let (kind, len) = match &text[at..] {
            [b'/', b'/', rest @ ..] => (Kind::Comment, 2 + until(rest, b"\n")),
            [b'/', b'*', ..] => (Kind::Comment, block_comment(&text[at..])),
            [b'r', b'"' | b'#', ..] if !after_word || is_raw_prefix(&text[..at]) => {
                raw_string(&text[at..])
            }
            [b'"', rest @ ..] => (Kind::Quoted, 1 + quoted(rest, b'"')),
            [b'\'', b'\\', ..] => (Kind::Quoted, 1 + quoted(&text[at + 1..], b'\'')),
            [b'\'', _, b'\'', ..] => (Kind::Quoted, 3),
            _ => (Kind::Code, 1),
        };
        kinds.resize((at + len).min(text.len()), kind);
    }
    kinds
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether what stands before an `r` is the `b` or `c` of a raw string.
fn is_raw_prefix(before: &[u8]) -> bool {
    matches!(before, [b'b' | b'c'])
        || matches!(before, [.., earlier, b'b' | b'c'] if !is_word(*earlier))
}

fn until(text: &[u8], end: &[u8]) -> usize {
    text.windows(end.len()).position(|window| window == end).unwrap_or(text.len())
}

fn block_comment(text: &[u8]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        match &text[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length of a string's rest, its closing quote included.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 0;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// A raw string, or one byte of code where `r#` starts a raw identifier.
fn raw_string(text: &[u8]) -> (Kind, usize) {
    let hashes = text[1..].iter().take_while(|byte| **byte == b'#').count();
    if text.get(1 + hashes) != Some(&b'"') {
        return (Kind::Code, 1);
    }
    let end: Vec<u8> = [b'"'].into_iter().chain(std::iter::repeat_n(b'#', hashes)).collect();
    let inside = &text[2 + hashes..];
    (Kind::Quoted, 2 + hashes + until(inside, &end) + end.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_comments_and_quotes_are_told_apart() {
        let text = "let a = \"x // y\"; // it's z\nlet b: &'a u8 = b'\\''; /* c /* d */ e */ f\n";
        let source = Source::new("src/x.rs", text);
        let words: Vec<&str> = source.words().map(|(_, word)| word).collect();
        assert_eq!(words, ["let", "a", "let", "b", "a", "u8", "b", "f"]);
        assert_eq!(source.comments.split_whitespace().count(), 3 + 7);
        assert_eq!(source.code.len(), text.len());
        let quoted: Vec<&str> = source.quoted.split_whitespace().collect();
        assert_eq!(quoted, ["\"x", "//", "y\"", "'\\''"]);
    }

    #[test]
    fn raw_strings_end_at_their_own_hashes() {
        let text = "f(r#\"unsafe \" x\"#, br\"libc\", r#type, '\"', '\u{e9}', g)";
        let words = Source::new("src/x.rs", text);
        let words: Vec<&str> = words.words().map(|(_, word)| word).collect();
        assert_eq!(words, ["f", "b", "r", "type", "g"]);
    }
}
