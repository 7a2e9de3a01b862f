//! Which files there are, and how they are cut into chunks.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use killproof::Message;

use crate::chunk::{Chunk, Stretch};

/// Bytes of the message that a chunk becomes, unless one name is longer.
const MOST_NAMES: usize = 16 << 10;

pub struct Files {
    found: Vec<(PathBuf, u64)>,
    /// Paths of which there is nothing to count, and why.
    pub bad: Vec<(PathBuf, io::Error)>,
    /// How often they are counted.
    pub rounds: usize,
}

impl Files {
    /// The files at and below `paths`, except what is called like one of
    /// `omitted`. Links are followed only where they are named.
    pub fn find(paths: &[PathBuf], omitted: &[&str]) -> Files {
        let mut files = Files { found: Vec::new(), bad: Vec::new(), rounds: 1 };
        for path in paths {
            let looked = fs::metadata(path).and_then(|is| files.add(path, &is, omitted));
            if let Err(error) = looked {
                files.bad.push((path.clone(), error));
            }
        }
        files
    }

    fn add(&mut self, path: &Path, is: &fs::Metadata, omitted: &[&str]) -> io::Result<()> {
        if is.is_dir() {
            self.add_folder(path, omitted)
        } else if is.is_file() {
            self.found.push((path.to_owned(), is.len()));
            Ok(())
        } else {
            Err(io::Error::other("neither a file nor a folder"))
        }
    }

    fn add_folder(&mut self, path: &Path, omitted: &[&str]) -> io::Result<()> {
        let mut entries = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            if omitted.iter().any(|name| entry.file_name() == *name) {
                continue;
            }
            let added = entry.metadata().and_then(|is| match is.is_dir() || is.is_file() {
                true => self.add(&entry.path(), &is, omitted),
                false => Ok(()),
            });
            if let Err(error) = added {
                self.bad.push((entry.path(), error));
            }
        }
        Ok(())
    }

    /// Repeats them until there are at least so many chunks.
    pub fn repeat(&mut self, chunks: usize, size: u64) {
        let once = self.chunks(size).count();
        self.rounds = chunks.div_ceil(once.max(1)).max(1);
    }

    pub fn len(&self) -> usize {
        self.found.len() * self.rounds
    }

    pub fn bytes(&self) -> u64 {
        self.all().map(|whole| whole.len).sum()
    }

    /// Each file as one stretch, in all rounds.
    pub fn all(&self) -> impl Iterator<Item = Stretch> {
        let whole = |((path, len), file): (&(PathBuf, u64), u64)| Stretch {
            file,
            path: path.clone(),
            start: 0,
            end: *len,
            len: *len,
        };
        (0..self.rounds).flat_map(move |_| self.found.iter().zip(0..).map(whole))
    }

    /// The stretches cut and collected into chunks of at most `size` bytes of
    /// text, and not too many names.
    pub fn chunks(&self, size: u64) -> impl Iterator<Item = Chunk> {
        let mut stretches = self.all().flat_map(move |file| file.cut(size)).peekable();
        std::iter::from_fn(move || {
            let mut chunk = vec![stretches.next()?];
            let (mut text, mut names) = (chunk[0].text(), chunk[0].encoded_len());
            while let Some(next) = stretches.next_if(|next| {
                text += next.text();
                names += next.encoded_len();
                text <= size && names <= MOST_NAMES
            }) {
                chunk.push(next);
            }
            Some(chunk)
        })
    }

    pub fn path(&self, file: u64) -> &Path {
        &self.found[file as usize].0
    }
}
