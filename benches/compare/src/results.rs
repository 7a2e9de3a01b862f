//! What has been measured, in a file of lines that both people and programs read.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The peer that all are compared with.
pub const BASE: &str = "killproof queue";

const HEADER: &str = "\
# killproof beside its peers. Measured by: cargo run --release --manifest-path \
benches/compare/Cargo.toml -- all
# Ratios last longer than figures. machine  where
# speed   name  actors  median  unit  ratio to killproof's queue (its rounds)  rounds
# killed  name  what the others did  how often  of how many  median of the times in ms  \
their longest in ms
";

/// How fast a peer is.
#[derive(Clone)]
pub struct Speed {
    pub actors: String,
    pub value: f64,
    /// `ns` or `/s`.
    pub unit: String,
    /// The peer's over killproof's queue's, the median of paired rounds.
    pub ratio: f64,
    pub rounds: usize,
}

/// What the others did of one kind when a participant of theirs was killed.
#[derive(Clone)]
pub struct Outcome {
    pub what: String,
    pub count: usize,
    pub of: usize,
    /// Median and longest, where it took a time.
    pub milliseconds: Option<(f64, f64)>,
}

/// By names of the form `one-way/64B/iceoryx2`.
#[derive(Default)]
pub struct Results {
    /// Where it was measured.
    pub machine: String,
    pub speeds: BTreeMap<String, Speed>,
    pub outcomes: BTreeMap<String, Vec<Outcome>>,
}

/// Below the root of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn file() -> PathBuf {
    repository("benches/compare/results.tsv")
}

impl Results {
    /// What is in the file, if there is one.
    pub fn read() -> io::Result<Results> {
        let text = match fs::read_to_string(file()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text?,
        };
        let mut results = Results::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if results.take(&line.split('\t').collect::<Vec<_>>()).is_none() {
                return Err(io::Error::other(format!("results.tsv: not understood: {line}")));
            }
        }
        Ok(results)
    }

    fn take(&mut self, fields: &[&str]) -> Option<()> {
        match *fields {
            ["machine", machine] => self.machine = machine.into(),
            ["speed", name, actors, value, unit, ratio, rounds] => {
                let speed = Speed {
                    actors: actors.into(),
                    value: value.parse().ok()?,
                    unit: unit.into(),
                    ratio: ratio.parse().ok()?,
                    rounds: rounds.parse().ok()?,
                };
                self.speeds.insert(name.into(), speed);
            }
            ["killed", name, what, count, of, median, longest] => {
                let milliseconds = match (median, longest) {
                    ("-", "-") => None,
                    _ => Some((median.parse().ok()?, longest.parse().ok()?)),
                };
                let (count, of) = (count.parse().ok()?, of.parse().ok()?);
                let outcome = Outcome { what: what.into(), count, of, milliseconds };
                self.outcomes.entry(name.into()).or_default().push(outcome);
            }
            _ => return None,
        }
        Some(())
    }

    /// What is shown of a speed: the base's own median times the ratio to it. Two figures
    /// that were measured minutes apart are not to be compared, two such are.
    pub fn beside_base(&self, name: &str, speed: &Speed) -> f64 {
        let measure = name.rsplit_once('/').map_or(name, |(measure, _)| measure);
        let base = self.speeds.get(&format!("{measure}/{BASE}"));
        base.map_or(speed.value, |base| base.value * speed.ratio)
    }

    /// Something of it was measured on this machine.
    pub fn measured_here(&mut self) -> io::Result<()> {
        let here = machine()?;
        if self.machine.is_empty() {
            self.machine = here;
        } else if !self.machine.contains(&here) {
            self.machine += &format!("; some on {here}");
        }
        Ok(())
    }

    pub fn write(&self) -> io::Result<()> {
        let mut text = format!("{HEADER}machine\t{}\n", self.machine);
        for (name, speed) in &self.speeds {
            let Speed { actors, value, unit, ratio, rounds } = speed;
            text += &format!("speed\t{name}\t{actors}\t{value:.1}\t{unit}\t{ratio:.4}\t{rounds}\n");
        }
        for (name, outcomes) in &self.outcomes {
            for Outcome { what, count, of, milliseconds } in outcomes {
                let times = match milliseconds {
                    Some((median, longest)) => format!("{median:.2}\t{longest:.2}"),
                    None => "-\t-".into(),
                };
                text += &format!("killed\t{name}\t{what}\t{count}\t{of}\t{times}\n");
            }
        }
        fs::write(file(), text)
    }
}

/// This machine, in a few words.
fn machine() -> io::Result<String> {
    let cpus = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("an unnamed processor", |(_, model)| model);
    let release = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let version: Vec<&str> = release.split('.').take(2).collect();
    let count = std::thread::available_parallelism()?;
    Ok(format!("{count} CPUs of the kind {model}, Linux {}", version.join(".")))
}

/// Whether the command line, if it has words, has one that `name` contains.
pub fn is_wanted(name: &str, filter: &[String]) -> bool {
    filter.is_empty() || filter.iter().any(|word| name.contains(word.as_str()))
}
