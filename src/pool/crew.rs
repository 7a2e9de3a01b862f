//! Who runs the tasks, as the owner sees them: its ends of the rings of worker
//! processes, and of their keeper; or threads.

use core::time::Duration;

use super::board::Board;
use super::book::{Book, Move};
use super::call::Callee;
use super::report::{Order, Report};
use super::threads::Threads;
use crate::channel::{Receiver, Sender};
use crate::error::Error;
use crate::process::{Child, wait_any};
use crate::sync::Event;
use crate::sys::map::Code;

/// How long the keeper may take to end everybody, before it is killed: then its
/// lifeline does it.
const GRACE: Duration = Duration::from_secs(2);

pub(super) enum Crew {
    /// Larger than the other by the ends of queues.
    Processes(Box<Processes>),
    Threads(Threads),
}

pub(super) struct Processes {
    pub(super) lines: Vec<Line>,
    pub(super) notices: Receiver<Report>,
    pub(super) keeper: Child<()>,
    pub(super) stop: Event,
    pub(super) board: Board,
    /// Where code lay when the keeper was forked.
    pub(super) code: Code,
}

/// The owner's ends of one worker's rings.
pub(super) struct Line {
    pub(super) orders: Sender<Order>,
    /// To take back what has not begun.
    pub(super) todo: Receiver<Order>,
    pub(super) results: Receiver<Report>,
}

impl Crew {
    /// Whether this function's code is there where it is to be called.
    pub(super) fn knows(&self, callee: Callee) -> bool {
        match self {
            Crew::Processes(processes) => processes.code.has(&callee.addresses()),
            Crew::Threads(_) => true,
        }
    }

    /// A task more is there: gives tasks to whoever has room. Never waits.
    pub(super) fn give_out(&self, book: &mut Book, is_quiet: bool) {
        match self {
            Crew::Processes(processes) => processes.give_out(book, is_quiet),
            Crew::Threads(threads) => threads.wake_one(),
        }
    }

    /// Ends everybody who can be ended.
    pub(super) fn terminate(&self) -> Result<(), Error> {
        match self {
            Crew::Processes(processes) => processes.terminate(),
            Crew::Threads(threads) => {
                threads.wake();
                Ok(())
            }
        }
    }

    /// Nothing is left to be done: waits until everybody has ended.
    pub(super) fn finish(&self) -> Result<(), Error> {
        match self {
            Crew::Processes(processes) => processes.finish(),
            Crew::Threads(threads) => {
                threads.finish();
                Ok(())
            }
        }
    }
}

impl Processes {
    /// What is there to be received; the results before what the keeper says, so that one
    /// is seen before the news that its worker is dead.
    pub(super) fn receive(&self) -> Vec<Report> {
        // Asked for in the other order: who is dead has said all by then.
        let notices: Vec<Report> = all_of(&self.notices).collect();
        let results = self.lines.iter().flat_map(|line| all_of(&line.results));
        let mut reports: Vec<Report> = results.collect();
        reports.extend(notices);
        reports
    }

    fn give_out(&self, book: &mut Book, is_quiet: bool) {
        book.begin_round(is_quiet);
        while let Some(next) = book.next_move() {
            match next {
                Move::Give { slot, order } => {
                    if let Err(error) = self.lines[slot].orders.try_send(order) {
                        book.refused(slot, error.into_inner());
                    }
                }
                Move::Take { slot } => {
                    let order = self.lines[slot].todo.try_recv().ok();
                    book.taken(slot, order);
                }
            }
        }
    }

    fn terminate(&self) -> Result<(), Error> {
        self.stop.set();
        if wait_any(&[&self.keeper], Some(GRACE))?.is_none() {
            self.keeper.kill()?;
            wait_any(&[&self.keeper], None)?;
        }
        Ok(())
    }

    /// The workers end, and their keeper after them.
    fn finish(&self) -> Result<(), Error> {
        self.lines.iter().for_each(|line| line.orders.close());
        wait_any(&[&self.keeper], None).map(drop)
    }
}

fn all_of(inbox: &Receiver<Report>) -> impl Iterator<Item = Report> {
    core::iter::from_fn(|| inbox.try_recv().ok())
}
