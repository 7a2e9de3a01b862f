//! One after the other, and at once: `cargo run --example timing`
//!
//! Three tasks of 0.3 seconds. With `apply` they take three times as long as one; with
//! `apply_async` as long as one, and giving them out takes no time at all. Who does not
//! wait for them before the pool is dropped has lost them, and is told.

use std::error::Error;
use std::thread::sleep;
use std::time::{Duration, Instant};

use killproof::pool::Pool;

const TASK: Duration = Duration::from_millis(300);

fn pool() -> Result<Pool<u32, u32>, Box<dyn Error>> {
    Ok(Pool::new(3, |number| {
        sleep(TASK);
        number
    })?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let sync = pool()?;
    let start = Instant::now();
    for number in 0..3 {
        sync.apply(number)?;
    }
    println!("apply:                 {:.3} s", start.elapsed().as_secs_f64());

    let at_once = pool()?;
    let start = Instant::now();
    let results: Vec<_> = (0..3).map(|number| at_once.apply_async(number)).collect();
    println!("apply_async:           {:.3} s", start.elapsed().as_secs_f64());
    at_once.close();
    at_once.join()?;
    println!("apply_async and join:  {:.3} s", start.elapsed().as_secs_f64());
    let results: Result<Vec<u32>, _> = results.into_iter().map(|result| result.get()).collect();
    println!("results: {:?}", results?);

    let dropped = pool()?;
    let lost = dropped.apply_async(7);
    drop(dropped);
    println!("not waited for: {:?}", lost.get().unwrap_err());
    Ok(())
}
