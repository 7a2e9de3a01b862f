//! A server in tokio and its workers: `cargo run --example server --features tokio`
//!
//! Three processes square numbers; one takes a number and hangs. The server awaits
//! the results, the hanging, and the end of each worker, all on one thread. It kills
//! the one that hangs (`kill -9`), and somebody else is given its number.

use std::collections::BTreeMap;
use std::error::Error;
use std::rc::Rc;
use std::thread;

use killproof::channel::{self, Receiver};
use killproof::process::{Builder, Child};
use killproof::sync::Event;
use tokio::runtime;
use tokio::task::{LocalSet, spawn_local};

const JOBS: usize = 12;

fn main() -> Result<(), Box<dyn Error>> {
    let (jobs, todo) = channel::queue::<u64>(JOBS)?;
    let (results, inbox) = channel::queue::<(u64, u64)>(JOBS)?;
    let hangs = Event::new()?;

    // The processes first: a child has no use for its parent's runtime.
    let (its_todo, its_hangs) = (todo.clone(), hangs.clone());
    let unlucky = Builder::new().name("the unlucky one").spawn(move || -> u32 {
        let _job = its_todo.lease().unwrap();
        its_hangs.set();
        loop {
            thread::park();
        }
    })?;
    jobs.send(0)?;
    let mut workers = Vec::new();
    for number in 1..=2 {
        let (todo, results, hangs) = (todo.clone(), results.clone(), hangs.clone());
        workers.push(Builder::new().name(format!("worker {number}")).spawn(move || {
            hangs.wait();
            let mut done = 0;
            while let Ok(job) = todo.lease() {
                results.send((job.id(), *job * *job)).unwrap();
                job.done();
                done += 1;
            }
            done
        })?);
    }
    drop((todo, results));

    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    let squares = LocalSet::new().block_on(&runtime, async {
        let inbox = spawn_local(collect(inbox));
        let unlucky = Rc::new(unlucky);
        let victim = Rc::clone(&unlucky);
        let kills = spawn_local(async move {
            hangs.wait_async().await?;
            victim.kill()
        });
        for number in 1..JOBS as u64 {
            jobs.send_async(number).await?;
        }
        kills.await??;
        // Nothing more: the workers end when everything is done.
        drop(jobs);
        let unlucky = Rc::into_inner(unlucky).expect("the other one is gone");
        let ends: Vec<_> =
            workers.into_iter().chain([unlucky]).map(|child| spawn_local(bury(child))).collect();
        for end in ends {
            println!("{}", end.await?);
        }
        Ok::<_, Box<dyn Error>>(inbox.await?)
    })?;
    println!("{} squares: {:?}", squares.len(), squares.values());
    assert!((0..JOBS as u64).map(|number| number * number).eq(squares.into_values()));
    Ok(())
}

/// The results by the names of their jobs: one that comes twice counts once.
async fn collect(inbox: Receiver<(u64, u64)>) -> BTreeMap<u64, u64> {
    let mut squares = BTreeMap::new();
    while let Ok((id, square)) = inbox.recv_async().await {
        squares.insert(id, square);
    }
    squares
}

async fn bury(mut child: Child<u32>) -> String {
    let end = child.join_async().await;
    format!("{}: {end:?}", child.name())
}
