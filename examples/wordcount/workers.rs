//! The workers, as the parent sees them: spawned, killed, and replaced.

use std::error::Error;

use killproof::Shared;
use killproof::channel::{Receiver, Sender};
use killproof::process::{self, Child, JoinError};

use crate::chunk::Chunk;
use crate::part::Part;
use crate::status::{State, Status};
use crate::worker::work;

const SIGKILL: i32 = 9;

/// So many workers may end unasked: after that, something is wrong.
const MOST_LOST: usize = 1000;

pub struct Workers {
    /// The longest in service first.
    workers: Vec<Worker>,
    todo: Receiver<Chunk>,
    results: Sender<Part>,
    most_attempts: u32,
    /// How many workers ended unasked.
    pub lost: usize,
}

struct Worker {
    child: Child<Result<(), String>>,
    status: Shared<Status>,
}

impl Workers {
    pub fn spawn(
        count: usize,
        todo: Receiver<Chunk>,
        results: Sender<Part>,
        most_attempts: u32,
    ) -> Result<Workers, Box<dyn Error>> {
        let mut workers = Workers { workers: Vec::new(), todo, results, most_attempts, lost: 0 };
        for _ in 0..count {
            workers.spawn_one()?;
        }
        Ok(workers)
    }

    /// What the closure captures becomes the child's alone, so its ends of the
    /// queues die with it.
    fn spawn_one(&mut self) -> Result<(), Box<dyn Error>> {
        let status = Shared::new(Status::new())?;
        let (todo, results, own_status) = (self.todo.clone(), self.results.clone(), status.clone());
        let most_attempts = self.most_attempts;
        let child = process::spawn(move || work(&todo, &results, &own_status, most_attempts))?;
        self.workers.push(Worker { child, status });
        Ok(())
    }

    pub fn count(&self) -> usize {
        self.workers.len()
    }

    /// What the workers are doing.
    pub fn states(&self) -> Vec<State> {
        self.workers.iter().map(|worker| worker.status.state()).collect()
    }

    /// Kills a worker and spawns another. Returns where it was hit: what it was
    /// doing is read after its end, when it cannot change any more. `None` when
    /// it had ended before.
    pub fn kill(&mut self, index: usize) -> Result<Option<State>, Box<dyn Error>> {
        let Worker { child, status } = self.workers.remove(index);
        child.kill()?;
        let landed = child.join() == Err(JoinError::Signalled(SIGKILL));
        self.spawn_one()?;
        Ok(landed.then(|| status.state()))
    }

    /// Whether there are tasks that nobody has leased, or a dead worker had.
    pub fn have_tasks_waiting(&self) -> bool {
        !self.todo.is_empty()
    }

    /// Replaces workers that ended unasked, and says how they did.
    pub fn replace_lost(&mut self, say: impl Fn(String)) -> Result<(), Box<dyn Error>> {
        for mut worker in std::mem::take(&mut self.workers) {
            let how = match worker.child.try_join() {
                Ok(None) => {
                    self.workers.push(worker);
                    continue;
                }
                Ok(Some(Ok(()))) => "it left".to_owned(),
                Ok(Some(Err(reason))) => reason,
                Err(error) => error.to_string(),
            };
            say(format!("worker {}: {how}; replaced", worker.child.pid()));
            self.spawn_one()?;
            self.lost += 1;
        }
        match self.lost {
            0..=MOST_LOST => Ok(()),
            _ => Err(format!("{} workers ended by themselves", self.lost).into()),
        }
    }

    /// Gives up the ends of the queues that replacements would have needed:
    /// from now on, only the workers send results.
    pub fn into_children(self) -> Vec<Child<Result<(), String>>> {
        self.workers.into_iter().map(|worker| worker.child).collect()
    }
}
