//! The commands in the documents name test programs that are there, and cases of theirs.

use crate::documents::documents;
use crate::source::{Source, tree};

/// What stands between backticks or in a line of a block, each a command or not.
fn commands(text: &str) -> Vec<String> {
    let text = text.replace("\\\n", " ");
    let commands = |(index, part): (usize, &str)| -> Vec<String> {
        match index % 2 {
            0 => part.split('`').skip(1).step_by(2).map(str::to_owned).collect(),
            _ => part.lines().map(str::to_owned).collect(),
        }
    };
    text.split("```").enumerate().flat_map(commands).collect()
}

/// The words of a command, of which quotes make one.
fn words(command: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for (index, part) in command.split('\'').enumerate() {
        if index % 2 == 0 { words.extend(part.split_whitespace()) } else { words.push(part) }
    }
    words
}

/// Where the programs begin that a command runs, and the words that select their cases.
fn selection(command: &str) -> (Vec<String>, Vec<&str>) {
    let (mut programs, mut selects) = (Vec::new(), Vec::new());
    let words = words(command);
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        match word {
            "--test" => programs.extend(words.next().map(|name| format!("tests/{name}"))),
            "--lib" => programs.push("src".into()),
            "--features" => _ = words.next(),
            option if option.starts_with('-') => {}
            word if !programs.is_empty() => selects.push(word),
            _ => {}
        }
    }
    (programs, selects)
}

/// What may be in the name of a case: what is quoted, functions and modules.
fn names(source: &Source) -> String {
    let words: Vec<&str> = source.words().map(|(_, word)| word).collect();
    let named = words.windows(2).filter(|pair| ["fn", "mod"].contains(&pair[0]));
    let named: Vec<&str> = named.map(|pair| pair[1]).collect();
    format!("{}\n{}", source.quoted, named.join("\n"))
}

/// What a command runs that is not there.
fn missing(command: &str, sources: &[Source]) -> Vec<String> {
    let (programs, selects) = selection(command);
    let mut missing = Vec::new();
    for program in programs {
        let [folder, file] = ["/", ".rs"].map(|end| format!("{program}{end}"));
        let is_its = |source: &&Source| source.path.starts_with(&folder) || source.path == file;
        let mut names: Vec<String> = sources.iter().filter(is_its).map(names).collect();
        if names.is_empty() {
            missing.push(program);
            continue;
        }
        // Words of names that several programs make.
        let is_common = |source: &&Source| source.path.starts_with("tests/common/");
        names.extend(sources.iter().filter(is_common).map(|source| source.quoted.clone()));
        let is_named = |part: &str| names.iter().any(|names| names.contains(part));
        let selects_none = |word: &&&str| !word.split("::").all(is_named);
        missing
            .extend(selects.iter().filter(selects_none).map(|word| format!("{program}: {word}")));
    }
    missing
}

#[test]
fn what_a_command_selects_is_there() {
    let sources = tree();
    for document in documents() {
        for command in commands(&document.text) {
            let missing = missing(&command, &sources);
            assert!(missing.is_empty(), "{}: `{command}`: {missing:?}", document.path.display());
        }
    }
}

#[test]
fn what_is_not_there_is_seen() {
    let source = |path: &str, text: &str| Source::new(path, text);
    let sources = [
        source("tests/a.rs", "fn main() { case(\"Mutex lock, asleep\"); } // nowhere"),
        source("tests/b/main.rs", "mod queue;"),
        source("tests/b/queue.rs", "fn is_full() { elsewhere() }"),
        source("tests/common/c.rs", "fn elsewhere() -> &str { \"polling\" }"),
        source("src/raw/mod.rs", "mod tests { fn spins() {} }"),
    ];
    let text = "`cargo test --test a --test b`, `--test c`, `--test b elsewhere`\n\
        ```sh\nX=1 cargo test --features d --test \\\n  b queue::is_full\n\
        --test a -- --exact 'Mutex lock'\n--test a polling\n--test a 'lock Mutex' nowhere\n```\n\
        `--lib tests::`, `--lib test::spin falls`\n--test d";
    let found: Vec<_> = commands(text).iter().flat_map(|it| missing(it, &sources)).collect();
    let wanted =
        ["tests/c", "tests/b: elsewhere", "tests/a: lock Mutex", "tests/a: nowhere", "src: falls"];
    assert_eq!(found, wanted);
}
