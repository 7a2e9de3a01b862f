//! How far it is: a bar on a terminal, lines elsewhere.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

pub struct Progress {
    bar: Option<ProgressBar>,
    chunks: usize,
    kills: usize,
    /// The tenth that was last printed.
    tenth: usize,
}

impl Progress {
    pub fn new(chunks: usize, kills: usize) -> Progress {
        let bar = io::stdout().is_terminal().then(|| {
            let target = ProgressDrawTarget::stdout();
            let bar = ProgressBar::with_draw_target(Some(chunks as u64), target);
            let template = "[{bar:40}] {pos} of {len} chunks, {msg}";
            let style = ProgressStyle::with_template(template).expect("a valid template");
            bar.with_style(style.progress_chars("=> "))
        });
        Progress { bar, chunks, kills, tenth: 0 }
    }

    pub fn update(&mut self, completed: usize, killed: usize) -> io::Result<()> {
        if let Some(bar) = &self.bar {
            bar.set_position(completed as u64);
            bar.set_message(format!("{killed} of {} kills", self.kills));
            return Ok(());
        }
        let tenth = 10 * completed / self.chunks.max(1);
        if tenth > self.tenth {
            self.tenth = tenth;
            let (chunks, kills) = (self.chunks, self.kills);
            let line =
                format!("{tenth}0 %: {completed} of {chunks} chunks, {killed} of {kills} kills");
            writeln!(io::stdout(), "{line}")?;
        }
        Ok(())
    }

    /// Says something on stderr, above the bar.
    pub fn say(&self, text: &str) {
        let say = || drop(writeln!(io::stderr(), "wordcount: {text}"));
        match &self.bar {
            Some(bar) => bar.suspend(say),
            None => say(),
        }
    }

    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
