//! The face that proofs see, on the real machine: threads, many times over.
//!
//! The processes of a proof are threads of this one process here, so they bear
//! one stamp and nobody dies. `model/proof.rs` has the same names.

use std::cell::{Cell, RefCell};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use super::current;
use crate::primitive::Stamp;

/// A claim about a machine, tried many times.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub(crate) struct Proof {
    name: &'static str,
}

impl Proof {
    const ROUNDS: u32 = 300;

    pub(crate) fn of(name: &'static str) -> Proof {
        Proof { name }
    }

    /// Here the scheduler decides.
    pub(crate) fn preemptions(self, _most: usize) -> Proof {
        self
    }

    /// Here none does.
    pub(crate) fn takes_long(self) -> Proof {
        self
    }

    /// Here the CPU decides.
    pub(crate) fn with_fresh_loads_only(self) -> Proof {
        self
    }

    /// Here time passes by itself.
    #[allow(dead_code)]
    pub(crate) fn with_timeouts(self) -> Proof {
        self
    }

    pub(crate) fn explore(self, body: impl Fn(&Processes) + Send + Sync + 'static) {
        for _ in 0..Proof::ROUNDS {
            body(&Processes { threads: Cell::new(0), waiting: RefCell::default() });
        }
        println!("native {}: {} rounds", self.name, Proof::ROUNDS);
    }

    /// Nobody dies here.
    pub(crate) fn for_each_death(self, body: impl Fn(&Processes) + Send + Sync + 'static) {
        self.explore(body);
    }

    /// Nobody dies here.
    pub(crate) fn for_each_two_deaths(self, body: impl Fn(&Processes) + Send + Sync + 'static) {
        self.explore(body);
    }
}

/// Time passes by itself here.
pub(crate) fn pass_time(_time: Duration) {}

/// Who runs a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process {
    pub(crate) stamp: Stamp,
    /// The number of this thread within its process.
    pub(crate) thread: u64,
}

/// The threads of one round.
pub(crate) struct Processes {
    /// How many there have been.
    threads: Cell<u64>,
    waiting: RefCell<Vec<Box<dyn FnOnce() + Send>>>,
}

impl Processes {
    /// A thread that runs `body`, from [`run`](Processes::run) on.
    pub(crate) fn spawn<T: Send + Sync + 'static, R>(
        &self,
        shared: &Arc<T>,
        body: impl FnOnce(&T, Process) -> R + Send + 'static,
    ) -> Stamp {
        let stamp = current().expect("this process has a stamp");
        self.threads.set(self.threads.get() + 1);
        let me = Process { stamp, thread: self.threads.get() };
        let shared = shared.clone();
        self.waiting.borrow_mut().push(Box::new(move || {
            body(&shared, me);
        }));
        stamp
    }

    /// One more thread.
    pub(crate) fn spawn_thread<T: Send + Sync + 'static, R>(
        &self,
        _process: Stamp,
        shared: &Arc<T>,
        body: impl FnOnce(&T, Process) -> R + Send + 'static,
    ) {
        self.spawn(shared, body);
    }

    /// A thread that will not die here.
    pub(crate) fn victim<T: Send + Sync + 'static, R>(
        &self,
        shared: &Arc<T>,
        body: impl FnOnce(&T, Process) -> R + Send + 'static,
        _at_death: impl FnOnce(&T, Process),
    ) -> Stamp {
        self.spawn(shared, body)
    }

    /// Lets all threads run at once, and waits for them.
    pub(crate) fn run(&self) {
        let waiting = self.waiting.take();
        let start = Barrier::new(waiting.len());
        thread::scope(|scope| {
            for body in waiting {
                scope.spawn(|| {
                    start.wait();
                    body();
                });
            }
        });
    }

    /// A thread that comes when all the others have ended, or before there are
    /// any.
    pub(crate) fn afterwards<T: Send + Sync + 'static, R>(
        &self,
        shared: &Arc<T>,
        body: impl FnOnce(&T, Process) -> R + Send + 'static,
    ) -> Stamp {
        let stamp = self.spawn(shared, body);
        self.run();
        stamp
    }
}
