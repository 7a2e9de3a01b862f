//! The memory of a thing, as somebody sees it who has the file and keeps to no rule.
#![allow(unsafe_code)]

use std::fs::{self, File};
use std::os::fd::{BorrowedFd, RawFd};
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, OnceLock, PoisonError};

use killproof::Shared;

use super::script::Script;

/// Where what lies in a region begins.
pub const BODY: u64 = 256;
/// The bits of a stamped word that do not name its owner.
const FLAGS: u64 = (1 << 10) - 1;

/// Where a word has run out, turns over, or changes its meaning.
const EDGES: [u64; 16] = [
    0,
    1,
    2,
    3,
    4,
    8,
    FLAGS,
    FLAGS + 1,
    1 << 31,
    1 << 32,
    1 << 62,
    1 << 63,
    (1 << 63) - 1,
    u64::MAX - 2,
    u64::MAX - 1,
    u64::MAX,
];

#[derive(Debug)]
pub struct Memory {
    regions: Vec<Region>,
}

#[derive(Debug)]
struct Region {
    file: File,
    len: u64,
}

impl Memory {
    /// What `make` makes, and its memory.
    pub fn of<T>(make: impl FnOnce() -> T) -> (T, Memory) {
        // One at a time: whose the new files are is told by when they came.
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let before = open_files();
        let made = make();
        let is_new = |(_, file): &(RawFd, [u64; 2])| !before.iter().any(|(_, known)| known == file);
        let new = open_files().into_iter().filter(is_new);
        let regions: Vec<Region> = new.filter_map(|(number, _)| region(number)).collect();
        assert!(!regions.is_empty());
        (made, Memory { regions })
    }

    /// A way to it for somebody else.
    pub fn again(&self) -> Memory {
        let again = |region: &Region| {
            let file = region.file.try_clone().expect("a descriptor");
            Region { file, ..*region }
        };
        Memory { regions: self.regions.iter().map(again).collect() }
    }

    /// Tells a lie.
    pub fn lie(&self, script: &mut Script<'_>) {
        let region = &self.regions[script.below(self.regions.len())];
        let len = region.len;
        let place = |script: &mut Script<'_>| u64::from(script.short()) * 8 % (len - len % 8);
        let kind = script.below(8);
        let at = place(script);
        let word = match kind {
            0 => {
                let count = 1 + script.below(24);
                let bytes: Vec<u8> = (0..count).map(|_| script.byte()).collect();
                let start = (at + script.below(8) as u64).min(len - count as u64);
                region.file.write_all_at(&bytes, start).expect("inside");
                return;
            }
            1 => script.word(),
            2 => EDGES[script.below(EDGES.len())],
            3 => read(region, at).wrapping_add(i64::from(script.byte() as i8) as u64),
            4 => read(region, place(script)),
            // In the liar's own hands, as it seems.
            5 => own_stamp() | u64::from(script.short()) & FLAGS,
            // In those of somebody who is dead, most likely.
            6 => 1 << 32 | u64::from(script.short()) << 10 | u64::from(script.byte()) & FLAGS,
            // In nobody's, and not free.
            _ => script.byte().into(),
        };
        write(region, at, word);
    }

    /// Whoever has the word at `offset` gives it back: a call that has no time limit
    /// would wait for it.
    pub fn free(&self, offset: u64) {
        if self.word(offset) >> 32 != 0 {
            self.put(offset, 0);
        }
    }

    /// The word at `offset`, behind the header.
    pub fn word(&self, offset: u64) -> u64 {
        read(&self.regions[0], BODY + offset)
    }

    pub fn put(&self, offset: u64, word: u64) {
        write(&self.regions[0], BODY + offset, word);
    }

    /// Where this word is.
    pub fn find(&self, word: u64) -> Option<u64> {
        let len = self.regions[0].len - BODY;
        (0..len / 8).map(|index| index * 8).find(|offset| self.word(*offset) == word)
    }
}

fn read(region: &Region, at: u64) -> u64 {
    let mut word = [0; 8];
    region.file.read_exact_at(&mut word, at).expect("inside");
    u64::from_ne_bytes(word)
}

fn write(region: &Region, at: u64, word: u64) {
    region.file.write_all_at(&word.to_ne_bytes(), at).expect("inside");
}

/// The numbers of all files that this process has open, and which file each is.
fn open_files() -> Vec<(RawFd, [u64; 2])> {
    let entries = fs::read_dir("/proc/self/fd").expect("/proc is mounted").flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let identity = |number: RawFd| {
        // SAFETY: nothing is done with it but to ask what it is, and another thread may have
        //    closed it by now: then that is refused.
        let file = unsafe { BorrowedFd::borrow_raw(number) };
        let stat = rustix::fs::fstat(file).ok()?;
        Some((number, [stat.st_dev, stat.st_ino]))
    };
    numbers.filter_map(identity).collect()
}

/// The region that is open by this number, if it is one.
fn region(number: RawFd) -> Option<Region> {
    let path = format!("/proc/self/fd/{number}");
    let target = fs::read_link(&path).ok()?;
    if !target.to_string_lossy().starts_with("/memfd:killproof") {
        return None;
    }
    let file = File::options().read(true).write(true).open(path).expect("it is ours");
    let len = file.metadata().expect("it is open").len();
    Some(Region { file, len })
}

/// By which name this process is in the words.
fn own_stamp() -> u64 {
    static OWN: OnceLock<u64> = OnceLock::new();
    *OWN.get_or_init(|| {
        let (lock, memory) = Memory::of(|| Shared::new(killproof::sync::Mutex::new(0_u64)));
        let lock = lock.expect("memory");
        let _guard = lock.lock().expect("free");
        read(&memory.regions[0], BODY) & !FLAGS
    })
}
