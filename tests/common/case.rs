//! The cases of a test program: each in a process and a process group of its own,
//! under a watchdog that kills the group and names the case; several at once.

#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::env;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Trial};
use nix::sys::prctl;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, killpg, sigaction};
use nix::unistd::{Pid, setpgid};

use super::child::{children, fork, is_running, reap_all, until};
use super::mapped::{Mapped, Note};
use super::name::left_by;
use super::runner::Runner;

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

/// Runs the cases and ends the process, whose only thread this must be.
///
/// As many run at once as `--test-threads` says, or else `RUST_TEST_THREADS`, or else two
/// for each CPU, since cases sleep as much as they work. The threads that this takes here
/// fork nobody: each hands its cases to a [`Runner`], and those are there before any
/// thread is.
pub fn run(cases: Vec<Case>) -> ! {
    let mut args = Arguments::from_args();
    let wanted = || env::var("RUST_TEST_THREADS").ok()?.parse().ok();
    let usual = || 2 * thread::available_parallelism().map_or(1, usize::from);
    let at_once = args.test_threads.or_else(wanted).unwrap_or_else(usual).max(1);
    args.test_threads = Some(at_once);

    let told: Vec<_> = cases.iter().map(|case| (case.name.clone(), case.skipped.clone())).collect();
    let mut cases: Vec<_> = cases.into_iter().map(Some).collect();
    let mut guard = |index: usize| cases[index].take().map_or(Err("ran twice".into()), guard);
    let needed = if args.list { 0 } else { at_once };
    let runners = (0..needed).map(|place| Runner::start(place, &mut guard)).collect();
    let idle: Arc<Mutex<Vec<Runner>>> = Arc::new(Mutex::new(runners));

    let reports = Arc::new(Mutex::new(BTreeMap::new()));
    let trials = told.into_iter().enumerate().map(|(index, (name, skipped))| {
        let is_skipped = skipped.is_some();
        reports.lock().unwrap().extend(skipped.filter(|_| !args.list).map(|why| (index, why)));
        let (idle, reports) = (Arc::clone(&idle), Arc::clone(&reports));
        Trial::test(name, move || {
            let runner = idle.lock().unwrap().pop().expect("one for each thread");
            let said = runner.run(index);
            idle.lock().unwrap().push(runner);
            reports.lock().unwrap().insert(index, said?);
            Ok(())
        })
        .with_ignored_flag(is_skipped)
    });
    let conclusion = libtest_mimic::run(&args, trials.collect());
    let reports = reports.lock().unwrap();
    let mut said = reports.values().filter(|report| !report.is_empty()).peekable();
    if said.peek().is_some() {
        said.for_each(|report| println!("{report}"));
        println!("\n{} passed, {} failed", conclusion.num_passed, conclusion.num_failed);
    }
    drop(reports);
    idle.lock().unwrap().clear();
    conclusion.exit()
}

/// The signals of a terminal mean what they usually do, also where a shell has started
/// the tests in the background, with these ignored.
fn heed_the_terminal() -> nix::Result<()> {
    let usual = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    for of_terminal in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGHUP] {
        // SAFETY: no handler of anybody's is called.
        unsafe { sigaction(of_terminal, &usual) }?;
    }
    Ok(())
}

/// Runs one case, and leaves nobody behind.
fn guard(case: Case) -> Result<String, String> {
    let report = Mapped::new(Note::new());
    let leader = fork(|| {
        setpgid(Pid::from_raw(0), Pid::from_raw(0)).map_err(|e| format!("setpgid: {e}"))?;
        prctl::set_child_subreaper(true).map_err(|e| format!("subreaper: {e}"))?;
        heed_the_terminal().map_err(|e| format!("sigaction: {e}"))?;
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
    let names = left_by(leader.pid());
    match result {
        _ if !ended => Err(format!("{}: hung, killed after {:?}", case.name, case.limit)),
        Err(reason) => Err(reason),
        Ok(()) if !clean => Err(format!("{}: left processes behind", case.name)),
        Ok(()) if !names.is_empty() => Err(format!("{}: left {names:?}", case.name)),
        Ok(()) => Ok(report.read()),
    }
}
