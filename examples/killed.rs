//! A worker is killed while it holds a lock and a message. Run it with
//!
//! ```text
//! cargo run --release --example killed
//! ```

use killproof::sync::{Mutex, OrRecover};
use killproof::{Shared, channel, process};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let total = Shared::new(Mutex::new(2_u64))?;
    let (jobs, todo) = channel::queue(16)?;
    jobs.send(40_u64)?;

    let (its_total, its_todo) = (total.clone(), todo.clone());
    let worker = process::spawn(move || -> () {
        let _job = its_todo.lease().unwrap();
        let _guard = its_total.lock().unwrap();
        loop {
            std::thread::park();
        }
    })?;
    while total.try_lock().is_ok() {}
    worker.kill()?; // SIGKILL: it holds both, and will never give them back

    println!("the worker   {:?}", worker.join());
    println!("the lock     {:?}", total.lock());
    let job = todo.lease()?;
    println!("the message  {job:?}");

    let mut total = total.lock().or_recover(|total| *total = 2).unwrap();
    *total += job.done();
    println!("and on we go {total:?}");
    Ok(())
}
