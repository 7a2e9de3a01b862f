//! The state of one execution: who lives, who sleeps where, and for how long.
//!
//! loom runs all threads of an execution on one thread of the system, which is
//! where the state lies. It is changed between scheduling points only, so each
//! change is one with the operation on a loom object before it; that is how
//! loom knows which of them must be tried in another order.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::fence::Fence;
use super::trace::{Note, note};
use crate::primitive::Stamp;

/// When a modelled sleep ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timeouts {
    /// Not at all: a lost wake fails the run.
    Never,
    /// For all sleepers at once, when nobody living is awake: what a death or
    /// a lost wake left behind must then be healed.
    WhenAllBlocked,
}

/// What a load may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loads {
    /// Any value that the orderings allow.
    MayBeStale,
    /// The newest.
    Fresh,
}

/// So many timeouts without anybody finishing: nothing is being healed.
const MOST_TIMEOUTS: u32 = 12;

/// One thread of control: a process, or one more thread of it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) stamp: Stamp,
    /// Whose `alive` speaks for this stamp.
    pub(super) alive: Rc<loom::sync::atomic::AtomicU32>,
    /// Steps left to live; `None` for ever.
    pub(super) fuse: Option<u32>,
    /// Which thread of its process this is, from 1 on.
    thread_number: u64,
    /// The last one that it came through.
    pub(super) fence: Option<Fence>,
    is_running: bool,
    pub(super) is_dead: bool,
    /// Where it sleeps.
    asleep_at: Option<usize>,
    timed_out: bool,
    thread: Option<loom::thread::Thread>,
}

#[derive(Debug)]
pub(super) struct World {
    timeouts: Timeouts,
    pub(super) loads: Loads,
    /// Timeouts since somebody finished.
    fired: Cell<u32>,
    pub(super) clock: loom::sync::atomic::AtomicU64,
    pub(super) entries: RefCell<Vec<Entry>>,
    /// Sleepers, the longest first.
    queue: RefCell<Vec<usize>>,
    pub(super) trace: RefCell<Vec<Note>>,
}

thread_local! {
    static WORLD: RefCell<Option<Rc<World>>> = const { RefCell::new(None) };
}

loom::thread_local! {
    static RUNNING: Cell<Option<usize>> = Cell::new(None);
}

impl World {
    /// Begins an execution.
    pub(super) fn begin(timeouts: Timeouts, loads: Loads) -> Rc<World> {
        let world = Rc::new(World {
            timeouts,
            loads,
            fired: Cell::new(0),
            clock: 0.into(),
            entries: RefCell::new(Vec::new()),
            queue: RefCell::new(Vec::new()),
            trace: RefCell::new(Vec::new()),
        });
        WORLD.set(Some(world.clone()));
        world
    }

    /// The execution that runs on this thread.
    pub(super) fn with<R>(f: impl FnOnce(&World) -> R) -> R {
        WORLD.with_borrow(|world| f(world.as_ref().expect("no execution has begun")))
    }

    /// The same, to be kept over a scheduling point.
    pub(super) fn current() -> Rc<World> {
        WORLD.with_borrow(|world| world.clone().expect("no execution has begun"))
    }

    /// Which process runs; `None`: the proof itself.
    pub(super) fn running(&self) -> Option<usize> {
        RUNNING.with(Cell::get)
    }

    pub(super) fn set_running(&self, index: Option<usize>) {
        RUNNING.with(|running| running.set(index));
    }

    /// A process more, or with `stamp` one more thread of that process. It
    /// counts as awake from now on.
    pub(super) fn add(&self, thread_of: Option<Stamp>, fuse: Option<u32>) -> usize {
        let mut entries = self.entries.borrow_mut();
        let index = entries.len();
        let siblings = entries.iter().filter(|entry| Some(entry.stamp) == thread_of).count();
        let thread_number = siblings as u64 + 1;
        let sibling = entries.iter().find(|entry| Some(entry.stamp) == thread_of);
        let (stamp, alive) = match sibling {
            Some(entry) => (entry.stamp, entry.alive.clone()),
            None => {
                let pid = index as u32 + 1;
                (Stamp::new(100 + index as u64, pid), Rc::new(1.into()))
            }
        };
        entries.push(Entry {
            stamp,
            alive,
            fuse,
            thread_number,
            fence: None,
            is_running: true,
            is_dead: false,
            asleep_at: None,
            timed_out: false,
            thread: None,
        });
        index
    }

    /// The stamp of an entry, and its number within that process.
    pub(super) fn name(&self, index: usize) -> (Stamp, u64) {
        let entry = &self.entries.borrow()[index];
        (entry.stamp, entry.thread_number)
    }

    /// Ends a process, which may leave only sleepers.
    pub(super) fn end(&self, index: usize, by_death: bool) {
        {
            let entry = &mut self.entries.borrow_mut()[index];
            entry.is_running = false;
            entry.is_dead = by_death;
        }
        note(if by_death { "is dead" } else { "finishes" }, None, [None; 2], None);
        if !by_death {
            self.fired.set(0);
        }
        self.look_for_stillness(None);
    }

    /// Puts the running process to sleep; returns whether it timed out.
    pub(super) fn sleep(&self, address: usize) -> bool {
        let me = self.running().expect("the proof itself cannot sleep; use `afterwards`");
        {
            let entry = &mut self.entries.borrow_mut()[me];
            assert_ne!(entry.fence, Some(Fence::Light), "a light fence before a sleep");
            entry.asleep_at = Some(address);
            entry.timed_out = false;
            entry.thread = Some(loom::thread::current());
        }
        self.queue.borrow_mut().push(me);
        self.look_for_stillness(Some(me));
        while self.entries.borrow()[me].asleep_at.is_some() {
            loom::thread::park();
        }
        self.entries.borrow()[me].timed_out
    }

    /// Wakes the longest sleepers at `address`; returns how many.
    pub(super) fn wake(&self, address: usize, count: u32) -> usize {
        let is_here = |index: &usize| self.entries.borrow()[*index].asleep_at == Some(address);
        let queue = self.queue.borrow();
        let woken: Vec<usize> =
            queue.iter().copied().filter(is_here).take(count as usize).collect();
        drop(queue);
        for &index in &woken {
            self.rouse(index, false);
        }
        woken.len()
    }

    fn rouse(&self, index: usize, timed_out: bool) {
        self.queue.borrow_mut().retain(|sleeper| *sleeper != index);
        let entry = &mut self.entries.borrow_mut()[index];
        entry.asleep_at = None;
        entry.timed_out = timed_out;
        // A token for oneself would make a later sleep end at once.
        if let Some(thread) = entry.thread.take().filter(|_| self.running() != Some(index)) {
            thread.unpark();
        }
    }

    /// Where nobody living is awake, only a timeout can go on.
    fn look_for_stillness(&self, last: Option<usize>) {
        let is_awake = |entry: &Entry| entry.is_running && entry.asleep_at.is_none();
        let sleepers = self.queue.borrow().clone();
        if sleepers.is_empty() || self.entries.borrow().iter().any(is_awake) {
            return;
        }
        let names: Vec<usize> = sleepers.iter().map(|index| index + 1).collect();
        match self.timeouts {
            Timeouts::Never => {
                if let Some(last) = last {
                    note("sleeps, the last one awake", self.place_of(last), [None; 2], None);
                }
                panic!("lost wake: processes {names:?} sleep, and nobody is left to wake them");
            }
            Timeouts::WhenAllBlocked => {
                self.fired.set(self.fired.get() + 1);
                assert!(
                    self.fired.get() <= MOST_TIMEOUTS,
                    "not healed: processes {names:?} sleep on after {MOST_TIMEOUTS} timeouts",
                );
                note("all sleep: timeout", None, [None; 2], None);
                for index in sleepers {
                    self.rouse(index, true);
                }
            }
        }
    }

    fn place_of(&self, index: usize) -> Option<usize> {
        self.entries.borrow()[index].asleep_at
    }
}
