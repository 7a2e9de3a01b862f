//! The memory of a thing, as somebody sees it who has the file and keeps to no rule.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
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
    regions: Vec<File>,
}

impl Memory {
    /// What `make` makes, and its memory.
    pub fn of<T>(make: impl FnOnce() -> T) -> (T, Memory) {
        // One at a time: whose the new files are is told by when they came.
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let inodes = |regions: Vec<(String, u64)>| regions.into_iter().map(|(_, inode)| inode);
        let before: Vec<u64> = inodes(regions()).collect();
        let made = make();
        let new = regions().into_iter().filter(|(_, inode)| !before.contains(inode));
        let open = |(path, _): (String, u64)| File::options().read(true).write(true).open(path);
        let regions: Vec<File> = new.map(|region| open(region).expect("it is ours")).collect();
        assert!(!regions.is_empty());
        (made, Memory { regions })
    }

    /// A way to it for somebody else.
    pub fn again(&self) -> Memory {
        let again = |region: &File| region.try_clone().expect("a descriptor");
        Memory { regions: self.regions.iter().map(again).collect() }
    }

    /// Tells a lie.
    pub fn lie(&self, script: &mut Script<'_>) {
        let region = &self.regions[script.below(self.regions.len())];
        let len = region.metadata().expect("it is open").len();
        let place = |script: &mut Script<'_>| u64::from(script.short()) * 8 % (len - len % 8);
        let kind = script.below(8);
        let at = place(script);
        let word = match kind {
            0 => {
                let count = 1 + script.below(24);
                let bytes: Vec<u8> = (0..count).map(|_| script.byte()).collect();
                let start = (at + script.below(8) as u64).min(len - count as u64);
                region.write_all_at(&bytes, start).expect("inside");
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
        let len = self.regions[0].metadata().expect("it is open").len() - BODY;
        (0..len / 8).map(|index| index * 8).find(|offset| self.word(*offset) == word)
    }
}

fn read(region: &File, at: u64) -> u64 {
    let mut word = [0; 8];
    region.read_exact_at(&mut word, at).expect("inside");
    u64::from_ne_bytes(word)
}

fn write(region: &File, at: u64, word: u64) {
    region.write_all_at(&word.to_ne_bytes(), at).expect("inside");
}

/// The paths and inodes of all regions that this process has open.
fn regions() -> Vec<(String, u64)> {
    let open = fs::read_dir("/proc/self/fd").expect("/proc is mounted").flatten();
    let paths = open.map(|entry| format!("/proc/self/fd/{}", entry.file_name().display()));
    let region = |path: String| {
        let target = fs::read_link(&path).ok()?;
        let is_one = target.to_string_lossy().starts_with("/memfd:killproof");
        // Another thread may have closed it by now.
        is_one.then(|| fs::metadata(&path).ok().map(|file| (path, file.ino())))?
    };
    paths.filter_map(region).collect()
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
