//! A row of the sweep: one operation, how it is set up, and what must hold
//! after its process was killed in the middle of it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use crate::common::case::Case;
use crate::common::mapped::Gate;
use crate::common::trace;

/// The whole row, all its kill points together.
const ROW: Duration = Duration::from_secs(600);

/// One kill point: far above any recovery, so that only a hang reaches it.
const POINT: Duration = Duration::from_secs(15);

/// The same where a hang is what the row is there to show.
const PLANTED: Duration = Duration::from_secs(1);

/// A sleep as long as this is a block: in a row that does not block, longer than
/// the slices that an operation on its way may need; in one that does, short, so
/// that its slices are not gone through again and again.
const UNEXPECTED: Duration = Duration::from_millis(200);
const EXPECTED: Duration = Duration::from_millis(2);

/// Holders and peers of one row, at most.
const ROLES: usize = 16;

type Victim<W> = Box<dyn Fn(&W, Begin) + Send>;
/// What a holder or a peer does.
pub type Role<W> = Box<dyn Fn(&W, &Peer<'_>) -> Result<(), String> + Send>;
type Apart<W> = Box<dyn Fn(&W) + Send>;
/// A victim that a holder has made, and what makes it do something.
pub struct Other<W> {
    pub pid: Box<dyn Fn(&W) -> Pid + Send>,
    pub provoke: Apart<W>,
}

type Survive<W> = Box<dyn Fn(&W, &After<'_>) -> Result<(), String> + Send>;

/// One row. `W` is its world: built afresh for each kill point, before any
/// process of the row is forked, so it lies in shared memory or holds what does.
pub struct Row<W> {
    pub name: String,
    pub world: Box<dyn Fn() -> W + Send>,
    pub victim: Victim<W>,
    pub other: Option<Other<W>>,
    pub survive: Survive<W>,
    pub holders: Vec<Role<W>>,
    pub peers: Vec<Role<W>>,
    pub apart: Option<Apart<W>>,
    pub blocks: bool,
    pub ends: bool,
    pub zombie: bool,
    pub expect_failure: bool,
    pub every: Option<Stride>,
    pub limit: Option<Duration>,
}

/// Which instructions of a long row are kill points.
#[derive(Clone, Copy)]
pub struct Stride {
    /// Each of the first and of the last so many ..
    pub edge: usize,
    /// .. and every so-manyth between them.
    pub step: usize,
}

impl<W: 'static> Row<W> {
    /// `victim` gets ready, says [`Begin::now`], and performs the operation; from
    /// there to its return each instruction is a kill point.
    /// A first use costs a thousand instructions: unless that is what the row is
    /// about, get it over with before the begin.
    ///
    /// `survive` runs in a process of its own after each kill, once the peers
    /// are through: the next operations, which must return, and what must hold.
    pub fn new(
        name: impl Into<String>,
        world: impl Fn() -> W + Send + 'static,
        victim: impl Fn(&W, Begin) + Send + 'static,
        survive: impl Fn(&W, &After<'_>) -> Result<(), String> + Send + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            world: Box::new(world),
            victim: Box::new(victim),
            other: None,
            survive: Box::new(survive),
            holders: Vec::new(),
            peers: Vec::new(),
            apart: None,
            blocks: false,
            ends: false,
            zombie: false,
            expect_failure: false,
            every: None,
            limit: None,
        }
    }

    /// A row whose victim is a process that a [`holder`](Row::holder) has made, and that
    /// sleeps: `pid` tells which once the holders are ready. It is stopped there,
    /// `provoke` wakes it, and each instruction until it sleeps again is a kill point.
    pub fn of_other(
        name: impl Into<String>,
        world: impl Fn() -> W + Send + 'static,
        pid: impl Fn(&W) -> Pid + Send + 'static,
        provoke: impl Fn(&W) + Send + 'static,
        survive: impl Fn(&W, &After<'_>) -> Result<(), String> + Send + 'static,
    ) -> Self {
        let other = Some(Other { pid: Box::new(pid), provoke: Box::new(provoke) });
        Self { other, ..Self::new(name, world, |_, _| (), survive) }.blocks()
    }

    /// A process that is there before the victim: it takes what the victim shall
    /// find taken, waits [`Peer::until_killed`], and must then come to its end.
    pub fn holder(
        mut self,
        role: impl Fn(&W, &Peer<'_>) -> Result<(), String> + Send + 'static,
    ) -> Self {
        self.holders.push(Box::new(role));
        self
    }

    /// A process that starts once the victim has begun and falls asleep in its
    /// operation before the victim takes a step; it must come to its end after
    /// the kill.
    pub fn peer(
        mut self,
        role: impl Fn(&W, &Peer<'_>) -> Result<(), String> + Send + 'static,
    ) -> Self {
        self.peers.push(Box::new(role));
        self
    }

    /// Runs in the process that made the world, once all the others are there and
    /// before the victim takes a step: where the victim is to be the last that
    /// has something, the maker lets go of it here.
    pub fn apart(mut self, let_go: impl Fn(&W) + Send + 'static) -> Self {
        self.apart = Some(Box::new(let_go));
        self
    }

    /// The operation ends asleep in the kernel: that is its last kill point.
    pub fn blocks(mut self) -> Self {
        self.blocks = true;
        self
    }

    /// The operation ends with its process: that is its last kill point.
    pub fn ends(mut self) -> Self {
        self.blocks = false;
        self.ends = true;
        self
    }

    /// The victim stays a zombie until the point is over; otherwise it is reaped
    /// before the survivors go on.
    pub fn zombie(mut self) -> Self {
        self.zombie = true;
        self
    }

    /// A planted bug, if `planted`: the row passes only if the sweep finds it.
    pub fn expect_failure(mut self, planted: bool) -> Self {
        self.expect_failure = planted;
        self
    }

    /// In the long sweep: kills at each of the first and last `edge` instructions and at
    /// every `step`th between.
    pub fn every(mut self, step: usize, edge: usize) -> Self {
        self.every = Some(Stride { edge, step });
        self
    }

    /// How long the survivors of one kill may take before that is a hang.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    pub fn point_limit(&self) -> Duration {
        let usual = if self.expect_failure { PLANTED } else { POINT };
        self.limit.unwrap_or(usual)
    }

    /// How long a sleep of the victim is that is none of a moment.
    pub fn blocked(&self) -> Duration {
        if self.blocks { EXPECTED } else { UNEXPECTED }
    }

    pub fn case(self) -> Case {
        Case::new(self.name.clone(), ROW, move || crate::report::sweep(&self))
    }
}

/// The words that the processes of one kill point share.
pub struct Stage {
    pub start: Instant,
    /// The victim has returned from its operation.
    pub finished: AtomicBool,
    pub killed: Gate,
    pub killed_at: AtomicU64,
    /// When the last survivor said that it was through, after `start`.
    pub recovered_at: AtomicU64,
    pub ready: [AtomicBool; ROLES],
    pub through: [AtomicBool; ROLES],
    pub over: Gate,
}

impl Stage {
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
            finished: AtomicBool::new(false),
            killed: Gate::default(),
            killed_at: AtomicU64::new(0),
            recovered_at: AtomicU64::new(0),
            ready: [const { AtomicBool::new(false) }; ROLES],
            through: [const { AtomicBool::new(false) }; ROLES],
            over: Gate::default(),
        }
    }

    /// Nanoseconds since `start`; the clock is the same in every process.
    pub fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).expect("less than 500 years")
    }

    pub fn recovered(&self) {
        self.recovered_at.fetch_max(self.now(), Ordering::AcqRel);
    }

    pub fn recovery(&self) -> Duration {
        let end = self.recovered_at.load(Ordering::Acquire);
        Duration::from_nanos(end.saturating_sub(self.killed_at.load(Ordering::Acquire)))
    }
}

/// Handed to the victim.
pub struct Begin(());

impl Begin {
    pub fn new() -> Self {
        Self(())
    }

    /// The first kill point is the next instruction.
    #[inline(always)]
    pub fn now(self) {
        trace::mark();
    }
}

/// Handed to holders and peers.
pub struct Peer<'a> {
    pub stage: &'a Stage,
    pub index: usize,
    /// Whether the others wait for it: the recovery ends when it is through.
    pub counts: bool,
}

impl Peer<'_> {
    /// Sleeps until the victim is dead. The victim does not start before.
    pub fn until_killed(&self) {
        self.is_ready();
        self.stage.killed.pass();
    }

    /// What this process had to do is done; it stays alive, with all it holds,
    /// until the survivor has returned.
    pub fn until_over(&self) {
        self.is_through();
        self.stage.over.pass();
    }

    /// Whether the victim had returned from its operation when it was killed.
    pub fn victim_finished(&self) -> bool {
        self.stage.finished.load(Ordering::Acquire)
    }

    pub fn is_ready(&self) {
        self.stage.ready[self.index].store(true, Ordering::Release);
    }

    pub fn is_through(&self) {
        if self.counts && !self.stage.through[self.index].load(Ordering::Acquire) {
            self.stage.recovered();
        }
        self.stage.through[self.index].store(true, Ordering::Release);
    }
}

/// Handed to the survivor.
pub struct After<'a> {
    pub stage: &'a Stage,
    pub victim: u32,
}

impl After<'_> {
    /// The pid that the victim had.
    pub fn victim(&self) -> u32 {
        self.victim
    }

    /// Whether the victim had returned from its operation.
    pub fn finished(&self) -> bool {
        self.stage.finished.load(Ordering::Acquire)
    }

    /// The operation has returned: the recovery ends here, and checks follow.
    /// Without this call it ends when `survive` returns.
    pub fn recovered(&self) {
        self.stage.recovered();
    }

    /// `survive` has returned.
    pub fn returned(&self) {
        if self.stage.recovered_at.load(Ordering::Acquire) == 0 {
            self.stage.recovered();
        }
    }
}
