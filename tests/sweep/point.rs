//! One kill point: a fresh world, a victim stepped so far and no further, and
//! the survivors.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::common::child::{Child, fork, reap_all, until};
use crate::common::mapped::Mapped;
use crate::common::pin;
use crate::common::trace::{Stop, Traced};
use crate::place::name_of;
use crate::row::{After, Begin, Peer, Row, Stage};

/// Long enough to get ready on any machine.
const READY: Duration = Duration::from_secs(60);

/// A sleep as long as this is a block: in a row that does not block, longer than
/// the slices that an operation on its way may need; in one that does, short, so
/// that its slices are not gone through again and again.
const UNEXPECTED: Duration = Duration::from_millis(20);
const EXPECTED: Duration = Duration::from_millis(2);

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

/// Kills the victim after `k` instructions, or where it ends or blocks before.
/// An error is a fault of the row itself.
pub fn kill_at<W: 'static>(row: &Row<W>, k: usize) -> Result<Point, String> {
    let stage = Mapped::new(Stage::new());
    let world = (row.world)();
    let point = perform(row, k, &stage, &world);
    drop(world);
    // Children of the victim that outlived it: nobody else will reap them.
    reap_all();
    point
}

fn perform<W: 'static>(row: &Row<W>, k: usize, stage: &Stage, world: &W) -> Result<Point, String> {
    let holders: Vec<Child> = (row.holders.iter().enumerate())
        .map(|(index, role)| {
            let peer = Peer { stage, index };
            fork(|| role(world, &peer))
        })
        .collect();
    for (index, holder) in holders.iter().enumerate() {
        await_ready("a holder", holder, || {
            stage.ready[index].load(Ordering::Acquire)
        })?;
    }
    let victim = Traced::start(|| {
        (row.victim)(world, Begin::new());
        stage.finished.store(true, Ordering::Release);
        Ok(())
    })?;
    victim.run_to_mark()?;
    let peers: Vec<Child> = (row.peers.iter().enumerate())
        .map(|(index, role)| {
            let index = holders.len() + index;
            let peer = Peer { stage, index };
            fork(|| {
                peer.is_ready();
                role(world, &peer)?;
                stage.recovered();
                Ok(())
            })
        })
        .collect();
    for (index, peer) in peers.iter().enumerate() {
        let entered = &stage.ready[holders.len() + index];
        await_ready("a peer", peer, || {
            entered.load(Ordering::Acquire) && peer.is_asleep()
        })?;
    }

    let (end, steps) = step(row, &victim, stage, k)?;
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

    let after = After {
        stage,
        victim: victim.child().pid().as_raw() as u32,
    };
    let limit = row.point_limit();
    let verdict = recover(row, limit, &after, &peers, &holders, world).map_err(|unclean| Unclean {
        reason: format!("{} (the victim at {})", unclean.reason, name_of(address)),
        ..unclean
    });
    Ok(Point {
        end,
        steps,
        verdict,
    })
}

fn await_ready(who: &str, child: &Child, ready: impl Fn() -> bool) -> Result<(), String> {
    let deadline = Instant::now() + READY;
    let mut over = false;
    until(deadline, || {
        over = child.ended(Instant::now());
        over || ready()
    });
    if over {
        let result = child.finish(deadline);
        return Err(format!("{who} ended before the victim began: {result:?}"));
    }
    if ready() {
        return Ok(());
    }
    Err(format!("{who} did not get ready: {}", child.whereabouts()))
}

fn step<W: 'static>(
    row: &Row<W>,
    victim: &Traced,
    stage: &Stage,
    k: usize,
) -> Result<(End, usize), String> {
    let _together = pin::beside(victim.child().pid());
    let blocked = if row.blocks { EXPECTED } else { UNEXPECTED };
    for steps in 0..k {
        if stage.finished.load(Ordering::Acquire) {
            return Ok((End::Finished, steps));
        }
        match victim.step(blocked)? {
            Stop::Trap => {}
            Stop::Blocked => return Ok((End::Blocked, steps + 1)),
            other => return Err(format!("the victim at step {steps}: {other:?}")),
        }
    }
    let finished = stage.finished.load(Ordering::Acquire);
    Ok((if finished { End::Finished } else { End::Midway }, k))
}

/// Waits for the peers, then lets the survivor check.
fn recover<W: 'static>(
    row: &Row<W>,
    limit: Duration,
    after: &After<'_>,
    peers: &[Child],
    holders: &[Child],
    world: &W,
) -> Result<Duration, Unclean> {
    for peer in peers {
        settle("a peer", peer, limit)?;
    }
    for holder in holders {
        settle("a holder", holder, limit)?;
    }
    let from_peers = after.stage.recovery();
    let survivor = fork(|| {
        (row.survive)(world, after)?;
        after.returned();
        Ok(())
    });
    settle("the survivor", &survivor, limit)?;
    // With peers it is they who were waiting when the kill came.
    Ok(if peers.is_empty() {
        after.stage.recovery()
    } else {
        from_peers
    })
}

fn settle(who: &str, child: &Child, limit: Duration) -> Result<(), Unclean> {
    match child.finish(Instant::now() + limit) {
        Some(Ok(())) => Ok(()),
        Some(Err(reason)) => Err(Unclean {
            reason: format!("{who}: {reason}"),
            hung: false,
        }),
        None => Err(Unclean {
            reason: format!("{who} hangs: {}", child.whereabouts()),
            hung: true,
        }),
    }
}
