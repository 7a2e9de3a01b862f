//! The machines against models of one line: random steps of one thread, dead
//! processes among those who take them.

mod barrier;
mod condvar;
mod once;
