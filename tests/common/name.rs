//! Names that nobody else has, and that are gone when the test is.
//!
//! `Named::prune` takes away whatever nobody uses, and so what another run of these tests
//! has let go of for a moment. So those who have names go one after the other.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use killproof::Named;
use nix::unistd::{Pid, getpid};
use rustix::fs::{FlockOperation, flock};
use rustix::process::getuid;

/// A name, which whoever made it takes away in the end, whatever has it then.
pub struct Name {
    text: String,
    maker: i32,
}

impl Name {
    /// One for a test's `part`.
    pub fn new(part: &str) -> Name {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        be_alone();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let maker = getpid().as_raw();
        Name { text: format!("test-{maker}-{count}-{part}"), maker }
    }

    pub fn named(&self) -> Named {
        Named::new(&self.text)
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// The file that the name is of.
    pub fn path(&self) -> PathBuf {
        format!("/dev/shm/killproof.{}.{}", getuid().as_raw(), self.text).into()
    }

    /// Whether anything has the name.
    pub fn is_taken(&self) -> bool {
        fs::symlink_metadata(self.path()).is_ok()
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        // Forked children have copies.
        if getpid().as_raw() == self.maker {
            let _ = fs::remove_file(self.path());
        }
    }
}

/// Waits until nobody else's tests have names; until this process and its children have
/// ended, they wait.
fn be_alone() {
    static LOCKED: OnceLock<File> = OnceLock::new();
    LOCKED.get_or_init(|| {
        let path = env::temp_dir().join(format!("killproof-test-names.{}", getuid().as_raw()));
        let file = File::options().create(true).append(true).open(path).unwrap();
        flock(&file, FlockOperation::LockExclusive).unwrap();
        file
    });
}

/// The names of this process's that are taken.
pub fn left_behind() -> Vec<String> {
    left_by(getpid())
}

/// The names that a process has made, and has not taken away.
pub fn left_by(maker: Pid) -> Vec<String> {
    let mark = format!(".test-{maker}-");
    let entries = fs::read_dir("/dev/shm").into_iter().flatten().flatten();
    let names = entries.map(|entry| OsStr::to_string_lossy(&entry.file_name()).into_owned());
    names.filter(|name| name.contains(&mark)).collect()
}
