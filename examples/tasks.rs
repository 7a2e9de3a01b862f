//! Tasks, workers, and results: `cargo run --example tasks`
//!
//! Twice as many workers as there are CPUs, of which one is killed (`kill -9`)
//! with a task in its hands. `join` waits until all tasks are done, that one too.

use std::error::Error;
use std::num::NonZero;
use std::thread::{self, available_parallelism};

use killproof::channel::{self, Receiver, Sender};
use killproof::process::{self, JoinError};
use killproof::sync::Event;

const TASKS: u32 = 10;

fn work(todo: &Receiver<(u32, u32)>, results: &Sender<String>) {
    while let Ok(task) = todo.lease() {
        let (a, b) = *task;
        // Whoever is killed between these two leaves a result that comes again.
        results.send(format!("{a} * {b} = {}", a * b)).unwrap();
        task.done();
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (tasks, todo) = channel::queue(TASKS as usize)?;
    let (results, answers) = channel::queue(TASKS as usize)?;
    tasks.send_many((1..=TASKS).map(|number| (number, number)))?;

    let (its_todo, has_one) = (todo.clone(), Event::new()?);
    let its_has_one = has_one.clone();
    let unlucky = process::spawn(move || {
        let _task = its_todo.lease().unwrap();
        its_has_one.set();
        loop {
            thread::park();
        }
    })?;
    has_one.wait();

    let mut workers = Vec::new();
    for _ in 0..2 * available_parallelism().map_or(1, NonZero::get) {
        let (todo, results) = (todo.clone(), results.clone());
        workers.push(process::spawn(move || work(&todo, &results))?);
    }
    drop((todo, results));
    unlucky.kill()?;
    assert_eq!(unlucky.join(), Err::<(), _>(JoinError::Signalled(9)));

    tasks.join()?;
    println!("all {TASKS} tasks are done");
    // Nobody sends any more: the workers go home.
    drop(tasks);
    for worker in workers {
        worker.join()?;
    }

    let answers: Vec<String> = answers.iter().collect();
    answers.iter().for_each(|answer| println!("{answer}"));
    assert_eq!(answers.len(), TASKS as usize);
    Ok(())
}
