//! A process that runs one case after another, on its only thread. There are several:
//! cases fork, so a process with threads cannot run them, but it can have them run.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sys::prctl;

use super::child::{Child, fork};
use super::mapped::{Mapped, Note};

/// Which of the runners this process and its children belong to.
static PLACE: AtomicUsize = AtomicUsize::new(0);

/// One that waits for the number of a case. Dropping it kills it.
pub struct Runner {
    /// Numbers go there, and for each comes a byte: whether the case passed.
    line: UnixStream,
    /// What the case said, or why it failed.
    words: Mapped<Note>,
    _process: Child,
}

impl Runner {
    /// Forks it, as the one of this `place` among those that run at once. This process
    /// must have no threads yet.
    pub fn start(place: usize, run: impl FnMut(usize) -> Result<String, String>) -> Self {
        let (line, its) = UnixStream::pair().expect("socketpair");
        let words = Mapped::new(Note::new());
        let process = fork(|| {
            PLACE.store(place, Ordering::Relaxed);
            serve(&its, &words, run).map_err(|e| e.to_string())
        });
        Self { line, words, _process: process }
    }

    /// Has it run a case, to the end.
    pub fn run(&self, case: usize) -> Result<String, String> {
        let mut passed = [0];
        let answer = (&self.line)
            .write_all(&case.to_ne_bytes())
            .and_then(|()| (&self.line).read_exact(&mut passed));
        answer.map_err(|e| format!("the runner: {e}"))?;
        if passed == [1] { Ok(self.words.read()) } else { Err(self.words.read()) }
    }
}

fn serve(
    mut line: &UnixStream,
    words: &Note,
    mut run: impl FnMut(usize) -> Result<String, String>,
) -> std::io::Result<()> {
    // Orphans of a case come to us instead of to init, so we see them.
    prctl::set_child_subreaper(true)?;
    let mut case = [0; size_of::<usize>()];
    loop {
        match line.read_exact(&mut case) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            read => read?,
        }
        let (passed, said) = match run(usize::from_ne_bytes(case)) {
            Ok(report) => (1, report),
            Err(reason) => (0, reason),
        };
        words.write(&said);
        line.write_all(&[passed])?;
    }
}

/// Which of the runners this process belongs to: no two that run at once are alike.
pub fn place() -> usize {
    PLACE.load(Ordering::Relaxed)
}
