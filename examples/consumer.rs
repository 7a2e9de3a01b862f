//! The one of two programs that receives: see `producer`.

use std::error::Error;
use std::thread::sleep;
use std::time::Duration;

use killproof::Named;
use killproof::channel::{Receiver, RecvError};
use killproof::sync::Value;

/// As the producer says it.
const COUNT: u64 = 2000;

/// The other program is dead, and somebody will start it again.
const MEANWHILE: Duration = Duration::from_millis(1);

killproof::plain! {
    /// What was made of the numbers so far. It changes at once.
    struct Done {
        /// The number that comes next.
        next: u64,
        sum: u64,
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let name = std::env::args().nth(1).unwrap_or("numbers".into());
    let [jobs, sent, done, count] =
        ["jobs", "sent", "done", "count"].map(|part| Named::new(format!("{name}.{part}")));
    let queue: Receiver<u64> = jobs.open_or_create()?;
    let total = done.open_or_create_shared(|| Value::new(Done { next: 0, sum: 0 }))?;
    let most = count.open_or_create_shared(|| Value::new(COUNT))?;
    println!("consumer: on from {}", total.get().next);
    // When all are counted, what is left is what came again.
    while total.get().next < most.get() || !queue.is_empty() {
        let task = match queue.lease_timeout(Duration::from_secs(1)) {
            Ok(task) => task,
            Err(RecvError::Empty) => continue,
            Err(RecvError::Disconnected) => {
                sleep(MEANWHILE);
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        // It comes again where the producer was killed after sending it, or this program
        // before it was done. What a dead consumer had comes first, so none is missing.
        let number = *task;
        let Done { next, sum } = total.get();
        assert!(number <= next, "{next} is missing, and {number} is here");
        if number == next {
            total.set(Done { next: next + 1, sum: sum + number })?;
        }
        task.done();
    }
    let Done { next, sum } = total.get();
    println!("consumer: {next} numbers, of which the sum is {sum}");
    // What the other one has made, and lives, it takes away itself.
    [jobs, sent, done, count].iter().for_each(|name| _ = name.unlink());
    Ok(())
}
