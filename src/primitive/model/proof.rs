//! The face that proofs see: every interleaving, and a death at every step.
//!
//! `native/proof.rs` has the same names, and runs the same bodies with threads.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::process::{current, live};
use super::trace::Trace;
use super::world::{Loads, Timeouts, World};
use crate::primitive::Stamp;

/// A claim about a machine, and how thoroughly it is looked at.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub(crate) struct Proof {
    name: &'static str,
    timeouts: Timeouts,
    loads: Loads,
    preemptions: Option<usize>,
    most_executions: usize,
}

/// Without `KILLPROOF_MODEL=full`, proofs that are bounded are bounded by this. Most
/// bugs need no more (Musuvathi and Qadeer, "Iterative Context Bounding", 2007),
/// and each more multiplies the executions.
const PREEMPTIONS: usize = 2;

fn is_full() -> bool {
    std::env::var("KILLPROOF_MODEL").is_ok_and(|model| model == "full")
}

impl Proof {
    /// All interleavings, and in them all values that loads may see; timeouts
    /// that never fire.
    pub(crate) fn of(name: &'static str) -> Proof {
        Proof {
            name,
            timeouts: Timeouts::Never,
            loads: Loads::MayBeStale,
            preemptions: None,
            most_executions: 200_000,
        }
    }

    /// Only interleavings with at most `most` preemptions, or [`PREEMPTIONS`].
    pub(crate) fn preemptions(self, most: usize) -> Proof {
        let most = if is_full() { most } else { most.min(PREEMPTIONS) };
        Proof { preemptions: Some(most), ..self }
    }

    /// One that takes a minute like that: without `KILLPROOF_MODEL=full`, of at most
    /// one preemption, and where it was one already, with fresh loads.
    pub(crate) fn takes_long(self) -> Proof {
        match self.preemptions {
            _ if is_full() => self,
            Some(..=1) => self.with_fresh_loads_only(),
            _ => Proof { preemptions: Some(1), ..self },
        }
    }

    /// More executions than these are a failure.
    pub(crate) fn most_executions(self, most: usize) -> Proof {
        Proof { most_executions: most, ..self }
    }

    /// Loads see the newest value: interleavings alone. For more processes than
    /// could be looked at otherwise; says nothing about orderings. Every other
    /// proof is looked at in this way first.
    pub(crate) fn with_fresh_loads_only(self) -> Proof {
        Proof { loads: Loads::Fresh, ..self }
    }

    /// Timeouts fire for all sleepers at once when nobody living is awake.
    pub(crate) fn with_timeouts(self) -> Proof {
        Proof { timeouts: Timeouts::WhenAllBlocked, ..self }
    }

    /// Runs `body` in every interleaving. Nobody dies.
    pub(crate) fn explore(self, body: impl Fn(&Processes) + Send + Sync + 'static) {
        let (executions, _) = self.run(&[], Arc::new(body));
        println!("loom {}: {executions} executions{}", self.name, self.bound());
    }

    /// Runs `body` in every interleaving, once for each step at which its
    /// [`victim`](Processes::victim) can die, with timeouts.
    pub(crate) fn for_each_death(self, body: impl Fn(&Processes) + Send + Sync + 'static) {
        let proof = self.with_timeouts();
        let body = Arc::new(body);
        let mut total = 0;
        for step in 1.. {
            let (executions, dead) = proof.run(&[step], body.clone());
            total += executions;
            if dead == 0 {
                let (name, steps, bound) = (self.name, step - 1, self.bound());
                assert!(steps > 0, "{name}: there is no victim");
                println!("loom {name}: death at each of {steps} steps, {total} executions{bound}");
                return;
            }
        }
    }

    /// The same for a body with two victims, that die one after the other: once
    /// for each pair of steps.
    pub(crate) fn for_each_two_deaths(self, body: impl Fn(&Processes) + Send + Sync + 'static) {
        let proof = self.with_timeouts();
        let body = Arc::new(body);
        let (mut total, mut pairs) = (0, 0);
        for first in 1.. {
            for second in 1.. {
                let (executions, dead) = proof.run(&[first, second], body.clone());
                total += executions;
                match dead {
                    2 => pairs += 1,
                    // The second one outlived its fuse.
                    _ if second > 1 => break,
                    // The first one did: it died at each of its steps.
                    _ => {
                        let (name, bound) = (self.name, self.bound());
                        assert!(pairs > 0, "{name}: there are no two victims");
                        println!("loom {name}: {pairs} pairs of deaths, {total} executions{bound}");
                        return;
                    }
                }
            }
        }
    }

    /// Checks that the model finds the bug that was planted in a proof.
    pub(crate) fn finds(self, message: &str, proof: impl FnOnce(Proof)) {
        let Err(payload) = catch_unwind(AssertUnwindSafe(|| proof(self))) else {
            panic!("{}: the planted bug was not found", self.name);
        };
        let found = match payload.downcast_ref::<String>() {
            Some(text) => text.as_str(),
            None => payload.downcast_ref::<&str>().copied().unwrap_or("no message"),
        };
        assert!(found.contains(message), "{}: another bug was found: {found}", self.name);
        println!("loom {}: finds the planted bug: {found}", self.name);
    }

    /// How many executions there were, and how many died in one at most.
    fn run(
        self,
        fuses: &[u32],
        body: Arc<impl Fn(&Processes) + Send + Sync + 'static>,
    ) -> (usize, usize) {
        // Neither contains the other: see `atomic` for the orders that loom leaves
        // out where loads are loads.
        let fresh = self.with_fresh_loads_only().run_with_loads(fuses, body.clone());
        if self.loads == Loads::Fresh {
            return fresh;
        }
        let stale = self.run_with_loads(fuses, body);
        (fresh.0 + stale.0, fresh.1.max(stale.1))
    }

    fn run_with_loads(
        self,
        fuses: &[u32],
        body: Arc<impl Fn(&Processes) + Send + Sync + 'static>,
    ) -> (usize, usize) {
        let executions = Arc::new(AtomicUsize::new(0));
        let most_dead = Arc::new(AtomicUsize::new(0));
        let mut model = loom::model::Builder::new();
        model.preemption_bound = self.preemptions;
        // loom's own caps end a run as if it had passed.
        (model.max_permutations, model.max_duration) = (None, None);
        model.max_branches = 5_000;
        let execution = {
            let (executions, most_dead) = (executions.clone(), most_dead.clone());
            let fuses = fuses.to_vec();
            move || {
                let count = executions.fetch_add(1, Ordering::Relaxed);
                assert!(count < self.most_executions, "not finished after {count} executions");
                let world = World::begin(self.timeouts, self.loads);
                let fuses = RefCell::new(fuses.clone().into());
                let processes = Processes { world, fuses, waiting: RefCell::default() };
                body(&processes);
                let entries = processes.world.entries.borrow();
                let dead = entries.iter().filter(|entry| entry.is_dead).count();
                most_dead.fetch_max(dead, Ordering::Relaxed);
            }
        };
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| model.check(execution))) {
            let count = executions.load(Ordering::Relaxed);
            eprintln!("loom {}: execution {count}, fuses {fuses:?}:", self.name);
            World::with(|world| eprint!("{}", Trace(&world.trace.borrow())));
            resume_unwind(payload);
        }
        (executions.load(Ordering::Relaxed), most_dead.load(Ordering::Relaxed))
    }

    fn bound(self) -> String {
        let loads = if self.loads == Loads::Fresh { ", fresh loads" } else { "" };
        match self.preemptions {
            Some(most) => format!("{loads}, at most {most} preemptions"),
            None => loads.into(),
        }
    }
}

/// Who runs a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process {
    pub(crate) stamp: Stamp,
    /// The number of this thread within its process.
    pub(crate) thread: u64,
}

/// A body, its index among the entries, and what to do at its death.
type Waiting = (usize, Box<dyn FnOnce()>, Box<dyn FnOnce()>);

/// The processes of one execution.
pub(crate) struct Processes {
    world: Rc<World>,
    /// Of the victims to come.
    fuses: RefCell<VecDeque<u32>>,
    waiting: RefCell<Vec<Waiting>>,
}

impl Processes {
    /// A process that runs `body`, from [`run`](Processes::run) on.
    pub(crate) fn spawn<T: 'static, R>(
        &self,
        shared: &Arc<T>,
        body: impl FnOnce(&T, Process) -> R + 'static,
    ) -> Stamp {
        self.add(None, None, shared, body, |_, _| ())
    }

    /// One more thread of `process`, which is nobody's victim.
    pub(crate) fn spawn_thread<T: 'static, R>(
        &self,
        process: Stamp,
        shared: &Arc<T>,
        body: impl FnOnce(&T, Process) -> R + 'static,
    ) {
        self.add(Some(process), None, shared, body, |_, _| ());
    }

    /// The process that dies. `at_death` looks at what it leaves behind,
    /// before anybody else can be told of the death.
    pub(crate) fn victim<T: 'static, R>(
        &self,
        shared: &Arc<T>,
        body: impl FnOnce(&T, Process) -> R + 'static,
        at_death: impl FnOnce(&T, Process) + 'static,
    ) -> Stamp {
        let fuse = self.fuses.borrow_mut().pop_front();
        self.add(None, fuse, shared, body, at_death)
    }

    fn add<T: 'static, R>(
        &self,
        thread_of: Option<Stamp>,
        fuse: Option<u32>,
        shared: &Arc<T>,
        body: impl FnOnce(&T, Process) -> R + 'static,
        at_death: impl FnOnce(&T, Process) + 'static,
    ) -> Stamp {
        let index = self.world.add(thread_of, fuse);
        let (stamp, thread) = self.world.name(index);
        let me = Process { stamp, thread };
        let (ours, left) = (shared.clone(), shared.clone());
        let body = move || {
            assert_eq!(current(), Ok(stamp));
            body(&ours, me);
        };
        let at_death = move || at_death(&left, me);
        self.waiting.borrow_mut().push((index, Box::new(body), Box::new(at_death)));
        stamp
    }

    /// Lets all processes run, and waits until each has finished or died.
    pub(crate) fn run(&self) {
        let threads: Vec<_> = self
            .waiting
            .take()
            .into_iter()
            .map(|(index, body, at_death)| loom::thread::spawn(move || live(index, body, at_death)))
            .collect();
        for thread in threads {
            // loom ends the execution where a thread panics.
            let _ = thread.join();
        }
    }

    /// A process that comes when all the others have ended, or before there are
    /// any.
    pub(crate) fn afterwards<T: 'static, R>(
        &self,
        shared: &Arc<T>,
        body: impl FnOnce(&T, Process) -> R + 'static,
    ) -> Stamp {
        let stamp = self.spawn(shared, body);
        for (index, body, at_death) in self.waiting.take() {
            live(index, body, at_death);
        }
        stamp
    }
}
