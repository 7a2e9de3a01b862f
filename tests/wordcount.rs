//! The word count, run as its users run it: `cargo test --test wordcount`.

#[path = "common/program.rs"]
mod program;

use std::collections::HashMap;
use std::fs;
use std::io::{PipeReader, Read, Write};
use std::ops::Deref;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use program::program;

fn wordcount(arguments: &[&str], path: &Path) -> Output {
    Command::new(program("wordcount")).args(arguments).arg(path).output().unwrap()
}

/// A file or a folder in a new folder, which goes with it.
struct Temporary {
    path: PathBuf,
    folder: PathBuf,
}

impl Deref for Temporary {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A new file for the test of this name.
fn file(name: &str, bytes: &[u8]) -> Temporary {
    let mut file = folder(name);
    file.path.push("text");
    fs::write(&*file, bytes).unwrap();
    file
}

/// A new folder for the test of this name, and of no other run of it.
fn folder(name: &str) -> Temporary {
    let name = format!("wordcount-{}-{name}", std::process::id());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    Temporary { path: folder.clone(), folder }
}

/// Numbers that look random, the same in each run.
fn numbers() -> impl FnMut(usize) -> usize {
    let mut state = 1_u64;
    move |below| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    }
}

/// Text of about `len` bytes, of a few hundred words that are not all UTF-8.
fn text(len: usize) -> Vec<u8> {
    let mut number = numbers();
    let letters = *b"abcdefghijklm\xc3\xff\x0b";
    let mut word = || -> Vec<u8> { (0..1 + number(9)).map(|_| letters[number(16)]).collect() };
    let words: Vec<Vec<u8>> = (0..700).map(|_| word()).collect();
    let mut text = Vec::new();
    while text.len() < len {
        let rank = number(words.len());
        text.extend_from_slice(&words[number(rank + 1)]);
        text.extend_from_slice([&b" "[..], b"\n", b"\t\r\n", b"\x0c "][number(4)]);
    }
    text
}

fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

/// What was printed, line by line.
fn lines(output: &Output) -> Vec<String> {
    String::from_utf8(output.stdout.clone()).unwrap().lines().map(str::to_owned).collect()
}

#[track_caller]
fn assert_total(output: &Output, total: usize, files: usize) {
    let lines = lines(output);
    assert_eq!(
        lines.last().unwrap(),
        &format!("total {total} words in {files} files"),
        "{output:?}"
    );
}

#[track_caller]
fn assert_fine(output: &Output, total: usize, files: usize) {
    assert_total(output, total, files);
    assert!(output.status.success(), "{output:?}");
    assert!(lines(output).contains(&"check: exact".to_owned()), "{output:?}");
}

/// The numbers in the line that begins so.
fn numbers_in(output: &Output, line: &str) -> Vec<usize> {
    let lines = lines(output);
    let line = lines.iter().find(|printed| printed.starts_with(line)).unwrap();
    line.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

#[test]
fn each_word_counts_once_although_workers_are_killed() {
    let text = text(2_000_000);
    let output =
        wordcount(&["--workers", "4", "--kill", "40", "--top", "1000"], &file("kills", &text));
    assert_fine(&output, words(&text).count(), 1);

    let mut expected = HashMap::new();
    for word in words(&text) {
        // As printed, where a control character is not itself.
        let word = String::from_utf8_lossy(word).replace('\x0b', "\u{fffd}");
        *expected.entry(word).or_insert(0) += 1;
    }
    let mut printed = HashMap::new();
    for line in lines(&output).iter().filter(|line| line.starts_with("  ")) {
        let (times, word) = line.trim_start().split_once("  ").unwrap();
        *printed.entry(word.to_owned()).or_insert(0) += times.parse::<usize>().unwrap();
    }
    assert_eq!(printed, expected);

    let [landed, leased, sending, receiving, idle] = numbers_in(&output, "kills survived")[..]
    else {
        panic!("{output:?}");
    };
    assert!(landed >= 40);
    assert_eq!(leased + sending + receiving + idle, landed);
    assert!(2 * (leased + sending) >= landed);
    let [again, _, times] = numbers_in(&output, "chunks redelivered")[..] else {
        panic!("{output:?}");
    };
    assert!(again > 0 && times >= again);
}

#[test]
fn one_worker_is_enough_even_if_it_is_killed_all_the_time() {
    let text = text(200_000);
    let path = file("one-worker", &text);
    for kills in ["0", "30"] {
        let output = wordcount(&["--workers", "1", "--kill", kills], &path);
        assert_fine(&output, words(&text).count(), 1);
    }
}

#[test]
fn many_workers_share_a_small_file() {
    let text = text(30_000);
    let output = wordcount(&["--workers", "32", "--kill", "5"], &file("many-workers", &text));
    assert_fine(&output, words(&text).count(), 1);
}

#[test]
fn any_bytes_are_words() {
    let mut number = numbers();
    let bytes: Vec<u8> = (0..500_000).map(|_| number(256) as u8).collect();
    let output = wordcount(&["--workers", "2", "--kill", "5"], &file("any-bytes", &bytes));
    assert_fine(&output, words(&bytes).count(), 1);
}

#[test]
fn a_word_across_chunks_counts_once() {
    let text = text(1500);
    let path = file("borders", &text);
    for chunk in ["1", "2", "3", "7", "64", "1499", "100000"] {
        let output = wordcount(&["--workers", "2", "--kill", "3", "--chunk", chunk], &path);
        assert_fine(&output, words(&text).count(), 1);
    }
}

#[test]
fn a_word_of_megabytes_is_one_word() {
    let mut text = b"before ".to_vec();
    for last in [&b"a b"[..], b"b", b"b"] {
        text.resize(text.len() + 1_000_000, b'x');
        text.extend_from_slice(last);
        text.push(b'\n');
    }
    for len in [4095, 4096, 4097] {
        text.resize(text.len() + len, b'y');
        text.push(b' ');
    }
    let path = file("long-word", &text);
    let output = wordcount(&["--workers", "3", "--kill", "6"], &path);
    assert_fine(&output, 8, 1);
    let long: Vec<String> =
        lines(&output).into_iter().filter(|line| line.contains("(1000001 bytes")).collect();
    assert!(long.len() == 2 && long[0].trim_start().starts_with('2'), "{long:?}");
}

#[test]
fn a_file_without_any_whitespace_is_one_word() {
    let path = file("no-whitespace", &vec![b'x'; 2_000_000]);
    let output = wordcount(&["--workers", "4", "--kill", "8"], &path);
    assert_fine(&output, 1, 1);
}

#[test]
fn an_empty_file_is_a_file_with_no_words() {
    let output = wordcount(&["--workers", "2", "--kill", "0"], &file("empty", b""));
    assert_fine(&output, 0, 1);
}

#[test]
fn kills_that_find_nobody_at_work_are_reported() {
    // So many that the one chunk, which comes back when its worker is killed, is not there for
    // half of them.
    let output = wordcount(&["--workers", "2", "--kill", "64"], &file("no-work", b""));
    assert_total(&output, 0, 1);
    assert_eq!(output.status.code(), Some(1));
    assert!(lines(&output).iter().any(|line| line.starts_with("too little work")));
}

#[test]
fn where_there_is_no_file_nothing_is_checked_or_killed() {
    let missing = folder("no-file").join("missing");
    let output = wordcount(&["--workers", "2", "--kill", "4"], &missing);
    assert_eq!(lines(&output), ["total 0 words in 0 files"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("missing: No such file"), "{said}");
    assert!(said.ends_with("wordcount: no file to count\n"), "{said}");
    let output = wordcount(&["--kill", "0"], &folder("no-files"));
    assert_total(&output, 0, 0);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn links_in_folders_are_not_followed_and_named_ones_are() {
    let folder = folder("links");
    fs::create_dir(folder.join("inner")).unwrap();
    fs::write(folder.join("inner/text"), "one two").unwrap();
    std::os::unix::fs::symlink(&*folder, folder.join("inner/again")).unwrap();
    std::os::unix::fs::symlink("inner/text", folder.join("link")).unwrap();
    assert_fine(&wordcount(&["--kill", "0"], &folder), 2, 1);
    assert_fine(&wordcount(&["--kill", "0"], &folder.join("link")), 2, 1);
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_counted() {
    // For root nothing is unreadable, so it counts as somebody else, who must
    // be able to get there.
    let folder = std::env::temp_dir().join(format!("killproof-wordcount-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    let copy = folder.join("wordcount");
    fs::copy(program("wordcount"), &copy).unwrap();
    fs::write(folder.join("text"), "three good words").unwrap();
    for unreadable in ["closed", "closed-empty"] {
        let path = folder.join(unreadable);
        fs::write(&path, if unreadable == "closed" { "x" } else { "" }).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    }
    let locked = folder.join("locked");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    std::os::unix::fs::symlink("/nowhere", folder.join("dangling")).unwrap();

    let mut command = Command::new(&copy);
    if fs::metadata(&folder).unwrap().uid() == 0 {
        command.uid(65534).gid(65534);
    }
    let bad = ["closed", "closed-empty", "locked", "dangling", "missing"];
    let paths = bad.iter().chain(&["text"]).map(|name| folder.join(name));
    let output = command.args(["--workers", "2", "--kill", "0"]).args(paths).output().unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o700)).unwrap();
    fs::remove_dir_all(&folder).unwrap();

    assert_total(&output, 3, 1);
    assert_eq!(output.status.code(), Some(1));
    assert!(lines(&output).contains(&"not counted: 5 paths".to_owned()), "{output:?}");
    let named = String::from_utf8(output.stderr).unwrap();
    for name in bad {
        let path = format!("{}: ", folder.join(name).display());
        assert_eq!(named.matches(&path).count(), 1, "{name} in {named}");
    }
}

#[test]
fn progress_is_plain_lines_when_piped() {
    let text = text(1_000_000);
    let output = wordcount(&["--workers", "2", "--kill", "4"], &file("lines", &text));
    assert!(output.stdout.iter().all(|byte| *byte != b'\r' && *byte != b'\x1b'));
    let progress = lines(&output).iter().filter(|line| line.contains(" chunks, ")).count();
    assert!((1..=10).contains(&progress), "{output:?}");
}

#[test]
fn the_arguments_explain_themselves() {
    let help = Command::new(program("wordcount")).arg("--help").output().unwrap();
    assert!(help.status.success());
    for option in ["--workers", "--kill", "--top", "--chunk", "--check", "--no-check", "PATH"] {
        assert!(lines(&help).iter().any(|line| line.contains(option)), "{option}");
    }
    let wrong = Command::new(program("wordcount")).arg("--workers").arg("none").output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    let unchecked = wordcount(&["--kill", "0", "--no-check"], &file("unchecked", b"a b"));
    assert!(unchecked.status.success());
    assert!(!lines(&unchecked).iter().any(|line| line.starts_with("check")));
}

/// A count that has begun and cannot end before what it prints is read: the
/// pipe that it prints to is full. With it, its workers, and what they count.
fn held_up(name: &str, text: &[u8]) -> (Child, PipeReader, Vec<Pid>, Temporary) {
    let file = file(name, text);
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(&[b'\n'; 64 << 10]).unwrap();
    let mut command = Command::new(program("wordcount"));
    command.args(["--workers", "3", "--kill", "0"]).arg(&*file).stdout(writer);
    command.stderr(Stdio::null());
    let parent = command.spawn().unwrap();
    let children = format!("/proc/{0}/task/{0}/children", parent.id());
    let mut workers = Vec::new();
    while workers.len() < 3 {
        std::thread::yield_now();
        let children = fs::read_to_string(&children).unwrap();
        let pids = children.split_whitespace().map(|pid| pid.parse().unwrap());
        workers = pids.map(Pid::from_raw).collect();
    }
    (parent, reader, workers, file)
}

#[test]
fn workers_end_when_the_parent_is_killed() {
    let (mut parent, mut reader, _, _file) = held_up("orphans", &text(1_000_000));
    parent.kill().unwrap();
    assert_eq!(parent.wait().unwrap().signal(), Some(9));
    // The workers have inherited this pipe: it ends when the last of them does.
    reader.read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn a_worker_killed_by_somebody_else_is_replaced() {
    let text = text(1_000_000);
    let (mut parent, mut reader, workers, _file) = held_up("lost", &text);
    kill(workers[0], Signal::SIGKILL).unwrap();
    let mut printed = String::new();
    reader.read_to_string(&mut printed).unwrap();
    assert!(parent.wait().unwrap().success());
    assert!(printed.contains("\nworkers that ended by themselves: 1\n"), "{printed}");
    let last = format!("total {} words in 1 files", words(&text).count());
    assert_eq!(printed.lines().last().unwrap(), last);
}
