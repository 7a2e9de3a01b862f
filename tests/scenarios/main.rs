//! Scripted kills: what needs several victims, each stopped at a certain place,
//! or more than one operation, and is out of reach of the sweep, which follows
//! one program's order.

#[path = "../common/mod.rs"]
mod common;

mod accumulated;
mod alone;
mod barrier;
mod borrowed;
#[cfg(feature = "tokio")]
mod cancelled;
mod condvar;
mod connection;
mod crowd;
mod daemons;
mod descriptors;
mod destructors;
mod frozen;
mod handed_over;
mod hardship;
mod interrupted;
mod leaked;
mod leases;
mod letters;
mod locks;
mod locks_hardship;
mod locks_mixed;
mod lost_wakeup;
mod mixed;
mod namespace;
mod once;
mod overtaken;
mod permits;
mod pipe;
mod readiness;
mod readiness_pipe;
mod refused;
mod released;
mod robust;
mod rwlock;
mod stopped;
mod stopped_inside;
mod storm;
mod together;
mod told_once;
mod values;
mod values_hardship;
mod waiters;

use std::time::{Duration, Instant};

use common::case::Case;
use common::child::{Child, until};
use common::mapped::Gate;

/// Watchdog of a whole scenario: far above what any takes on a machine with ten
/// times as much to do as it can.
const LIMIT: Duration = Duration::from_secs(600);
/// Above every recovery; only a hang lasts so long.
const STUCK: Duration = Duration::from_secs(60);

fn main() {
    common::trace::require("scenarios");
    let cases = [
        lost_wakeup::cases(),
        released::cases(),
        robust::cases(),
        alone::cases(),
        permits::cases(),
        leaked::cases(),
        namespace::cases(),
        descriptors::cases(),
        readiness::cases(),
        readiness_pipe::cases(),
        #[cfg(feature = "tokio")]
        cancelled::cases(),
        daemons::cases(),
        waiters::cases(),
        leases::cases(),
        borrowed::cases(),
        letters::cases(),
        stopped::cases(),
        together::cases(),
        handed_over::cases(),
        pipe::cases(),
        connection::cases(),
        told_once::cases(),
        destructors::cases(),
        refused::cases(),
        crowd::cases(),
        accumulated::cases(),
        overtaken::cases(),
        rwlock::cases(),
        locks_hardship::cases(),
        locks_mixed::cases(),
        hardship::cases(),
        values::cases(),
        values_hardship::cases(),
        condvar::cases(),
        barrier::cases(),
        once::cases(),
        interrupted::cases(),
        stopped_inside::cases(),
        mixed::cases(),
        storm::cases(),
    ];
    common::case::run(cases.into_iter().flatten().collect());
}

/// A scenario that says what it has to say when it passes, if anything.
fn scenario(name: &str, body: fn() -> Result<String, String>) -> Case {
    let title = name.to_owned();
    Case::new(name, LIMIT, move || {
        let said = body().map_err(|reason| format!("scenario {title}: {reason}"))?;
        Ok(if said.is_empty() { said } else { format!("scenario {title}: {said}") })
    })
}

/// Waits until a child that has said that it begins is asleep.
fn fall_asleep(child: &Child, begins: &Gate) -> Result<(), String> {
    let asleep = || begins.is_open() && child.is_asleep();
    let mut has_ended = false;
    let in_time = until(Instant::now() + STUCK, || {
        has_ended = child.ended(Instant::now());
        has_ended || asleep()
    });
    if has_ended {
        finish("who is to fall asleep", child)?;
        return Err("comes to its end and does not fall asleep".into());
    }
    in_time.then_some(()).ok_or_else(|| format!("does not fall asleep: {}", child.whereabouts()))
}

/// Waits for a child to come to its end.
fn finish(who: &str, child: &Child) -> Result<(), String> {
    match child.finish(Instant::now() + STUCK) {
        Some(result) => result.map_err(|reason| format!("{who}: {reason}")),
        None => Err(format!("{who} hangs: {}", child.whereabouts())),
    }
}

/// Kills a child and takes it away.
fn kill(child: &Child) {
    child.kill();
    child.reap();
}

/// Two values must be the same.
fn expect<T: PartialEq + std::fmt::Debug>(what: &str, seen: T, wanted: T) -> Result<(), String> {
    if seen == wanted { Ok(()) } else { Err(format!("{what}: {seen:?}, not {wanted:?}")) }
}
