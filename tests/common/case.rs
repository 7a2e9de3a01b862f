//! The runner: each case in a process and a process group of its own, under a
//! watchdog that kills the group and names the case.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use nix::sys::prctl;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, setpgid};

use super::child::{children, fork, is_running, reap_all, until};
use super::mapped::{Mapped, Note};

/// How long processes that a case merely left to themselves may take to end.
const GRACE: Duration = Duration::from_secs(2);

type Body = Box<dyn FnOnce() -> Result<String, String> + Send>;

/// A named test. What its body returns is printed at the end of the run.
pub struct Case {
    name: String,
    /// Why it does not run here.
    skipped: Option<String>,
    limit: Duration,
    body: Body,
}

impl Case {
    /// `limit` is the watchdog's: nothing is ever asserted about speed.
    pub fn new(
        name: impl Into<String>,
        limit: Duration,
        body: impl FnOnce() -> Result<String, String> + Send + 'static,
    ) -> Self {
        Self { name: name.into(), skipped: None, limit, body: Box::new(body) }
    }

    /// One that cannot run here: counted as ignored, and its `reason` printed.
    pub fn skipped(name: impl Into<String>, reason: String) -> Self {
        let said = reason.clone();
        let case = Self::new(name, Duration::ZERO, || Err(said));
        Self { skipped: Some(reason), ..case }
    }
}

/// A case that says nothing when it passes; assertions make it fail.
pub fn case(name: &str, body: fn()) -> Case {
    case_saying(name, move || {
        body();
        String::new()
    })
}

/// A case whose words are printed, such as why it was skipped.
pub fn case_saying(name: &str, body: impl FnOnce() -> String + Send + 'static) -> Case {
    Case::new(name, Duration::from_secs(120), move || Ok(body()))
}

/// Runs the cases one after another on this thread, the only one there is, and
/// ends the process.
pub fn run(cases: Vec<Case>) -> ! {
    // Orphans of a case come to us instead of to init, so we see them.
    prctl::set_child_subreaper(true).expect("PR_SET_CHILD_SUBREAPER");
    let mut args = Arguments::from_args();
    args.test_threads = Some(1);
    let reports = Arc::new(Mutex::new(Vec::new()));
    let trials = cases.into_iter().map(|case| {
        let is_skipped = case.skipped.is_some();
        reports.lock().unwrap().extend(case.skipped.clone().filter(|_| !args.list));
        let reports = Arc::clone(&reports);
        Trial::test(case.name.clone(), move || {
            let report = guard(case)?;
            reports.lock().unwrap().push(report);
            Ok(())
        })
        .with_ignored_flag(is_skipped)
    });
    let conclusion = libtest_mimic::run(&args, trials.collect());
    for report in reports.lock().unwrap().iter().filter(|r| !r.is_empty()) {
        println!("{report}");
    }
    conclusion.exit()
}

fn guard(case: Case) -> Result<String, Failed> {
    // What is buffered here would be printed once more by a child that prints.
    io::stdout().flush()?;
    let report = Mapped::new(Note::new());
    let leader = fork(|| {
        setpgid(Pid::from_raw(0), Pid::from_raw(0)).map_err(|e| format!("setpgid: {e}"))?;
        prctl::set_child_subreaper(true).map_err(|e| format!("subreaper: {e}"))?;
        report.write(&(case.body)()?);
        Ok(())
    });
    // Both sides do this: the group exists before either goes on.
    let _ = setpgid(leader.pid(), leader.pid());

    let ended = leader.ended(Instant::now() + case.limit);
    let left = || children().into_iter().filter(|pid| *pid != leader.pid());
    let clean = ended && until(Instant::now() + GRACE, || !left().any(is_running));
    // The leader is not reaped yet, so the group's number is still its own.
    let _ = killpg(leader.pid(), Signal::SIGKILL);
    let result = leader.result(leader.reap());
    reap_all();
    match result {
        _ if !ended => Err(format!("{}: hung, killed after {:?}", case.name, case.limit).into()),
        Err(reason) => Err(reason.into()),
        Ok(()) if !clean => Err(format!("{}: left processes behind", case.name).into()),
        Ok(()) => Ok(report.read()),
    }
}
