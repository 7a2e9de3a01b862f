//! What the documents name is there: files, headings, tests.

use std::fs;
use std::path::{Path, PathBuf};

use crate::manifest::{excluded, manifest};

/// A file of the repository that people read.
pub struct Document {
    /// Below the root.
    pub path: PathBuf,
    pub text: String,
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Whether it is there, or in a folder that is not because the package leaves it out.
fn exists(path: &Path, excluded: &[&str]) -> bool {
    let is_left_out = |folder: &&str| path.starts_with(folder) && !root().join(folder).exists();
    root().join(path).exists() || excluded.iter().any(is_left_out)
}

pub fn documents() -> Vec<Document> {
    let folders = ["", "docs"].map(|folder| root().join(folder));
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let paths = entries.map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| Document {
        text: fs::read_to_string(&path).unwrap(),
        path: path.strip_prefix(root()).unwrap().into(),
    };
    paths.filter(|path| path.extension().is_some_and(|ending| ending == "md")).map(read).collect()
}

/// The text between blocks of code.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// Where the links lead that stay in the repository.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    targets.map(|(target, _)| target).filter(|target| !target.contains("://")).collect()
}

/// The headings, as a link names them.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let keep = |c: char| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c.to_ascii_lowercase()),
        _ => None,
    };
    headings
        .map(|line| line.trim_start_matches('#').trim().chars().filter_map(keep).collect())
        .collect()
}

/// Links that lead nowhere.
fn broken(document: &Document, exists: impl Fn(&Path) -> bool) -> Vec<String> {
    let folder = document.path.parent().unwrap();
    let text = prose(&document.text);
    let leads_nowhere = |link: &&str| {
        let (file, anchor) = link.split_once('#').unwrap_or((*link, ""));
        let path = if file.is_empty() { document.path.clone() } else { folder.join(file) };
        let has_anchor = || {
            let text = if file.is_empty() {
                Ok(text.clone())
            } else {
                fs::read_to_string(root().join(&path))
            };
            text.is_ok_and(|text| anchors(&prose(&text)).iter().any(|known| known == anchor))
        };
        !exists(&path) || !anchor.is_empty() && !has_anchor()
    };
    let broken = links(&text).into_iter().filter(leads_nowhere).map(|link| link.to_owned());
    broken.map(|link| format!("{}: {link}", document.path.display())).collect()
}

/// What stands between backticks and looks like a file of ours.
fn files(text: &str) -> Vec<&str> {
    let folders = ["src/", "tests/", "docs/", "examples/", "benches/"];
    let quoted = text.split('`').skip(1).step_by(2);
    let is_file = |name: &&str| {
        folders.iter().any(|folder| name.starts_with(folder)) && !name.contains(['*', ' '])
    };
    quoted.filter(is_file).collect()
}

/// The tests that are named after what somebody complained of.
fn complaints(text: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(move |c| !is_word(c));
    words.filter(|word| word.starts_with("complaint_")).collect()
}

#[test]
fn links_lead_somewhere() {
    let manifest = manifest();
    let excluded = excluded(&manifest);
    let exists = |path: &Path| exists(path, &excluded);
    let broken: Vec<_> = documents().iter().flat_map(|it| broken(it, exists)).collect();
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn files_that_are_named_exist() {
    let manifest = manifest();
    let excluded = excluded(&manifest);
    for document in documents() {
        for file in files(&prose(&document.text)) {
            let exists = exists(Path::new(file), &excluded);
            assert!(exists, "{}: {file}", document.path.display());
        }
    }
}

#[test]
fn tests_that_are_named_exist() {
    let tests: String =
        ["pool/complaints.rs", "process/complaints.rs", "scenarios/daemons.rs", "log/main.rs"]
            .map(|file| fs::read_to_string(root().join("tests").join(file)).unwrap())
            .concat();
    for document in documents() {
        for test in complaints(&document.text) {
            assert!(tests.contains(&format!("\"{test}\"")), "{}: {test}", document.path.display());
        }
    }
}

#[test]
fn examples_are_listed() {
    let cookbook = fs::read_to_string(root().join("docs/cookbook.md")).unwrap();
    for entry in fs::read_dir(root().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(cookbook.contains(&format!("| `{name}` |")), "{name}: not in docs/cookbook.md");
    }
}

#[test]
fn the_readme_says_which_rust() {
    let read = |file| fs::read_to_string(root().join(file)).unwrap();
    let manifest = manifest();
    let version = manifest.split("\nrust-version = \"").nth(1).and_then(|it| it.split('"').next());
    let version = version.unwrap();
    for document in ["README.md", "CONTRIBUTING.md"] {
        assert!(read(document).contains(version), "{document}: not {version}");
    }
}

#[test]
fn what_is_not_there_is_seen() {
    let text =
        "# A `b`, c\n[x](#a-b-c) [y](#d) [z](no.md) [w](https://e.org/)\n```\n[v](f.md)\n```\n";
    let document = Document { path: "docs/x.md".into(), text: text.into() };
    let found = broken(&document, |path| path == Path::new("docs/x.md"));
    assert_eq!(found, ["docs/x.md: #d", "docs/x.md: no.md"]);
    assert_eq!(files("`src/x.rs` `tests/*` `f(src/y.rs)` src/z.rs"), ["src/x.rs"]);
    assert_eq!(complaints("`complaint_1_a`, complaint"), ["complaint_1_a"]);
    let is_there = |path| exists(Path::new(path), &["tests", "no/where"]);
    assert!(is_there("tests/house") && is_there("no/where/x.rs"));
    assert!(!is_there("tests/no.rs") && !is_there("no/x.rs"));
}
