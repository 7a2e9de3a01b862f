//! Every public item is shown by an example.
//!
//! What can be called is called in one that runs: a block in a doc comment or in a
//! document that is tested with them, or a program under `examples`. The example
//! stands in the item's own file or names its type; where it does neither, the
//! item says where it is: "See [`..`](..)." A type says so too, or has code.
//!
//! Exempt are what no `pub use` of a title page gives out, such as the traits that
//! seal others, and what is `doc(hidden)`. What a macro names is not seen.

use std::collections::HashSet;
use std::fs;

use crate::documents::{documents, root};
use crate::source::{Source, tree, words};
use crate::{breaches, keep};

/// What no example calls that runs, and why.
const UNCALLED: &[(&str, &str)] =
    &[("Named::prune", "takes away what all programs of this user have left, not only a test's")];

/// The tags of a block that is compiled and run.
const RUN: &[&str] = &["", "rust", "should_panic"];
/// The tags of one that is at least compiled.
const COMPILED: &[&str] = &["", "rust", "should_panic", "no_run"];

/// A block or a program: the words in it, and those that it calls or hands on.
struct Example {
    path: String,
    words: HashSet<String>,
    called: HashSet<String>,
}

impl Example {
    fn new(path: &str, text: &str) -> Example {
        Example::of(path, &Source::new("", text))
    }

    fn of(path: &str, code: &Source) -> Example {
        let is_called = |&(offset, word): &(usize, &str)| {
            let (before, behind) = (&code.code[..offset], &code.code[offset + word.len()..]);
            let is_function = behind.starts_with('(') || behind.starts_with("::<");
            let is_definition = before.trim_end().ends_with("fn");
            let is_constant = before.trim_end().ends_with("const");
            is_function && !is_definition || is_constant || before.ends_with("::")
        };
        let set = |words: Vec<(usize, &str)>| words.into_iter().map(|it| it.1.to_owned()).collect();
        Example {
            path: path.into(),
            words: set(code.words().collect()),
            called: set(code.words().filter(is_called).collect()),
        }
    }
}

/// The blocks of code in a text of Markdown with none but these tags.
fn blocks<'a>(text: &'a str, tags: &[&str]) -> impl Iterator<Item = &'a str> {
    let blocks = text.split("```").skip(1).step_by(2).filter_map(|it| it.split_once('\n'));
    let are_known = |said: &str| said.split(',').all(|tag| tags.contains(&tag.trim()));
    blocks.filter(move |(said, _)| are_known(said)).map(|(_, code)| code)
}

/// The documentation in some lines of comments.
fn documentation<'a>(comments: impl Iterator<Item = &'a str>) -> String {
    let text = |line: &'a str| {
        let line = line.trim();
        let text = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"))?;
        Some(text.strip_prefix(' ').unwrap_or(text))
    };
    comments.filter_map(text).flat_map(|line| [line, "\n"]).collect()
}

/// Every example that runs.
fn shown(sources: &[Source]) -> Vec<Example> {
    let mut shown = Vec::new();
    for source in sources {
        if source.path.starts_with("examples/") {
            shown.push(Example::of(&source.path, source));
        } else if source.path.starts_with("src/") {
            let text = documentation(source.comments.lines());
            shown.extend(blocks(&text, RUN).map(|code| Example::new(&source.path, code)));
        }
    }
    let front_page = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    for document in documents() {
        let path = document.path.to_str().unwrap();
        if front_page.contains(&format!("include_str!(\"../{path}\")")) {
            shown.extend(blocks(&document.text, RUN).map(|code| Example::new(path, code)));
        }
    }
    shown
}

/// What can be named outside of the crate: the floor, and the name.
type Exports = HashSet<(String, String)>;

fn exports(sources: &[Source]) -> Exports {
    let mut exports = Exports::new();
    let front_page = sources.iter().find(|source| source.path == "src/lib.rs").unwrap();
    for path in front_page.reexports() {
        let names = path.iter().skip(1).cloned();
        exports.extend(names.map(|name| (path[0].clone(), name)));
    }
    for source in sources {
        let Some(floor) = source.floor() else { continue };
        let is_public = front_page.code.contains(&format!("pub mod {floor};"));
        if is_public && source.path == format!("src/{floor}/mod.rs") {
            let names = source.reexports().into_iter().flat_map(|path| path.into_iter().skip(1));
            exports.extend(names.map(|name| (floor.to_owned(), name)));
        }
    }
    exports
}

enum Kind {
    Callable,
    Type,
}

/// The public item that a line begins; in a trait everything is public.
fn item(line: &str, is_in_trait: bool) -> Option<(Kind, &str)> {
    let line = line.trim_start();
    let line = line.strip_prefix("pub ").or(is_in_trait.then_some(line))?;
    let mut words = words(line).skip_while(|word| ["unsafe", "async"].contains(word));
    match words.next()? {
        "fn" => Some((Kind::Callable, words.next()?)),
        "const" => {
            let name = words.find(|word| !["unsafe", "async", "fn"].contains(word))?;
            Some((Kind::Callable, name))
        }
        "struct" | "enum" | "union" | "trait" => Some((Kind::Type, words.next()?)),
        "type" if !is_in_trait => Some((Kind::Type, words.next()?)),
        _ => None,
    }
}

/// The type whose `impl`, or the trait whose definition, begins some code.
fn owner(code: &str) -> Option<&str> {
    if let Some(generic) = code.strip_prefix("impl") {
        let mut depth = 0;
        let is_over = |c: char| {
            depth += i32::from(c == '<') - i32::from(c == '>');
            depth == 0
        };
        return words(&generic[generic.find(is_over)?..]).next();
    }
    let mut words = words(code).skip_while(|word| ["pub", "unsafe"].contains(word));
    (words.next() == Some("trait")).then(|| words.next()).flatten()
}

/// The documentation of what begins in a line, and whether it is hidden.
fn above(code: &[&str], comments: &[&str], line: usize) -> (String, bool) {
    let (mut first, mut depth, mut is_hidden) = (line, 0, false);
    while first > 0 {
        let code = code[first - 1].trim();
        depth += code.matches(']').count() as isize - code.matches('[').count() as isize;
        let is_comment = code.is_empty() && !comments[first - 1].trim().is_empty();
        // Within an attribute of several lines, those that are all quoted are blank.
        if depth == 0 && !is_comment && !code.starts_with("#[") {
            break;
        }
        is_hidden |= code == "#[doc(hidden)]";
        first -= 1;
    }
    (documentation(comments[first..line].iter().copied()), is_hidden)
}

/// What stands under `# Examples`.
fn section(documentation: &str) -> &str {
    let section = documentation.split("\n# ").find_map(|it| it.strip_prefix("Examples\n"));
    section.unwrap_or_default()
}

fn examples(source: &Source, exports: &Exports, shown: &[Example]) -> Vec<String> {
    let Some(floor) = source.floor() else { return Vec::new() };
    let code: Vec<&str> = source.code.lines().collect();
    let comments: Vec<&str> = source.comments.lines().collect();
    let (mut found, mut header, mut next) = (Vec::new(), "", 0);
    for (number, line) in code.iter().enumerate() {
        let offset = next;
        next += line.len() + 1;
        if line.starts_with(char::is_alphabetic) && *line != "where" {
            header = &source.code[offset..];
        }
        let owner = if line.starts_with("    ") { owner(header) } else { None };
        let is_in_trait = owner.is_some() && !header.starts_with("impl");
        let Some((kind, name)) = item(line, is_in_trait) else { continue };
        let home = owner.unwrap_or(name);
        let is_exported = exports.contains(&(floor.to_owned(), home.to_owned()));
        let (documentation, is_hidden) = above(&code, &comments, number);
        if !is_exported || is_hidden || header.starts_with("mod tests") {
            continue;
        }
        let is_here = |it: &&Example| it.path == source.path || it.words.contains(home);
        let mut callers = shown.iter().filter(|it| it.called.contains(name));
        let section = section(&documentation);
        let says_where = section.contains("See [`");
        let breach = match kind {
            Kind::Callable if callers.clone().next().is_none() => {
                "is called in no example that runs"
            }
            Kind::Callable if says_where || callers.any(|it| is_here(&it)) => continue,
            Kind::Callable => "may be another's in each example, and does not say \"See [`..`]\"",
            Kind::Type if says_where || blocks(section, COMPILED).next().is_some() => continue,
            Kind::Type => "has no `# Examples`, with code or \"See [`..`]\"",
        };
        let name = owner.map_or(name.to_owned(), |owner| format!("{owner}::{name}"));
        found.push(source.breach(offset, &format!("`{name}` {breach}")));
    }
    found
}

fn is_exempt(breach: &str) -> bool {
    UNCALLED.iter().any(|(name, _)| breach.contains(&format!("`{name}`")))
}

#[test]
fn every_public_item_is_shown() {
    let sources = tree();
    let (exports, shown) = (exports(&sources), shown(&sources));
    keep(|source| {
        let mut found = examples(source, &exports, &shown);
        found.retain(|breach| !is_exempt(breach));
        found
    });
}

#[test]
fn exemptions_are_needed() {
    let sources = tree();
    let (exports, shown) = (exports(&sources), shown(&sources));
    let found = sources.iter().flat_map(|source| examples(source, &exports, &shown));
    assert_eq!(found.filter(|breach| is_exempt(breach)).count(), UNCALLED.len());
}

/// How many breaches a file of the floor `sync` has, of which `A`, `f` and `B` are
/// given out, beside an example elsewhere.
#[cfg(test)]
fn found(text: &str, elsewhere: &str) -> usize {
    let title = Source::new("src/sync/mod.rs", "pub use a::{A, f};\npub(crate) use a::C;");
    let front = Source::new("src/lib.rs", "pub mod sync;\npub use sync::b::B;");
    let source = Source::new("src/sync/a.rs", text);
    let exports = exports(&[title, front, source]);
    let mut shown = shown(&[Source::new("src/sync/a.rs", text)]);
    shown.retain(|it| it.path == "src/sync/a.rs");
    shown.push(Example::new("README.md", elsewhere));
    breaches(|source| examples(source, &exports, &shown), "src/sync/a.rs", text)
}

#[test]
fn a_call_that_is_missing_is_seen() {
    let method = "impl<T: Into<u8>> A<T>\n{\n    pub const unsafe fn m() {}\n}";
    assert_eq!(found(method, "a.n(); // a.m()"), 1);
    assert_eq!(found(method, "let m = \"m()\"; fn m() {}"), 1);
    assert_eq!(found(method, "b.m()"), 1, "perhaps another's");
    assert_eq!(found(method, "A::new().m()"), 0);
    assert_eq!(found(method, "[a].map(A::m)"), 0);
    assert_eq!(found("pub async fn f() {}", "f::<u8>()"), 0);
    assert_eq!(found("pub async fn f() {}", ""), 1);
    assert_eq!(found("impl A {\n    pub const M: u8 = 1;\n}", "A::M"), 0);
    assert_eq!(found("impl A {\n    pub const M: u8 = 1;\n}", "A; M"), 1);
    let said = "impl A {\n    /// M.\n    ///\n    /// # Examples\n    ///\n    /// See [`B::m`].\n    \
                #[inline]\n    pub fn m() {}\n}";
    assert_eq!(found(said, "b.m()"), 0);
    assert_eq!(found(said, ""), 1);
    let own = "impl A {\n    /// ```TAG\n    /// a.m();\n    /// ```\n    pub fn m() {}\n}";
    assert_eq!(found(&own.replace("TAG", ""), ""), 0);
    assert_eq!(found(&own.replace("TAG", "rust,should_panic"), ""), 0);
    for tag in ["no_run", "ignore", "text", "compile_fail,E0277"] {
        assert_eq!(found(&own.replace("TAG", tag), ""), 1, "{tag}");
    }
}

#[test]
fn a_type_without_an_example_is_seen() {
    assert_eq!(found("/// # Errors\n///\n/// See [`f`].\npub struct A;", "A"), 1);
    assert_eq!(found("/// A.\n///\n/// # Examples\n///\n/// See [`f`].\npub enum A {}", ""), 0);
    let code = "/// A.\n///\n/// # Examples\n///\n/// ```TAG\n/// A\n/// ```\n#[diagnostic::on(\n    \
                note = \"of \\\n            two\"\n)]\npub unsafe trait B {\n    fn m();\n}";
    assert_eq!(found(&code.replace("TAG", "no_run"), "B::m()"), 0);
    assert_eq!(found(&code.replace("TAG", "compile_fail"), ""), 2, "and its method");
    assert_eq!(found("/// A.\n\npub type A = u8;", ""), 1);
}

#[test]
fn what_nobody_can_name_is_exempt() {
    assert_eq!(found("pub struct C;\nimpl C {\n    pub fn m() {}\n}", ""), 0);
    assert_eq!(found("mod sealed {\n    pub trait Sealed {}\n}", ""), 0);
    assert_eq!(found("impl A {\n    pub(super) fn m() {}\n    fn n() {}\n}", ""), 0);
    assert_eq!(found("#[doc(hidden)]\n#[derive(Debug)]\npub struct A;", ""), 0);
    assert_eq!(found("impl A {\n    #[doc(hidden)]\n    pub fn m() {}\n}", ""), 0);
    assert_eq!(found("mod tests {\n    pub fn f() {}\n}", ""), 0);
}
