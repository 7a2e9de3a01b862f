//! The workers: hired by fork, killed, and replaced.

use std::error::Error;

use killproof::Shared;
use killproof::channel::{Receiver, Sender};
use killproof::process::{self, Child, JoinError};

use crate::chunk::Chunk;
use crate::desk::{Desk, State};
use crate::part::Part;
use crate::worker::work;

const SIGKILL: i32 = 9;

/// So many workers may end unasked: after that, something is wrong.
const MOST_LOST: usize = 1000;

pub struct Crew {
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
    desk: Shared<Desk>,
}

impl Crew {
    pub fn hire(
        count: usize,
        todo: Receiver<Chunk>,
        results: Sender<Part>,
        most_attempts: u32,
    ) -> Result<Crew, Box<dyn Error>> {
        let mut crew = Crew { workers: Vec::new(), todo, results, most_attempts, lost: 0 };
        for _ in 0..count {
            crew.hire_one()?;
        }
        Ok(crew)
    }

    /// The clones are the child's alone: the parent drops its copies of them
    /// with the closure, so a dead worker leaves nothing to be counted.
    fn hire_one(&mut self) -> Result<(), Box<dyn Error>> {
        let desk = Shared::new(Desk::new())?;
        let (todo, results, own_desk) = (self.todo.clone(), self.results.clone(), desk.clone());
        let most_attempts = self.most_attempts;
        let child = process::spawn(move || work(&todo, &results, &own_desk, most_attempts))?;
        self.workers.push(Worker { child, desk });
        Ok(())
    }

    pub fn size(&self) -> usize {
        self.workers.len()
    }

    /// What the workers are doing.
    pub fn states(&self) -> Vec<State> {
        self.workers.iter().map(|worker| worker.desk.state()).collect()
    }

    /// Kills a worker and hires another. Returns where it was hit: what it was
    /// doing is read after its end, when it cannot change any more. `None` when
    /// it had ended before.
    pub fn kill(&mut self, index: usize) -> Result<Option<State>, Box<dyn Error>> {
        let Worker { child, desk } = self.workers.remove(index);
        child.kill()?;
        let landed = child.join() == Err(JoinError::Signalled(SIGKILL));
        self.hire_one()?;
        Ok(landed.then(|| desk.state()))
    }

    /// Whether there are tasks that nobody has leased, or a dead worker had.
    pub fn has_tasks_waiting(&self) -> bool {
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
            self.hire_one()?;
            self.lost += 1;
        }
        match self.lost {
            0..=MOST_LOST => Ok(()),
            _ => Err(format!("{} workers ended by themselves", self.lost).into()),
        }
    }

    /// Gives up the ends of the queues that replacements would have needed, and
    /// with them the last sender of results that is not a worker.
    pub fn dismiss(self) -> Vec<Child<Result<(), String>>> {
        self.workers.into_iter().map(|worker| worker.child).collect()
    }
}
