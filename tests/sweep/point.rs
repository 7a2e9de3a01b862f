//! One kill point: a fresh world, a victim stepped so far and no further, and
//! the survivors.

use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::common::child::{Child, fork, reap_all, until};
use crate::common::mapped::Mapped;
use crate::common::pin;
use crate::common::trace::{Stop, Traced, mark};
use crate::place::name_of;
use crate::row::{After, Begin, Peer, Role, Row, Stage};
use crate::way::Way;

/// Long enough to get ready on any machine.
const READY: Duration = Duration::from_secs(60);

/// Where the victim was when it was killed.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum End {
    Midway,
    Blocked,
    Finished,
}

/// Why a point is not clean.
pub struct Unclean {
    pub reason: String,
    pub hung: bool,
}

/// What became of one kill.
pub struct Point {
    pub end: End,
    /// Instructions that were stepped.
    pub steps: usize,
    pub verdict: Result<Duration, Unclean>,
}

/// Kills the victim after `k` instructions, or where it ends or blocks before. As far as
/// `way` is known, the victim runs; behind that it is stepped, and the way is noted.
/// An error is a fault of the row itself.
pub fn kill_at<W: 'static>(row: &Row<W>, k: usize, way: &mut Way) -> Result<Point, String> {
    let mut known = way.known(k);
    loop {
        let stage = Mapped::new(Stage::new());
        let world = (row.world)();
        let point = perform(row, known, k, way, &stage, &world);
        drop(world);
        // Children of the victim that outlived it: nobody else will reap them.
        reap_all();
        match point? {
            Break(point) => return Ok(point),
            // Where sleeps and retries are in play a victim may stray. The next is stepped
            // from where this one was seen last, or from earlier.
            Continue(seen) => known = seen.min(known / 2),
        }
    }
}

/// One world, whose victim is stepped from where it is `known` to come. Without a point
/// if it did not come there, but only so far.
fn perform<W: 'static>(
    row: &Row<W>,
    known: usize,
    k: usize,
    way: &mut Way,
    stage: &Stage,
    world: &W,
) -> Result<ControlFlow<Point, usize>, String> {
    let mut roles = (0..).map(|index| Peer { stage, index, counts: index >= row.holders.len() });
    let mut start = |role: &Role<W>| {
        let peer = roles.next().expect("no end");
        fork(|| {
            if peer.counts {
                peer.is_ready();
            }
            role(world, &peer)?;
            peer.is_through();
            Ok(())
        })
    };
    let mut others: Vec<Child> = row.holders.iter().map(&mut start).collect();
    for (index, holder) in others.iter().enumerate() {
        await_ready("a holder", holder, || stage.ready[index].load(Ordering::Acquire))?;
    }
    let victim = match &row.other {
        Some(other) => Traced::attach((other.pid)(world))?,
        None => own_victim(row, stage, world)?,
    };
    let first = others.len();
    others.extend(row.peers.iter().map(start));
    for (index, peer) in others.iter().enumerate().skip(first) {
        let entered = &stage.ready[index];
        await_ready("a peer", peer, || entered.load(Ordering::Acquire) && peer.is_asleep())?;
    }

    if let Some(let_go) = &row.apart {
        let_go(world);
    }
    if let Some(other) = &row.other {
        (other.provoke)(world);
    }

    let (end, steps) = {
        let _together = pin::beside(victim.child().pid());
        let seen = way.follow(&victim, known, row.blocked())?;
        if seen != known {
            return Ok(Continue(seen));
        }
        step(row, &victim, stage, known, k, way)?
    };
    let address = victim.address();
    let killed = Instant::now();
    stage.killed_at.store(stage.now(), Ordering::Release);
    victim.child().kill();
    if !victim.child().ended(killed + READY) {
        return Err("the victim outlived SIGKILL".into());
    }
    if !row.zombie {
        victim.child().reap();
    }
    stage.killed.open();

    let after = After { stage, victim: victim.child().pid().as_raw() as u32 };
    let verdict = recover(row, &after, &others, world).map_err(|unclean| Unclean {
        reason: format!("{} (the victim at {})", unclean.reason, name_of(address)),
        ..unclean
    });
    Ok(Break(Point { end, steps, verdict }))
}

fn own_victim<W: 'static>(row: &Row<W>, stage: &Stage, world: &W) -> Result<Traced, String> {
    let victim = Traced::start(|| {
        (row.victim)(world, Begin::new());
        stage.finished.store(true, Ordering::Release);
        // One that runs past the place where it was to stop goes no further.
        mark();
        Ok(())
    })?;
    victim.run_to_mark()?;
    Ok(victim)
}

fn await_ready(who: &str, child: &Child, ready: impl Fn() -> bool) -> Result<(), String> {
    let deadline = Instant::now() + READY;
    // Each is asked once a turn: a sleeper seen asleep may be awake again.
    let mut over = false;
    let in_time = until(deadline, || {
        over = child.ended(Instant::now());
        over || ready()
    });
    match (in_time, over) {
        (true, false) => Ok(()),
        (true, true) => {
            let result = child.finish(deadline);
            Err(format!("{who} ended before the victim began: {result:?}"))
        }
        (false, _) => Err(format!("{who} did not get ready: {}", child.whereabouts())),
    }
}

/// Steps a victim that has come so far to where it is to die.
fn step<W: 'static>(
    row: &Row<W>,
    victim: &Traced,
    stage: &Stage,
    known: usize,
    k: usize,
    way: &mut Way,
) -> Result<(End, usize), String> {
    let mut steps = known;
    while !stage.finished.load(Ordering::Acquire) {
        if steps == k {
            return Ok((End::Midway, steps));
        }
        way.note(steps, victim);
        match victim.step(row.blocked())? {
            Stop::Trap => steps += 1,
            Stop::Blocked => return Ok((End::Blocked, steps + 1)),
            Stop::Ended(Ok(())) if row.ends => stage.finished.store(true, Ordering::Release),
            other => return Err(format!("the victim at step {steps}: {other:?}")),
        }
    }
    Ok((End::Finished, steps))
}

/// Waits for the others to be through, lets the survivor check, and then lets
/// everybody end.
fn recover<W: 'static>(
    row: &Row<W>,
    after: &After<'_>,
    others: &[Child],
    world: &W,
) -> Result<Duration, Unclean> {
    let stage = after.stage;
    let limit = row.point_limit();
    for (index, other) in others.iter().enumerate() {
        let through = &stage.through[index];
        until(Instant::now() + limit, || {
            through.load(Ordering::Acquire) || other.ended(Instant::now())
        });
        if !through.load(Ordering::Acquire) {
            settle(name(row, index), other, Duration::ZERO)?;
        }
    }
    let from_peers = stage.recovery();
    let survivor = fork(|| {
        (row.survive)(world, after)?;
        after.returned();
        Ok(())
    });
    settle("the survivor", &survivor, limit)?;
    stage.over.open();
    for (index, other) in others.iter().enumerate() {
        settle(name(row, index), other, limit)?;
    }
    // With peers it is they who were waiting when the kill came.
    Ok(if row.peers.is_empty() { stage.recovery() } else { from_peers })
}

fn name<W>(row: &Row<W>, index: usize) -> &'static str {
    if index < row.holders.len() { "a holder" } else { "a peer" }
}

fn settle(who: &str, child: &Child, limit: Duration) -> Result<(), Unclean> {
    match child.finish(Instant::now() + limit) {
        Some(Ok(())) => Ok(()),
        Some(Err(reason)) => Err(Unclean { reason: format!("{who}: {reason}"), hung: false }),
        None => {
            Err(Unclean { reason: format!("{who} hangs: {}", child.whereabouts()), hung: true })
        }
    }
}
