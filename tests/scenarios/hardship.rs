//! What the rest of `sync` that is waited for must bear, as the locks do: timeouts of
//! nothing and of for ever, a signal every 100 us, processes that are stopped for
//! seconds, two hundred waiters in processes of several threads.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use killproof::sync::{Barrier, Broken, Condvar, Event, Flag, Mutex, OnceLock, Party};
use killproof::{Shared, shareable};

use crate::common::case::Case;
use crate::common::child::{Child, fork, until};
use crate::common::interruptions;
use crate::common::mapped::{Gate, Mapped};
use crate::locks_hardship::{CROWD, INTERRUPTIONS, SECONDS, WHILE, go_on, stop};
use crate::{STUCK, expect, fall_asleep, finish, kill, scenario};

/// Threads of each process in a crowd.
pub const THREADS: usize = 5;
/// Parties: a crowd and one who lets it through.
const MOST: usize = CROWD + 1;
const GROUPS: usize = CROWD / THREADS;

pub fn cases() -> Vec<Case> {
    vec![
        scenario("waits, timeouts of zero and of Duration::MAX", || each(zero_and_max)),
        scenario("waits, a signal every 100 us", || each(storm)),
        scenario("waits, processes stopped for seconds", stopped),
        scenario("waits, 200 waiters, threads and processes mixed", || each(crowd)),
        scenario("waits, 200 waiters, one process killed", || each(bereaved_crowd)),
    ]
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Event,
    Flag,
    Condvar,
    Barrier,
    Once,
}

const KINDS: [Kind; 5] = [Kind::Event, Kind::Flag, Kind::Condvar, Kind::Barrier, Kind::Once];

/// At the barrier.
type Seat = Option<Party<MOST>>;

/// How a wait ended.
#[derive(Debug, PartialEq)]
enum Outcome {
    Came,
    Late,
    /// The party of this process will not come.
    Died(u32),
}

shareable! {
    struct Hall { is_open: Mutex<bool>, opened: Condvar, value: OnceLock<u32> }
}

/// One of everything, of which a scenario uses what its kind says.
struct World {
    kind: Kind,
    event: Event,
    flag: Shared<Flag>,
    hall: Shared<Hall>,
    barrier: Shared<Barrier<MOST>>,
    /// Who makes the value, until it may end.
    maker: Option<Child>,
    maker_may_end: Mapped<Gate>,
    /// How many others made the value.
    made: Mapped<AtomicU32>,
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

impl World {
    /// For so many who wait.
    fn new(kind: Kind, waiters: usize) -> Result<World, String> {
        let hall =
            Hall { is_open: Mutex::new(false), opened: Condvar::new(), value: OnceLock::new() };
        let mut world = World {
            kind,
            event: Event::new().map_err(text)?,
            flag: Shared::new(Flag::new()).map_err(text)?,
            hall: Shared::new(hall).map_err(text)?,
            barrier: Shared::new(Barrier::with_capacity(waiters + 1)).map_err(text)?,
            maker: None,
            maker_may_end: Mapped::new(Gate::default()),
            made: Mapped::new(AtomicU32::new(0)),
        };
        if kind == Kind::Once {
            let begins = Mapped::new(Gate::default());
            let maker = fork(|| {
                let make = || {
                    begins.open();
                    world.maker_may_end.pass();
                    7
                };
                expect("the value", world.hall.value.get_or_init(make).copied(), Ok(7))
            });
            fall_asleep(&maker, &begins)?;
            world.maker = Some(maker);
        }
        Ok(world)
    }

    /// Whether a wait can end before what it is for.
    fn has_timeouts(&self) -> bool {
        self.kind != Kind::Once
    }

    /// Who waits at the barrier for a time keeps `party` for the next try.
    fn wait(&self, party: &mut Seat, timeout: Option<Duration>) -> Result<Outcome, String> {
        let came = match (self.kind, timeout) {
            (Kind::Event, None) => {
                self.event.wait();
                true
            }
            (Kind::Event, Some(time)) => self.event.wait_timeout(time),
            (Kind::Flag, None) => {
                self.flag.wait();
                true
            }
            (Kind::Flag, Some(time)) => self.flag.wait_timeout(time),
            (Kind::Condvar, None) => {
                let is_open = self.hall.is_open.lock().map_err(text)?;
                *self.hall.opened.wait_while(is_open, |is_open| !*is_open).map_err(text)?
            }
            (Kind::Condvar, Some(time)) => {
                let is_open = self.hall.is_open.lock().map_err(text)?;
                let waited = self.hall.opened.wait_timeout_while(is_open, time, |open| !*open);
                !waited.map_err(text)?.1.timed_out()
            }
            (Kind::Barrier, timeout) => {
                let party = match party {
                    Some(party) => party,
                    None => party.insert(self.barrier.party().map_err(text)?),
                };
                let waited = match timeout {
                    None => party.wait(),
                    Some(time) => party.wait_timeout(time),
                };
                match waited {
                    Ok(_) => true,
                    Err(Broken::TimedOut(_)) => {
                        self.barrier.reset();
                        false
                    }
                    Err(Broken::Died(pid)) => return Ok(Outcome::Died(pid)),
                    Err(other) => return Err(other.to_string()),
                }
            }
            (Kind::Once, _) => {
                let make = || self.made.fetch_add(1, Ordering::Relaxed);
                self.hall.value.get_or_init(make).map_err(text)?;
                true
            }
        };
        Ok(if came { Outcome::Came } else { Outcome::Late })
    }

    /// A process that waits, asleep, until that comes.
    fn waits(&self, timeout: Option<Duration>) -> Result<Child, String> {
        let begins = Mapped::new(Gate::default());
        let waiter = fork(|| {
            begins.open();
            expect("the wait", self.wait(&mut None, timeout), Ok(Outcome::Came))
        });
        fall_asleep(&waiter, &begins)?;
        Ok(waiter)
    }

    /// What they wait for comes.
    fn let_through(&self, ours: &mut Seat) -> Result<(), String> {
        match self.kind {
            Kind::Event => self.event.set(),
            Kind::Flag => self.flag.set(),
            Kind::Condvar => {
                *self.hall.is_open.lock().map_err(text)? = true;
                self.hall.opened.notify_all();
            }
            Kind::Barrier => expect("ours", self.wait(ours, None), Ok(Outcome::Came))?,
            Kind::Once => self.maker_may_end.open(),
        }
        Ok(())
    }

    fn end(&self) -> Result<(), String> {
        self.maker.as_ref().map_or(Ok(()), |maker| finish("the maker", maker))
    }
}

fn each(play: fn(Kind) -> Result<(), String>) -> Result<String, String> {
    for kind in KINDS {
        play(kind).map_err(|reason| format!("{kind:?}: {reason}"))?;
    }
    Ok(format!("ok, {KINDS:?}"))
}

fn zero_and_max(kind: Kind) -> Result<(), String> {
    let world = World::new(kind, 1)?;
    let (mut ours, mut timeout) = (None, None);
    if world.has_timeouts() {
        expect("no time", world.wait(&mut ours, Some(Duration::ZERO)), Ok(Outcome::Late))?;
        timeout = Some(Duration::MAX);
    }
    let waiter = world.waits(timeout)?;
    world.let_through(&mut ours)?;
    finish("who may wait for ever", &waiter)?;
    world.end()
}

/// In vain at first: interruptions make the time no longer and no shorter. Then until
/// it comes.
fn storm(kind: Kind) -> Result<(), String> {
    // From here on they count together.
    let begun = interruptions::count();
    let world = World::new(kind, 1)?;
    let waits = Mapped::new(Gate::default());
    let in_the_storm = fork(|| {
        interruptions::start(Duration::from_micros(100));
        let mut its = None;
        while world.has_timeouts() && interruptions::count() < begun + INTERRUPTIONS {
            let begin = Instant::now();
            expect("in vain", world.wait(&mut its, Some(WHILE)), Ok(Outcome::Late))?;
            expect("not before its time", begin.elapsed() >= WHILE, true)?;
        }
        waits.open();
        expect("the wait", world.wait(&mut its, None), Ok(Outcome::Came))
    });
    if !until(Instant::now() + STUCK, || waits.is_open() || in_the_storm.ended(Instant::now())) {
        return Err("does not come to wait for ever".into());
    }
    until_interrupted()?;
    world.let_through(&mut None)?;
    finish("who waits in the storm", &in_the_storm)?;
    world.end()
}

/// Waits until those who sleep have been interrupted often.
pub fn until_interrupted() -> Result<(), String> {
    interruptions::await_more(INTERRUPTIONS, STUCK)
}

/// All kinds at once, since it takes long. Of two that wait one is stopped, and so is
/// who makes the value: nobody takes them for dead. What comes, comes for the other
/// meanwhile, and for the stopped one later, although it is gone by then.
fn stopped() -> Result<String, String> {
    let mut worlds = Vec::new();
    for kind in KINDS {
        let world = World::new(kind, 2)?;
        let waiters = [world.waits(None)?, world.waits(None)?];
        [world.maker.as_ref(), Some(&waiters[0])].into_iter().flatten().try_for_each(stop)?;
        worlds.push((world, waiters));
    }
    thread::sleep(SECONDS);
    for (world, [stopped, other]) in &worlds {
        let kind = world.kind;
        let words = |reason| format!("{kind:?}: {reason}");
        expect("came through", other.ended(Instant::now()), false).map_err(words)?;
        world.let_through(&mut None).map_err(words)?;
        match kind {
            Kind::Event => world.event.clear(),
            Kind::Flag => world.flag.clear(),
            _ => {}
        }
        world.maker.as_ref().map_or(Ok(()), go_on)?;
        finish("the other waiter", other).map_err(words)?;
        go_on(stopped)?;
        finish("the stopped waiter", stopped).map_err(words)?;
        world.end().map_err(words)?;
        expect("made twice", world.made.load(Ordering::Relaxed), 0)?;
    }
    Ok(format!("ok, {KINDS:?} for {SECONDS:?}"))
}

/// Two hundred in processes of several threads each, all asleep.
fn gather(world: &World, came: &AtomicU32, told: &AtomicU32) -> Result<Vec<Child>, String> {
    let groups = (0..GROUPS).map(|_| group(|| note(world, came, told))).collect();
    all_asleep(&groups)?;
    Ok(groups)
}

fn note(world: &World, came: &AtomicU32, told: &AtomicU32) -> Result<(), String> {
    match world.wait(&mut None, None)? {
        Outcome::Came => _ = came.fetch_add(1, Ordering::Relaxed),
        Outcome::Died(_) => _ = told.fetch_add(1, Ordering::Relaxed),
        Outcome::Late => return Err("late for nothing".into()),
    }
    Ok(())
}

/// A process whose threads all do the same.
pub fn group(body: impl Fn() -> Result<(), String> + Sync) -> Child {
    fork(|| {
        thread::scope(|scope| {
            let others: Vec<_> = (1..THREADS).map(|_| scope.spawn(&body)).collect();
            let own = body();
            let ends = others.into_iter().map(|other| other.join().map_err(|_| "a panic")?);
            ends.fold(own, Result::and)
        })
    })
}

/// Waits until each thread of each group sleeps.
pub fn all_asleep(groups: &Vec<Child>) -> Result<(), String> {
    for group in groups {
        let asleep = || group.sleepers() == THREADS;
        if !until(Instant::now() + STUCK, asleep) {
            return Err(format!(
                "{} of {THREADS} sleep: {}",
                group.sleepers(),
                group.whereabouts()
            ));
        }
    }
    Ok(())
}

fn crowd(kind: Kind) -> Result<(), String> {
    let world = World::new(kind, CROWD)?;
    let counts = Mapped::new([const { AtomicU32::new(0) }; 2]);
    let [came, told] = &*counts;
    let groups = gather(&world, came, told)?;
    world.let_through(&mut None)?;
    groups.iter().try_for_each(|group| finish("one of many", group))?;
    let counts = [came, told].map(|count| count.load(Ordering::Relaxed));
    expect("came, told", counts, [CROWD as u32, 0])?;
    expect("made twice", world.made.load(Ordering::Relaxed), 0)?;
    world.end()
}

/// The maker of the value is killed, and one of the many makes it; or some who wait are,
/// of which the others at the barrier alone are told.
fn bereaved_crowd(kind: Kind) -> Result<(), String> {
    let world = World::new(kind, CROWD)?;
    let counts = Mapped::new([const { AtomicU32::new(0) }; 2]);
    let [came, told] = &*counts;
    let mut groups = gather(&world, came, told)?;
    let all = CROWD as u32;
    let rest = all - THREADS as u32;
    let expected = match (kind, &world.maker) {
        (_, Some(maker)) => {
            kill(maker);
            [all, 0, 1]
        }
        _ => {
            kill(&groups.remove(0));
            if kind == Kind::Barrier { [0, rest, 0] } else { [rest, 0, 0] }
        }
    };
    if !matches!(kind, Kind::Barrier | Kind::Once) {
        world.let_through(&mut None)?;
    }
    groups.iter().try_for_each(|group| finish("one of many", group))?;
    let counts = [came, told, &world.made].map(|count| count.load(Ordering::Relaxed));
    expect("came, told, made", counts, expected)
}
