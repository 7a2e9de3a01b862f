//! The kill sweep: a traced process runs one operation and is stepped through
//! it, one instruction at a time; others after it come the same way, and each is killed
//! at another instruction. After each kill the survivors go on.

mod barrier;
mod borrowed;
#[path = "../common/mod.rs"]
mod common;
mod condvar;
mod connection;
mod duplex;
mod ended;
mod ends;
mod event;
mod first;
mod forms;
mod join;
mod kind;
mod lease;
mod leaving;
mod letters;
mod mutex;
mod named;
mod once;
mod permits;
mod pipe;
mod place;
mod planted;
mod point;
mod polled;
mod polled_pipe;
mod pool;
mod process;
mod queue;
mod ranked;
mod reentrant;
mod report;
mod ring;
mod row;
mod rwlock;
#[cfg(target_arch = "x86_64")]
mod same_place;
mod selecting;
mod semaphore;
mod tube;
mod twice;
mod values;
mod wakes;
mod way;
mod worker;
#[cfg(feature = "serde")]
mod written;

fn main() {
    common::trace::require("sweep");
    let cases = [
        planted::cases(),
        // Elsewhere nobody runs.
        #[cfg(target_arch = "x86_64")]
        same_place::cases(),
        mutex::cases(),
        rwlock::cases(),
        reentrant::cases(),
        semaphore::cases(),
        event::cases(),
        polled::cases(),
        condvar::cases(),
        barrier::cases(),
        once::cases(),
        queue::cases(),
        lease::cases(),
        borrowed::cases(),
        join::cases(),
        letters::cases(),
        ranked::cases(),
        wakes::cases(),
        forms::cases(),
        selecting::cases(),
        leaving::cases(),
        pipe::cases(),
        named::cases(),
        connection::cases(),
        duplex::cases(),
        polled_pipe::cases(),
        twice::cases(),
        process::cases(),
        ended::cases(),
        permits::cases(),
        values::cases(),
        worker::cases(),
        pool::cases(),
        #[cfg(feature = "serde")]
        written::cases(),
    ];
    common::case::run(cases.into_iter().flatten().collect());
}
