//! The one of two programs that sends: `cargo run --example producer NAME`, and beside it
//! `cargo run --example consumer NAME`.
//!
//! Either may be started first, and either killed (`kill -9`) and started again, as often
//! as one likes: each number is counted once. The queue and both programs' progress have
//! names, so they outlive whoever uses them.

use std::error::Error;
use std::thread::sleep;
use std::time::Duration;

use killproof::Named;
use killproof::channel::{SendError, Sender};
use killproof::sync::Value;

/// How many numbers are sent, where nobody says otherwise.
const COUNT: u64 = 2000;

/// The other program is dead, and somebody will start it again.
const MEANWHILE: Duration = Duration::from_millis(1);

fn main() -> Result<(), Box<dyn Error>> {
    let name = std::env::args().nth(1).unwrap_or("numbers".into());
    let [jobs, sent, done, count] =
        ["jobs", "sent", "done", "count"].map(|part| Named::new(format!("{name}.{part}")));
    let queue: Sender<u64> = jobs.open_or_create()?;
    let next = sent.open_or_create_shared(|| Value::new(0_u64))?;
    let most = count.open_or_create_shared(|| Value::new(COUNT))?;
    println!("producer: on from {}", next.get());
    while next.get() < most.get() {
        let number = next.get();
        match queue.send_timeout(number, Duration::from_secs(1)) {
            // Killed before the next line, it sends the number again.
            Ok(()) => next.set(number + 1)?,
            Err(SendError::Full(_)) => {}
            Err(SendError::Disconnected(_)) => sleep(MEANWHILE),
            Err(error) => return Err(error.into()),
        }
    }
    while let Err(error) = queue.join() {
        if !error.is_gone() {
            return Err(error.into());
        }
        sleep(MEANWHILE);
    }
    println!("producer: {} numbers are sent and received", next.get());
    // What the other one has made, and lives, it takes away itself.
    [jobs, sent, done, count].iter().for_each(|name| _ = name.unlink());
    Ok(())
}
